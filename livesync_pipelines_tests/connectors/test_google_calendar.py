"""Google Calendar, from a pretend one over HTTP into a capsule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from livesync_pipelines.engine.choosing import seen_by
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.google.calendars import planted
from livesync_pipelines.sandbox.world import World

from .calendar_world import EVENTS, LISTS, Diary, a_diary

_SHOWS = "shows@group.calendar.google.com"
_STEPS, _RUN_EVERY = 120, 6


@pytest.fixture
def diary(engine: Engine) -> Iterator[Diary]:
    """With what was planted in step."""
    with a_diary(engine, planted(World())) as found:
        found.configure()
        assert found.run().status is Status.SUCCESS
        yield found


def test_a_first_sync_has_every_event_but_the_private_ones(diary: Diary) -> None:
    assert diary.titles() == {
        "Weekly round of the beds",
        "Cancelled: Weekly round of the beds",
        "Outing to the arboretum",
        "Which seeds to order",
    }


def test_an_event_says_when_where_and_who(diary: Diary) -> None:
    weekly = diary.text("Weekly round of the beds")
    assert "2026-01-12 09:00:00+01:00 Europe/Berlin to 2026-01-12 09:30:00+01:00" in weekly
    assert "RRULE:FREQ=WEEKLY;BYDAY=MO" in weekly
    assert "Greenhouse 2" in weekly
    assert "Look for **slugs**, and bring" in weekly
    assert "When: 2026-05-07 to 2026-05-08" in diary.text("Outing to the arboretum")
    seeds = diary.text("Which seeds to order")
    assert "Ben Birch" in seeds
    assert "(tentative)" in seeds
    cancelled = diary.text("Cancelled: Weekly round of the beds")
    assert "Does not take place: 2026-02-02 09:00:00+01:00" in cancelled


def test_an_event_is_found_by_its_name(diary: Diary) -> None:
    assert diary.text("Which seeds to order").startswith("# Which seeds to order")


def test_an_unchanged_calendar_costs_one_call(diary: Diary) -> None:
    diary.sandbox.control("DELETE", "/calls")
    assert diary.run().counts.updated == 0
    assert diary.sandbox.count("GET /google/calendar/*") == 1


def test_an_edit_costs_one_page_of_the_feed(diary: Diary) -> None:
    (event,) = (one for one in diary.truth() if one.get("summary") == "Which seeds to order")
    diary.sandbox.control("DELETE", "/calls")
    diary.ada.edit(event["id"], summary="Which bulbs to order")
    assert diary.run().counts.updated == 1
    assert "Which bulbs to order" in diary.titles()
    assert (diary.sandbox.count(LISTS), diary.sandbox.count(EVENTS)) == (1, 0)


def test_what_nobody_reads_is_no_change(diary: Diary) -> None:
    (event,) = (one for one in diary.truth() if one.get("summary") == "Which seeds to order")
    diary.ada.edit(event["id"], reminders={"useDefault": True})
    assert diary.run().counts.updated == 0


def test_a_series_that_is_deleted_takes_its_occurrences_along(diary: Diary) -> None:
    (series,) = (one for one in diary.truth() if "recurrence" in one)
    diary.ada.edit(f"{series['id']}_20260209T080000Z", summary="A late round")
    diary.run()
    assert "A late round" in diary.titles()
    diary.ada.delete(series["id"])
    assert diary.run().counts.removed == 3
    assert diary.titles() == {"Outing to the arboretum", "Which seeds to order"}


def test_an_occurrence_of_a_series_that_is_long_in_step_is_named_after_it(diary: Diary) -> None:
    (series,) = (one for one in diary.truth() if "recurrence" in one)
    diary.sandbox.control("DELETE", "/calls")
    diary.ada.delete(f"{series['id']}_20260216T080000Z")
    assert diary.run().counts.added == 1
    assert diary.sandbox.count(EVENTS) == 1, "the series is looked up"


def test_a_series_that_is_renamed_or_hidden_takes_its_occurrences_along(diary: Diary) -> None:
    (series,) = (one for one in diary.truth() if "recurrence" in one)
    diary.ada.edit(series["id"], summary="Round of the pots")
    diary.run()
    assert {"Round of the pots", "Cancelled: Round of the pots"} <= diary.titles()
    diary.ada.edit(series["id"], visibility="private")
    assert diary.run().counts.removed == 2
    diary.ada.edit(series["id"], visibility="public")
    assert diary.run().counts.added == 2


def test_an_event_that_becomes_private_leaves_and_comes_back(diary: Diary) -> None:
    (event,) = (one for one in diary.truth() if one.get("summary") == "Which seeds to order")
    diary.ada.edit(event["id"], visibility="private")
    assert diary.run().counts.removed == 1
    diary.ada.edit(event["id"], visibility="default")
    assert diary.run().counts.added == 1


def test_private_events_other_kinds_and_other_calendars_come_where_they_are_asked_for(
    diary: Diary,
) -> None:
    diary.ada.add("At home", eventType="workingLocation")
    diary.configure(
        calendars=["primary", _SHOWS], private=True, types=["default", "workingLocation"]
    )
    assert diary.run().status is Status.SUCCESS
    assert {"Dentist", "At home", "Orchid show"} <= diary.titles()
    diary.ada.add("Rose show", calendar=_SHOWS)
    assert diary.run().counts.added == 1


def test_a_token_that_has_expired_costs_a_listing_and_loses_nothing(diary: Diary) -> None:
    diary.ada.add("Compost day")
    diary.forget()
    assert diary.run().status is Status.SUCCESS
    assert "Compost day" in diary.titles()
    assert len(diary.held()) == 5


def test_a_calendar_that_is_not_seen_fails_the_sync_and_nothing_goes(diary: Diary) -> None:
    diary.configure(calendars=["primary", "gone@group.calendar.google.com"])
    refused = diary.run()
    assert refused.error is not None
    assert refused.error["message"] == (
        "the account sees no calendar gone@group.calendar.google.com"
    )
    assert len(diary.held()) == 4, "nothing was taken for deleted"


def test_the_calendars_of_an_account_are_there_to_choose_from(diary: Diary) -> None:
    seen = seen_by(diary.engine, "ada", platform="google_calendar", project_id="demo")
    assert seen is not None
    assert [(one.title, one.option) for one in seen.choices] == [
        ("Ada Acacia", "calendars"),
        ("Garden shows", "calendars"),
    ]
    assert seen.otherwise == '`calendars: ["primary"]`'


class History:
    """Ada at work: single events, series, and occurrences that she changes or cancels."""

    def __init__(self, diary: Diary, seed: int) -> None:
        self.diary, self.random = diary, Random(seed)
        self.number = 0

    def step(self) -> None:
        steps: list[Callable[[], None]] = [
            *[self.add] * 4,
            self.add_series,
            *[self.edit] * 4,
            *[self.cancel] * 3,
            *[self.change_occurrence] * 2,
            *[self.delete] * 2,
            self.hide,
        ]
        self.random.choice(steps)()

    def words(self) -> dict[str, str]:
        self.number += 1
        return {"description": f"Told in step {self.number}: {self.random.random()}"}

    def add(self) -> None:
        self.diary.ada.add(f"Event {self.number}", **self.words())

    def add_series(self) -> None:
        rule = ["RRULE:FREQ=DAILY"]
        self.diary.ada.add(f"Series {self.number}", recurrence=rule, **self.words())

    def edit(self) -> None:
        self._some(lambda event: self.diary.ada.edit(event["id"], **self.words()))

    def delete(self) -> None:
        self._some(lambda event: self.diary.ada.delete(event["id"]))

    def hide(self) -> None:
        said = self.random.choice(["private", "default"])
        self._some(lambda event: self.diary.ada.edit(event["id"], visibility=said))

    def cancel(self) -> None:
        self._occurrence(self.diary.ada.delete)

    def change_occurrence(self) -> None:
        self._occurrence(lambda event_id: self.diary.ada.edit(event_id, **self.words()))

    def _some(self, work: Callable[[dict[str, Any]], None]) -> None:
        alive = [one for one in self.diary.truth() if one["status"] != "cancelled"]
        if alive:
            work(self.random.choice(alive))

    def _occurrence(self, work: Callable[[str], None]) -> None:
        found = self.diary.truth()
        series = [one["id"] for one in found if "recurrence" in one]
        if series:
            event_id = f"{self.random.choice(series)}_202604{self.random.randrange(1, 31):02}"
            if {"id": event_id, "status": "cancelled"}.items() not in map(_named, found):
                work(event_id)

    def expected(self) -> dict[str, str]:
        """By key, what each event is told of by."""
        events = {one["id"]: one for one in self.diary.truth()}
        shown = {}
        for event_id, event in events.items():
            series = event.get("recurringEventId")
            cancelled = event["status"] == "cancelled"
            said = events[series] if cancelled else event
            if said.get("visibility") != "private":
                key = "/".join(filter(None, ("primary", series, event_id)))
                shown[key] = "Does not take place" if cancelled else event["description"]
        return shown


def _named(event: dict[str, Any]) -> Any:
    return {"id": event["id"], "status": event["status"]}.items()


@pytest.mark.parametrize("seed", range(3))
def test_after_any_history_the_capsule_is_what_the_calendar_says(engine: Engine, seed: int) -> None:
    with a_diary(engine) as diary:
        diary.configure()
        history = History(diary, seed)
        for number in range(_STEPS):
            history.step()
            if history.random.random() < 0.05:
                diary.forget()
            if number % _RUN_EVERY == 0:
                assert diary.run().status is Status.SUCCESS
        diary.run()
        expected, held = history.expected(), diary.held()
        assert held.keys() == expected.keys()
        for key, words in expected.items():
            assert words in held[key]
        assert diary.failures() == {}
