"""Whatever stops a run, nothing is lost and nothing is done twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from livesync_pipelines.engine import report
from livesync_pipelines.engine.operating import Errand, operate
from livesync_pipelines.engine.plan import plan_sync
from livesync_pipelines.engine.reading import BATCH_ITEMS
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_errand
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import Limits, Trigger
from livesync_pipelines.store import catalog, operations, queue
from livesync_pipelines.store.database import Gone
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines.store.operations import Operation, Outcome
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import (
    Clock,
    House,
    a_sync,
    assert_in_step,
    assert_sound,
    prose,
    wait_until_free,
)


def fill(house: House, keys: str = "abcdef") -> None:
    for key in keys:
        house.source.put(key, prose(key, sections=1))


def statuses(house: House) -> list[str]:
    return [operation["status"] for operation in house.history()]


def test_a_source_that_fails_in_mid_listing_keeps_what_was_committed(house: House) -> None:
    fill(house)
    house.source.at_page[2] = fails(Unavailable("the line is dead", hint="Wait."))
    result = house.run()
    assert result.status is Status.FAILED
    assert result.error == {
        "code": "unavailable",
        "message": "the line is dead",
        "hint": "Wait.",
        "where": "",
    }
    assert result.last_sync is None
    assert sorted(house.held()) == ["a", "b", "c", "d"]
    assert_sound(house)


def test_the_next_run_goes_on_after_the_last_committed_page(house: House) -> None:
    fill(house)
    house.source.at_page[2] = fails(Unavailable("the line is dead"))
    house.run()
    house.source.forget()
    result = house.run()
    assert house.source.pages[0] == ["e", "f"]
    assert house.source.fetched == ["e", "f"]
    assert result.counts.added == 2
    assert_in_step(house)


def test_a_worker_that_dies_leaves_an_operation_that_the_next_one_closes(house: House) -> None:
    fill(house)
    house.source.at_page[1] = fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        house.run()
    wait_until_free(house.engine)
    assert statuses(house) == ["interrupted"]
    house.source.forget()
    house.run()
    assert statuses(house) == ["interrupted", "success"]
    assert house.source.pages[:2] == [["c", "d"], ["e", "f"]]
    assert house.history()[0]["counts"]["added"] == 2
    assert_in_step(house)


def test_a_full_resync_that_was_broken_off_is_owed_unless_it_breaks_off_every_time(
    house: House,
) -> None:
    fill(house)
    house.run()
    for full in (True, False, False):
        house.source.at_page[0] = fails(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            house.run(full=full)
    house.source.forget()
    house.run()
    house.run()
    assert [row["mode"] for row in house.history()] == [
        "pull",
        "full",
        "full",
        "full",
        "pull",
        "pull",
    ]


def test_those_who_watch_hear_of_the_end_of_a_worker_that_died_once_it_is_found_out(
    house: House,
) -> None:
    fill(house)
    house.source.at_page[1] = fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        house.run()
    house.source.forget()
    plan_sync(house.engine, "docs")
    house.run()
    told = house.rows("select kind, operation_id, document from livesync.events order by seq")
    assert [each["kind"] for each in told] == [
        "operation.started",
        "operation.failed",
        "operation.started",
        "operation.completed",
    ]
    assert told[1]["operation_id"] == told[0]["operation_id"]
    document = told[1]["document"]
    assert (document["status"], document["counts"]["added"]) == ("interrupted", 2)
    assert document["error"]["code"] == "interrupted"


def cancelled_run(house: House, page: int, schedule: str = "hourly", **options: Any) -> None:
    """A run that somebody cancels at this page."""
    house.configure(a_sync(schedule=schedule, **options))
    house.source.at_page[page] = fails(KeyboardInterrupt())
    errand = Errand(sync_id="docs", trigger=Trigger.WEBHOOK, cancelled=lambda _: True)
    with pytest.raises(KeyboardInterrupt):
        run_errand(house.engine, errand)
    house.source.forget()


def test_a_run_that_is_cancelled_has_ended_at_once_and_keeps_what_it_wrote(house: House) -> None:
    fill(house)
    cancelled_run(house, page=1)
    (operation,) = house.history()
    assert (operation["status"], operation["error"]["code"]) == ("cancelled", "cancelled")
    assert "livesync sync run docs" in operation["error"]["hint"]
    assert operation["counts"]["added"] == len(house.held()) == 2
    assert house.run().counts.added == 4
    assert_in_step(house)


def test_a_line_of_the_log_says_of_a_cancelled_run_that_it_was_cancelled(house: House) -> None:
    fill(house)
    before = house.engine.now()
    cancelled_run(house, page=1)
    with house.engine.database.connect() as connection:
        (operation,) = operations.since(connection, before - timedelta(seconds=1))
    at = f"{operation['finished_at']:%H:%M:%S}"
    assert report.line(operation).startswith(f"{at} docs (webhook) cancelled: 2 added, 0 updated, ")
    assert report.line(operation).endswith(f" - {operation['error']['message']}")


def test_a_run_that_is_cancelled_is_not_made_again_before_its_schedule_says(house: House) -> None:
    fill(house)
    for _ in range(4):
        cancelled_run(house, page=0)
        assert house.rows("select from livesync.queue") == []
    (sync,) = house.rows("select state, failures_in_row, next_due_at from livesync.syncs")
    assert (sync["state"], sync["failures_in_row"]) == ("active", 0)
    assert sync["next_due_at"] > house.engine.now()


def test_a_realtime_sync_that_is_cancelled_is_left_alone_until_something_is_told(
    house: House,
) -> None:
    fill(house)
    cancelled_run(house, page=1, schedule="realtime")
    assert sweep(house.engine) == []
    with house.engine.database.pooled() as connection:
        assert report.status(house.engine, connection)["syncs"][0]["condition"] == "cancelled"
        queue.hint(connection, ["fake"])
        assert queue.take(connection, now=house.engine.now())
    clock = house.engine.now
    assert isinstance(clock, Clock)
    clock.now += timedelta(minutes=16)
    house.execute("delete from livesync.queue")
    assert sweep(house.engine) == ["docs"]


def test_the_cancelled_run_of_a_removed_sync_leaves_nothing_to_one_that_has_its_name(
    house: House,
) -> None:
    fill(house)

    def remove_and_cancel() -> None:
        with house.engine.database.connect() as connection:
            catalog.remove_sync(connection, "docs")
        raise KeyboardInterrupt

    house.source.at_page[1] = remove_and_cancel
    errand = Errand(sync_id="docs", trigger=Trigger.WEBHOOK, cancelled=lambda _: True)
    with pytest.raises(KeyboardInterrupt):
        run_errand(house.engine, errand)
    house.source.forget()
    for table in ("operations", "queue", "shadow", "ledger"):
        assert house.rows(f"select from livesync.{table}") == [], table
    house.configure(a_sync())
    house.run()
    assert_in_step(house)


def test_a_run_that_is_cancelled_does_not_hide_that_removals_wait(house: House) -> None:
    strict = Limits(delete_items=1, delete_share=0.3)
    house.configure(a_sync(limits=strict))
    fill(house)
    house.run()
    house.source.remove("a", "b", "c")
    waiting = house.run()
    house.source.put("d", prose("d2", sections=1))
    cancelled_run(house, page=0, limits=strict)
    with house.engine.database.pooled() as connection:
        (told,) = report.status(house.engine, connection)["syncs"]
        (cancelled, *_) = operations.history(connection, "docs")
    assert told["condition"] == "waiting_for_approval"
    assert waiting.error is not None
    assert told["last_error"] == {
        **waiting.error,
        "message": f"{waiting.error['message']} {cancelled['error']['message']}",
        "hint": f"{waiting.error['hint']} {cancelled['error']['hint']}",
    }
    assert "livesync sync approve docs" in told["last_error"]["hint"]
    assert "livesync sync run docs" in told["last_error"]["hint"]
    assert house.run().status is Status.WAITING


def test_those_who_watch_hear_that_a_run_was_cancelled(house: House) -> None:
    fill(house)
    cancelled_run(house, page=1)
    (told,) = house.rows("select document from livesync.events where kind = 'operation.failed'")
    assert told["document"]["error"]["code"] == "cancelled"


def test_a_cancelled_run_frees_its_sync_whatever_its_connection_was_at(house: House) -> None:
    fill(house)

    def stop(operation: Operation) -> Outcome:
        connection.execute("begin")
        connection.execute("select from livesync.syncs for update")
        connection.pgconn.send_query(b"select pg_sleep(60)")
        raise KeyboardInterrupt

    errand = Errand(sync_id="docs", trigger=Trigger.WEBHOOK, cancelled=lambda _: True)
    with house.engine.database.connect() as connection, pytest.raises(KeyboardInterrupt):
        operate(house.engine, connection, errand, stop)
    assert statuses(house) == ["cancelled"]
    house.run()
    assert_in_step(house)


def test_a_worker_that_dies_again_and_again_still_gets_on(house: House) -> None:
    fill(house)
    house.source.page_items = 1
    for _ in range(5):
        house.source.forget()
        house.source.at_page[1] = fails(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            house.run()
        wait_until_free(house.engine)
    house.source.forget()
    house.run()
    assert house.source.fetched == ["f"]
    assert_in_step(house)


def test_a_worker_that_dies_in_mid_page_loses_no_more_than_a_batch(house: House) -> None:
    """The cursor of a page is kept with its last batch, not with its first."""
    house.source.page_items = BATCH_ITEMS + 20
    for number in range(BATCH_ITEMS + 40):
        house.source.put(f"{number:04}", f"Note {number}.")
    house.source.at_fetch[f"{BATCH_ITEMS + 5:04}"] = fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        house.run()
    assert len(house.held()) == BATCH_ITEMS
    house.source.forget()
    house.run()
    assert len(house.source.fetched) == 40
    assert_in_step(house)


@pytest.mark.parametrize("page", [0, 1, 2])
def test_a_connection_that_is_cut_costs_nothing_that_was_committed(house: House, page: int) -> None:
    fill(house)
    house.source.at_page[page] = lambda: cut(house)
    with pytest.raises(Gone):
        house.run()
    house.source.forget()
    assert house.run().status is Status.SUCCESS
    assert statuses(house) == ["interrupted", "success"]
    assert len(house.source.fetched) - (6 - 2 * page) in {0, 2}  # a page may have been in flight
    assert_in_step(house)


def cut(house: House) -> None:
    """End the backend of the operation in flight, as a crash of the server would."""
    house.execute(
        "select pg_terminate_backend(l.pid, 5000) from pg_locks l where l.locktype = 'advisory'"
        " and l.classid = %s and l.objsubid = 2 and l.database ="
        " (select oid from pg_database where datname = current_database())",
        AdvisoryLock.SYNC,
    )


def test_a_zombie_whose_sync_was_taken_over_writes_nothing_more(house: House) -> None:
    """Its lock is lost without its knowing; a second run does all the work meanwhile."""
    fill(house)
    second: list[SyncResult] = []

    def taken_over() -> None:
        house.source.at_page.clear()
        house.wait_until_written(2)
        house.execute("update livesync.syncs set lock_id = default")
        second.append(house.run())

    house.source.at_page[1] = taken_over
    before = len(house.source.history)
    house.source.put("zz", prose("zombie"))
    result = house.run()
    assert second[0].status is Status.SUCCESS
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "overtaken" in result.error["message"]
    assert len(house.source.history) == before + 1
    assert result.counts.synced_items == 2
    assert_in_step(house)


def test_a_fault_of_our_own_is_raised_and_is_in_the_history(house: House) -> None:
    fill(house)
    house.source.at_page[1] = fails(ZeroDivisionError("of our own"))
    with pytest.raises(ZeroDivisionError):
        house.run()
    assert statuses(house) == ["failed"]
    assert house.history()[0]["error"] == {
        "code": "fault",
        "message": "ZeroDivisionError: of our own",
        "hint": "A fault of LiveSync, not yours: please report it. Its run's log has more.",
    }
    house.source.forget()
    house.run()
    assert_in_step(house)


def test_the_connector_is_closed_however_a_run_ends(house: House) -> None:
    fill(house)
    house.run()
    house.source.at_page[0] = fails(Unavailable("away"))
    house.run()
    house.source.at_page[0] = fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        house.run()
    assert house.source.closed == 3


def test_a_removed_sync_gets_no_more_pages(house: House) -> None:
    """Removed while its page is being fetched: nothing of it may stay behind."""
    fill(house)

    def removed() -> None:
        with house.engine.database.pooled() as connection:
            catalog.remove_sync(connection, "docs")

    house.source.at_fetch["c"] = removed
    assert house.run().status is Status.FAILED
    for table in ("shadow", "records", "contents", "documents", "chunks", "ledger", "operations"):
        assert house.rows(f"select 1 from livesync.{table}") == []


def test_another_selection_begins_the_listing_anew(house: House) -> None:
    """A cursor of the old selection says nothing of the new one."""
    fill(house)
    house.source.at_page[2] = fails(Unavailable("away"))
    house.run()
    house.configure(a_sync(select={"shelf": "other"}))
    house.source.forget()
    house.run()
    assert house.source.pages[0] == ["a", "b"]
    assert_in_step(house)


def test_other_options_of_the_connection_begin_the_listing_anew(house: House) -> None:
    fill(house)
    house.source.at_page[2] = fails(Unavailable("away"))
    house.run()
    house.configure(a_sync(), options={"shelf": "other"})
    house.source.forget()
    house.run()
    assert house.source.pages[0] == ["a", "b"]


def test_applying_the_same_again_keeps_the_cursor(house: House) -> None:
    fill(house)
    house.source.at_page[2] = fails(Unavailable("away"))
    house.run()
    house.configure(a_sync(schedule="daily"))
    house.source.forget()
    house.run()
    assert house.source.pages[0] == ["e", "f"]


def test_a_run_whose_sync_was_changed_under_it_stops(house: House) -> None:
    """What it reads next may be of another source than what it was asked for."""
    fill(house)
    house.source.at_page[1] = lambda: house.configure(a_sync(select={"shelf": "other"}))
    assert house.run().status is Status.FAILED
    house.source.forget()
    house.run()
    assert_in_step(house)
