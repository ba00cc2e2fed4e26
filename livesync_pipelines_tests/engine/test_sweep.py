"""What is due is looked at; only what may have changed costs a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import monotonic, sleep
from typing import Any

import pytest

from livesync_pipelines.engine.pacing import connected
from livesync_pipelines.engine.sweep import refresh, sweep
from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.spec import Lane
from livesync_pipelines.model.sync import Limits, SyncState, Trigger
from livesync_pipelines.store import approvals, catalog, queue
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import Clock, House, a_sync, prose

DAY = timedelta(days=1)


def later(house: House, by: timedelta = DAY) -> None:
    clock = house.engine.now
    assert isinstance(clock, Clock)
    clock.now += by


def cycle(house: House, by: timedelta = DAY) -> Sequence[str]:
    """Some time later: what is due is looked at, and what was queued is run."""
    later(house, by)
    queued = sweep(house.engine)
    for sync_id in queued:
        house.run(sync_id)
    return queued


@pytest.fixture
def live(probed: House) -> House:
    probed.configure(a_sync(schedule="realtime"))
    for key in ("a", "b", "c"):
        probed.source.put(key, prose(key, sections=1))
    assert cycle(probed) == ["docs"]
    return probed


def test_a_source_that_says_what_it_said_before_costs_no_operation(live: House) -> None:
    for _ in range(5):
        assert cycle(live) == []
    assert len(live.history()) == 1


def test_many_looks_are_one_line_of_history(live: House) -> None:
    live.configure(*(a_sync(f"docs-{n}", schedule="realtime") for n in range(20)))
    live.execute("delete from livesync.looks")
    cycle(live)
    cycle(live)
    assert live.rows("select asked, changed from livesync.looks order by at") == [
        {"asked": 21, "changed": 20},
        {"asked": 21, "changed": 0},
    ]
    asked = live.rows("select count(looked_at) as times from livesync.syncs where state = 'active'")
    assert asked == [{"times": 21}]


def test_a_source_that_changed_is_queued_once_and_run(live: House) -> None:
    live.source.put("a", prose("new"))
    later(live)
    assert (sweep(live.engine), sweep(live.engine)) == (["docs"], [])
    with live.engine.database.pooled() as connection:
        (request,) = queue.take(connection, now=live.engine.now())
    assert request.trigger is Trigger.WATCH
    assert live.run().counts.updated == 1
    assert cycle(live) == []


def test_a_source_that_cannot_be_asked_is_run_whenever_it_is_due(house: House) -> None:
    house.configure(a_sync(schedule="daily"))
    assert [cycle(house), cycle(house), cycle(house)] == [["docs"]] * 3


@pytest.mark.parametrize("error", [Unavailable("away"), ZeroDivisionError("a bug")])
def test_a_source_that_fails_to_answer_is_queued_and_stops_no_other(
    live: House, error: Exception
) -> None:
    live.configure(a_sync(schedule="realtime"), a_sync("other", schedule="realtime"))
    live.source.at_page[-1] = fails(error)
    later(live)
    assert sorted(sweep(live.engine)) == ["docs", "other"]


def test_what_one_has_answered_does_not_wait_for_who_hangs(live: House) -> None:
    live.configure(a_sync(schedule="realtime"), a_sync("other", schedule="realtime"))
    live.execute("update livesync.syncs set looked_at = null")
    answered = "select sync_id from livesync.syncs where looked_at is not null"
    others: list[list[dict[str, Any]]] = []

    def hang() -> None:
        if not others:
            others.append([])
            until = monotonic() + 30
            while not others[0] and monotonic() < until:
                sleep(0.05)
                others[0] = live.rows(answered)

    live.source.at_page[-1] = hang
    later(live)
    sweep(live.engine)
    assert len(others[0]) == 1


def test_the_run_of_a_source_that_hangs_holds_up_no_others(live: House) -> None:
    takes_long = []
    for hangs_s in (0, 6):
        live.source.at_page[-1] = partial(later, live, timedelta(seconds=hangs_s))
        live.source.put("a", prose(f"after {hangs_s} s"))
        later(live)
        sweep(live.engine)
        with live.engine.database.pooled() as connection:
            (request,) = queue.take(connection, now=live.engine.now())
        takes_long.append(request.takes_long)
        live.run()
    assert takes_long == [False, True]


def test_a_look_waits_for_nobody_who_hangs(live: House) -> None:
    with live.engine.database.pooled() as connection:
        sync = catalog.sync(connection, "docs")
        source = catalog.connection_of(connection, sync.connection)
    for in_passing, tries in ((True, 1), (False, 3)):
        with connected(live.engine, source, sync, Lane.LIVE, in_passing=in_passing) as found:
            assert found.limits.tries == tries
            assert (found.limits.timeout_s <= 5.0) is in_passing


def test_a_platform_that_is_no_more_stops_no_other(live: House) -> None:
    live.configure(a_sync("other", schedule="realtime"))
    live.execute("insert into livesync.connections values ('old', 'demo', 'fax', '{}')")
    live.execute("update livesync.syncs set connection = 'old' where sync_id = 'docs'")
    later(live)
    assert sorted(sweep(live.engine)) == ["docs", "other"]


def test_a_change_while_it_runs_is_found_by_the_next_look(live: House) -> None:
    live.source.put("a", prose("new"))
    live.source.at_page[1] = lambda: live.source.put("a", prose("newer"))
    cycle(live)
    live.source.forget()
    assert cycle(live) == ["docs"]
    assert live.held()["a"] == prose("newer")
    assert cycle(live) == []


def test_after_a_failed_run_the_source_is_looked_at_again(live: House) -> None:
    live.source.put("a", prose("new"))
    live.source.at_page[0] = fails(Unavailable("away"))
    cycle(live)
    assert live.history()[-1]["status"] == "failed"
    live.source.forget()
    assert cycle(live, timedelta(seconds=10)) == []
    later(live, timedelta(seconds=60))
    with live.engine.database.pooled() as connection:
        assert len(queue.take(connection, now=live.engine.now())) == 1
    live.run()
    assert live.held()["a"] == prose("new")


def test_after_a_run_that_was_killed_the_source_is_looked_at_again(live: House) -> None:
    """The source says what it said when that run was queued; but nothing came of it."""
    live.source.put("a", prose("new"))
    live.source.at_page[0] = fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        cycle(live)
    live.source.forget()
    assert cycle(live) == ["docs"]
    assert live.held()["a"] == prose("new")
    assert cycle(live) == []


def test_what_was_broken_off_is_queued_before_its_time_but_ever_later(live: House) -> None:
    """Nobody else may know of it: its run may have ended for Dagster."""
    live.configure(a_sync(schedule="daily"))
    assert cycle(live) == ["docs"]
    live.source.put("a", prose("new"))
    for minutes in (2, 4, 8):
        live.source.at_page[0] = fails(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            live.run()
        later(live, timedelta(minutes=minutes, seconds=-1))
        assert sweep(live.engine) == []
        later(live, timedelta(seconds=2))
        assert sweep(live.engine) == ["docs"]
        assert sweep(live.engine) == [], "it waits in the queue"
    live.source.forget()
    live.run()
    assert live.held()["a"] == prose("new")
    assert cycle(live, timedelta(hours=1)) == []


def test_a_poisoned_item_is_no_reason_to_run_again_and_again(live: House) -> None:
    live.source.put("a", prose("new"))
    live.source.unreadable["a"] = ItemFailure("a", "encrypted", "It is encrypted.")
    assert cycle(live) == ["docs"]
    assert live.history()[-1]["status"] == "partial"
    assert [cycle(live), cycle(live)] == [[], []]


def test_an_item_that_may_heal_is_tried_again_after_a_while(live: House) -> None:
    live.source.put("a", prose("new"))
    live.source.unreadable["a"] = ItemFailure("a", "timed_out", "It took too long.")
    assert cycle(live) == ["docs"]
    assert cycle(live, timedelta(minutes=5)) == []
    assert cycle(live, timedelta(minutes=11)) == ["docs"]
    live.source.unreadable.clear()
    assert cycle(live, timedelta(minutes=16)) == []
    assert cycle(live, timedelta(minutes=61)) == ["docs"]
    assert live.held()["a"] == prose("new")
    assert cycle(live) == []


def test_what_waits_for_a_person_is_not_run_again_until_the_person_says_so(live: House) -> None:
    live.configure(a_sync(schedule="realtime", limits=Limits(delete_items=0, delete_share=0.0)))
    cycle(live)
    live.source.remove("a")
    assert cycle(live) == ["docs"]
    assert live.history()[-1]["status"] == Status.WAITING
    assert [cycle(live), cycle(live)] == [[], []]
    with live.engine.database.pooled() as connection:
        approvals.give(connection, "docs")
    assert cycle(live) == ["docs"]
    assert sorted(live.held()) == ["b", "c"]
    assert cycle(live) == []


def test_a_new_chunker_is_a_reason_to_run_though_the_source_has_nothing_new(live: House) -> None:
    live.execute("update livesync.syncs set chunker_version = '0'")
    assert cycle(live) == ["docs"]
    assert live.history()[-2]["trigger"] == "replay"
    assert cycle(live) == []


def test_who_is_resumed_looks_at_once_for_what_was_told_meanwhile(live: House) -> None:
    live.configure(a_sync(schedule="daily"))
    cycle(live)
    live.source.put("a", prose("told while it rested"))
    with live.engine.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.PAUSED, None)
        queue.hint(connection, ["fake"])
        assert sweep(live.engine) == []
        catalog.set_state(connection, "docs", SyncState.ACTIVE, None)
    assert sweep(live.engine) == ["docs"]
    assert live.run().counts.updated == 1


def test_an_applied_change_is_a_reason_to_run(live: House) -> None:
    live.configure(a_sync(schedule="realtime", limits=Limits(delete_items=5)))
    assert cycle(live) == ["docs"]


def test_where_external_syncs_are_switched_off_nobody_is_asked(live: House) -> None:
    live.source.put("a", prose("new"))
    later(live)
    assert sweep(replace(live.engine, enabled=False)) == []


def test_one_platform_can_be_swept_alone(live: House) -> None:
    live.source.put("a", prose("new"))
    later(live)
    assert sweep(live.engine, platform="folder") == []
    assert sweep(live.engine, realtime=False) == []
    assert sweep(live.engine, platform="fake", realtime=True) == ["docs"]


def test_what_has_been_quiet_for_long_is_looked_at_in_full_one_sync_at_a_time(live: House) -> None:
    live.configure(a_sync(schedule="realtime"), a_sync("other", schedule="realtime"))
    cycle(live, timedelta(seconds=10))
    assert refresh(live.engine, "fake") is None
    later(live, timedelta(minutes=16))
    assert sweep(live.engine) == []
    assert refresh(live.engine, "fake") == "docs"
    assert refresh(live.engine, "fake") is None, "one waits already"
    live.run("docs")
    assert refresh(live.engine, "fake") is None, "one has just run"
    later(live, timedelta(minutes=16))
    assert refresh(live.engine, "fake") == "other"
    assert refresh(live.engine, "folder") is None


def test_syncs_that_are_run_by_hand_are_never_refreshed(live: House) -> None:
    live.configure(a_sync(schedule="manual"))
    later(live)
    assert refresh(live.engine, "fake") is None
