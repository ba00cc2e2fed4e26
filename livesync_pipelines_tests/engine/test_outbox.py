"""What a run writes into the outbox, together with what it tells."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from livesync_pipelines.engine.operating import Errand
from livesync_pipelines.engine.plan import plan_sync, run_planned
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import ItemFailure, RateLimited, Reauthorise, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Notify, NotifyOn, SyncConfig, SyncState, Trigger
from livesync_pipelines.store import approvals, catalog, commit, letters, outbox
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import Clock, House, a_sync, prose, wait_until_free

MAIL = "mailto:${WHO}@example.com"
EVERYTHING = Notify(tuple(NotifyOn), (MAIL, MAIL))


@pytest.fixture
def told(house: House) -> House:
    """A house with one item in step, and somebody who wants to know everything."""
    house.configure(a_sync(notify=EVERYTHING))
    house.source.put("a", prose("a", sections=1))
    house.run()
    house.execute("delete from livesync.outbox")
    return house


def events(house: House) -> list[dict[str, Any]]:
    return house.rows(
        "select o.*, (select count(*) from livesync.deliveries d where d.seq = o.seq) as told"
        " from livesync.outbox o order by seq"
    )


def kinds(house: House) -> list[str]:
    return [event["kind"] for event in events(house)]


def listening(on: NotifyOn) -> SyncConfig:
    return a_sync(notify=Notify((on,), (MAIL,)))


def test_a_change_is_an_event_with_counts_and_without_content(told: House) -> None:
    told.source.put("b", "The secret of the heron.")
    result = told.run()
    (event,) = events(told)
    assert (event["kind"], event["sync_id"], event["project_id"]) == ("changed", "docs", "demo")
    assert str(event["operation_id"]) == result.operation_id
    assert event["document"]["counts"]["added"] == 1
    assert event["document"]["message"] == "1 items changed."
    assert "heron" not in str(event["document"])
    (delivery,) = told.rows("select address, state, tries from livesync.deliveries")
    assert delivery == {"address": MAIL, "state": "waiting", "tries": 0}


def test_a_run_in_which_nothing_happened_leaves_no_trace(
    told: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "write_event", None)
    before = told.rows("select xmin from livesync.outbox")
    assert told.run().status is Status.SUCCESS
    assert events(told) == before == []


def test_a_sync_without_notify_has_events_and_no_deliveries(house: House) -> None:
    house.source.put("a", "Words.")
    house.run()
    assert [(event["kind"], event["told"]) for event in events(house)] == [("changed", 0)]


def test_the_same_failure_is_told_once_and_so_is_its_end(told: House) -> None:
    told.source.at_page[0] = fails(Unavailable("away", hint="Wait."))
    for _ in range(4):
        assert told.run().status is Status.FAILED
    told.source.forget()
    told.run()
    told.run()
    failed, recovered = events(told)
    assert (failed["kind"], recovered["kind"]) == ("failed", "recovered")
    assert (failed["document"]["message"], failed["document"]["hint"]) == ("away", "Wait.")
    assert recovered["document"]["since"] == failed["at"].isoformat()
    assert told.sync_row()["told_since"] is None


@pytest.mark.parametrize(
    ("on", "deliveries"),
    [(NotifyOn.ERROR, [1, 1]), (NotifyOn.SUCCESS, [0, 0]), (NotifyOn.APPROVAL, [0, 0])],
)
def test_who_hears_of_a_failure_hears_of_its_end(
    told: House, on: NotifyOn, deliveries: list[int]
) -> None:
    told.configure(listening(on))
    told.source.at_page[0] = fails(Unavailable("away"))
    told.run()
    told.source.forget()
    told.run()
    assert [event["told"] for event in events(told)] == deliveries


def test_whoever_is_named_anew_is_told_of_what_still_fails(told: House) -> None:
    told.source.at_page[0] = fails(Unavailable("away"))
    told.run()
    told.configure(listening(NotifyOn.ERROR))
    told.run()
    told.run()
    assert kinds(told) == ["failed", "failed"]


def test_what_a_failing_run_changed_is_told_when_it_works_again(told: House) -> None:
    told.configure(listening(NotifyOn.SUCCESS))
    told.source.page_items = 1
    for key in "bcd":
        told.source.put(key, prose(key, sections=1))
    told.source.at_page[3] = fails(Unavailable("away"))
    told.run()
    told.run()
    told.source.forget()
    told.run()
    told.run()
    found = [(e["kind"], e["document"]["changed"], e["told"]) for e in events(told)]
    assert found == [("failed", 2, 0), ("recovered", 3, 1)]
    assert told.sync_row()["untold"] == 0


def test_what_an_operation_changed_that_was_left_behind_is_told_by_the_next(
    told: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.source.put("b", "Words.")
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "note_end", fails_with(Unavailable("power cut")))
        for _ in range(2):
            with pytest.raises(Unavailable):
                told.run()
    told.run()
    told.run()
    (event,) = events(told)
    assert (event["kind"], event["document"]["message"]) == ("changed", "1 items changed.")


def test_a_trouble_that_was_told_to_nobody_any_more_does_not_date_the_next(told: House) -> None:
    told.source.at_page[0] = fails(Unavailable("away"))
    told.run()
    told.configure(listening(NotifyOn.ERROR))
    told.source.forget()
    told.run()
    told.source.at_page[0] = fails(Unavailable("away"))
    told.run()
    told.source.forget()
    told.run()
    *_, failed, recovered = events(told)
    assert recovered["document"]["since"] == failed["at"].isoformat()


def test_a_pause_is_told_instead_of_its_failure(told: House) -> None:
    told.source.at_page[0] = fails(Reauthorise("revoked", hint="Connect again."))
    told.run()
    (event,) = events(told)
    assert event["kind"] == "paused"
    assert "revoked" in event["document"]["message"]
    assert "livesync sync resume docs" in event["document"]["hint"]
    told.source.forget()
    with told.engine.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.ACTIVE, None)
    told.run()
    assert kinds(told) == ["paused", "recovered"]


def test_a_rate_limit_is_no_news(told: House) -> None:
    told.source.at_page[0] = fails(RateLimited("slow down", after_s=60))
    told.run()
    assert kinds(told) == []


def test_removals_that_wait_are_told_once_until_they_are_approved(house: House) -> None:
    house.configure(listening(NotifyOn.APPROVAL))
    house.source.page_items = 50
    for n in range(30):
        house.source.put(f"{n:02}", f"Words {n}.")
    house.run()
    house.source.remove(*list(house.source.items)[:25])
    for _ in range(3):
        assert house.run().status is Status.WAITING
    with house.engine.database.pooled() as connection:
        approvals.give(connection, "docs")
    house.run()
    found = [(event["kind"], event["told"]) for event in events(house)]
    assert found == [("changed", 0), ("waiting_for_approval", 1), ("recovered", 1)]
    assert "livesync sync approve docs" in events(house)[1]["document"]["hint"]


def test_a_refused_plan_is_between_the_engine_and_who_asked(told: House) -> None:
    plan = plan_sync(told.engine, "docs")
    told.source.put("b", "Words.")
    errand = Errand(sync_id="docs", trigger=Trigger.PERSON)
    assert run_planned(told.engine, errand, plan.plan_hash).status is Status.REFUSED
    assert kinds(told) == []


def test_a_rehearsal_tells_nobody(told: House) -> None:
    told.source.put("b", "Words.")
    plan_sync(told.engine, "docs")
    assert kinds(told) == []


def test_a_thousand_dead_letters_are_a_few_events_and_one_message(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.configure(a_sync(notify=EVERYTHING))
    house.source.page_items = 400
    for n in range(1_000):
        key = f"{n:04}"
        house.source.put(key, "Words.")
        house.source.unreadable[key] = ItemFailure(key, "malformed", "no file of this kind")
    assert house.run().status is Status.PARTIAL
    found = events(house)
    assert {event["kind"] for event in found} == {"dead_letters"}
    assert len(found) <= 6
    assert sum(event["document"]["count"] for event in found) == 1_000
    assert found[0]["document"]["items"][0] == {"key": "0000", "code": "malformed"}
    assert len(found[0]["document"]["items"]) == outbox.FIRST_KEYS
    assert "livesync dead-letters list docs" in found[0]["document"]["hint"]
    assert [event["told"] for event in found] == [1] + [0] * (len(found) - 1)
    house.run()
    assert len(events(house)) == len(found), "they are dead, and that was told"


def test_an_item_is_a_dead_letter_once_it_was_tried_three_times(told: House) -> None:
    clock = told.engine.now
    assert isinstance(clock, Clock)
    told.source.put("b", "Words.")
    told.source.unreadable["b"] = ItemFailure("b", "timed_out", "it took too long")
    found = []
    for _ in range(4):
        told.run()
        found.append(kinds(told))
        clock.now += timedelta(days=2)
    assert found == [["partial"], ["partial"], ["partial", "dead_letters"], found[2]]


def test_a_dead_letter_that_a_person_tries_again_is_told_again(told: House) -> None:
    told.source.put("b", "Words.")
    told.source.unreadable["b"] = ItemFailure("b", "malformed", "no file of this kind")
    told.run()
    told.source.touch("b")
    told.run(full=True)
    assert kinds(told) == ["dead_letters"], "another version of what is dead is no news"
    with told.engine.database.pooled() as connection:
        letters.release(connection, "docs")
    told.run()
    assert kinds(told) == ["dead_letters", "dead_letters"]


def test_items_of_kinds_without_text_are_no_dead_letters(told: House) -> None:
    told.source.put("b", "Words.")
    told.source.unreadable["b"] = ItemFailure("b", "unsupported", "an image")
    told.run()
    assert kinds(told) == []


def test_the_query_string_of_a_key_is_not_told(told: House) -> None:
    key = "https://example.com/a?token=hunter2"
    told.source.put(key, "Words.")
    told.source.unreadable[key] = ItemFailure(key, "malformed", "no file of this kind")
    told.run()
    (event,) = events(told)
    assert event["document"]["items"] == [{"key": "https://example.com/a", "code": "malformed"}]
    assert "hunter2" not in str(event)


def test_the_words_of_a_fault_stay_in_the_house(told: House) -> None:
    told.source.at_page[0] = fails(ValueError("row ('hunter2')"))
    with pytest.raises(ValueError, match="hunter2"):
        told.run()
    (event,) = events(told)
    assert event["document"]["message"] == "A fault of LiveSync: ValueError"
    assert "hunter2" not in str(event)


def test_a_batch_that_is_taken_back_takes_its_event_along(
    told: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.source.put("b", "Words.")
    told.source.unreadable["b"] = ItemFailure("b", "malformed", "no file of this kind")
    with monkeypatch.context() as patch:
        patch.setattr(commit, "append", fails_with(Unavailable("power cut")))
        assert told.run().status is Status.FAILED
    assert kinds(told) == ["failed"]
    assert told.failures() == {}


def test_an_end_that_is_taken_back_takes_its_event_along(
    told: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.source.put("b", "Words.")
    real = outbox.note_end

    def then_dies(*args: Any, **named: Any) -> None:
        real(*args, **named)
        raise Unavailable("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "note_end", then_dies)
        with pytest.raises(Unavailable):
            told.run()
    assert kinds(told) == []
    wait_until_free(told.engine)
    assert told.history()[-1]["status"] == "interrupted"


def test_an_operation_that_was_overtaken_has_nothing_to_tell(told: House) -> None:
    def overtake() -> None:
        told.execute("update livesync.syncs set fence = fence + 1")

    told.source.put("b", "Words.")
    told.source.at_page[1] = overtake
    told.source.page_items = 1
    assert told.run().status is Status.FAILED
    assert kinds(told) == []
    told.source.forget()
    told.run()
    assert [event["document"]["changed"] for event in events(told)] == [1]


def test_a_sync_that_is_removed_meanwhile_takes_its_events_along(told: House) -> None:
    def remove() -> None:
        with told.engine.database.connect() as connection:
            catalog.remove_sync(connection, "docs")

    told.source.put("b", "Words.")
    told.source.at_page[1] = remove
    told.source.page_items = 1
    run_sync(told.engine, "docs", trigger=Trigger.PERSON)
    assert kinds(told) == []


def fails_with(error: Exception) -> Any:
    def now(*args: Any, **named: Any) -> None:
        raise error

    return now
