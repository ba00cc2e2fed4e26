"""Google's own client keeps a calendar at the pretend Google, and every answer fits Google's
description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from livesync_pipelines.sandbox.google.calendars import planted
from livesync_pipelines.sandbox.world import World

from .description import misfits
from .google_client import calendar_of, discovery, drive_of
from .served import ADA, BEN, Sandbox, a_sandbox

_HOUR = {
    "start": {"dateTime": "2026-03-02T09:00:00+01:00", "timeZone": "Europe/Berlin"},
    "end": {"dateTime": "2026-03-02T10:00:00+01:00", "timeZone": "Europe/Berlin"},
}


@pytest.fixture
def served() -> Iterator[Sandbox]:
    world = World()
    with a_sandbox(world, calendars=planted(world)) as found:
        yield found


@pytest.fixture
def calendar(served: Sandbox) -> Iterator[Any]:
    service = calendar_of(served)
    yield service
    service.close()


def listed(calendar: Any, **asked: Any) -> tuple[list[dict[str, Any]], str]:
    """All pages, and the token of the last; each page fits the description."""
    found: list[dict[str, Any]] = []
    request = calendar.events().list(calendarId="primary", **asked)
    while True:
        answer = request.execute()
        assert misfits(discovery("calendar"), "Events", answer) == []
        found += answer["items"]
        following = calendar.events().list_next(request, answer)
        if following is None:
            return found, answer["nextSyncToken"]
        assert "nextSyncToken" not in answer
        request = following


def refused(request: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as caught:
        request.execute()
    return caught.value.resp.status, caught.value.error_details[0]["reason"]


def test_the_lists_and_the_calendars_fit(calendar: Any) -> None:
    found = calendar.calendarList().list().execute()
    assert misfits(discovery("calendar"), "CalendarList", found) == []
    assert [one["id"] for one in found["items"]] == [ADA, "shows@group.calendar.google.com"]
    one = calendar.calendars().get(calendarId="primary").execute()
    assert misfits(discovery("calendar"), "Calendar", one) == []
    assert one["id"] == ADA


def test_a_listing_goes_page_by_page_and_shows_everything_once(calendar: Any) -> None:
    found, _ = listed(calendar, maxResults=2)
    names = [event.get("summary") for event in found]
    assert len(names) == len({event["id"] for event in found}) == 5
    assert names.count(None) == 1, "what falls out of a series is told without its name"


def test_a_sync_token_tells_what_was_written_deleted_and_left_out_since(calendar: Any) -> None:
    events = calendar.events()
    made = events.insert(calendarId="primary", body={"summary": "Weed", **_HOUR}).execute()
    weekly = {"summary": "Water", "recurrence": ["RRULE:FREQ=WEEKLY"], **_HOUR}
    series = events.insert(calendarId="primary", body=weekly).execute()
    _, token = listed(calendar)
    assert listed(calendar, syncToken=token) == ([], token)
    events.patch(calendarId="primary", eventId=made["id"], body={"summary": "Mow"}).execute()
    occurrence = f"{series['id']}_20260309T080000Z"
    events.delete(calendarId="primary", eventId=occurrence).execute()
    changed, later = listed(calendar, syncToken=token)
    assert [(one["id"], one["status"]) for one in changed] == [
        (made["id"], "confirmed"),
        (occurrence, "cancelled"),
    ]
    assert changed[1]["recurringEventId"] == series["id"]
    assert "summary" not in changed[1]
    events.delete(calendarId="primary", eventId=made["id"]).execute()
    (gone,), _ = listed(calendar, syncToken=later)
    assert gone.keys() == {"kind", "etag", "id", "status"}
    again = events.delete(calendarId="primary", eventId=made["id"])
    assert refused(again) == (410, "deleted")


def test_an_occurrence_that_is_changed_is_an_event_of_its_own(calendar: Any) -> None:
    weekly = {"summary": "Water", "recurrence": ["RRULE:FREQ=WEEKLY"], **_HOUR}
    series = calendar.events().insert(calendarId="primary", body=weekly).execute()
    occurrence = f"{series['id']}_20260309T080000Z"
    asked = {"calendarId": "primary", "eventId": occurrence}
    calendar.events().patch(**asked, body={"summary": "Water twice"}).execute()
    own = calendar.events().get(**asked).execute()
    assert (own["summary"], own["recurringEventId"]) == ("Water twice", series["id"])
    assert misfits(discovery("calendar"), "Event", own) == []
    calendar.events().delete(calendarId="primary", eventId=series["id"]).execute()
    assert occurrence not in {event["id"] for event in listed(calendar)[0]}


def test_a_token_that_has_expired_or_was_never_given_is_refused(
    served: Sandbox, calendar: Any
) -> None:
    _, token = listed(calendar)
    served.client.post("/google/console/forget-sync-tokens").raise_for_status()
    events = calendar.events()
    old = events.list(calendarId="primary", syncToken=token)
    assert refused(old) == (410, "fullSyncRequired")
    assert refused(events.list(calendarId="primary", syncToken="x")) == (400, "invalid")
    assert refused(events.list(calendarId="primary", pageToken="x")) == (400, "invalid")
    _, token = listed(calendar)
    assert listed(calendar, syncToken=token)[0] == []
    both = events.list(calendarId="primary", syncToken=token, q="moss")
    assert refused(both) == (400, "invalid")


def test_a_calendar_is_seen_by_its_readers_alone(served: Sandbox, calendar: Any) -> None:
    assert refused(calendar.events().list(calendarId=BEN)) == (404, "notFound")
    assert refused(calendar.events().get(calendarId="primary", eventId="none"))[0] == 404
    drive = drive_of(served)
    token = drive._http.credentials.token
    drive.close()
    headers = {"authorization": f"Bearer {token}"}
    answer = served.client.get("/google/calendar/v3/calendars/primary/events", headers=headers)
    assert answer.json()["error"]["errors"][0]["reason"] == "insufficientPermissions"
