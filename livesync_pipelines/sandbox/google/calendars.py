"""The pretend Calendar's state, and the only way to change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.world import Json, Person, World

CANCELLED = "cancelled"
_KEPT_OF_A_DELETION = frozenset(
    ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")
)


@dataclass(slots=True)
class Calendar:
    """One calendar. `events` are as they are shown, by id, deleted ones among them; `changed` says
    at which change of the calendar each was last written. Sync tokens from before `forgotten`
    have expired."""

    id: str
    summary: str
    zone: str
    readers: frozenset[str]
    events: dict[str, Json] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    changes: int = 0
    forgotten: int = 0

    def since(self, change: int) -> Iterator[str]:
        """The ids of what was written after a change, each once, in that order."""
        later = (one for one in self.changed.items() if one[1] > change)
        return (event_id for event_id, _ in sorted(later, key=lambda one: one[1]))

    def uid(self, event: Json) -> str:
        """What a series and its occurrences have in common."""
        series = self.events.get(event.get("recurringEventId", ""), event)
        return str(series.get("iCalUID", ""))

    def is_shown(self, event: Json) -> bool:
        """Whether there is such an event; of a series that lives, what falls out is one too."""
        series = event.get("recurringEventId")
        if series is None:
            return bool(event["status"] != CANCELLED)
        return bool(self.events[series]["status"] != CANCELLED)


class Calendars:
    """Everybody has one of their own, whose id is their e-mail."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.by_id: dict[str, Calendar] = {}
        for person in world.people:
            self.make(person.email, person.name, person)

    def make(self, calendar_id: str, summary: str, *readers: Person) -> Calendar:
        made = Calendar(
            calendar_id, summary, "Europe/Berlin", frozenset(reader.email for reader in readers)
        )
        self.by_id[calendar_id] = made
        return made

    def seen(self, person: Person, calendar_id: str) -> Calendar | None:
        """`primary` is one's own."""
        found = self.by_id.get(person.email if calendar_id == "primary" else calendar_id)
        return found if found is not None and person.email in found.readers else None

    def save(self, person: Person, calendar: Calendar, said: Json, event_id: str = "") -> Json:
        """A new event, or a new state of one with all that is `said`."""
        event_id = event_id or self.world.ids.new("google:event", 26)
        at = rfc3339(self.world.clock.stamp())
        before = calendar.events.get(event_id)
        whose = {"email": person.email, "displayName": person.name}
        made: Json = before or {
            "kind": "calendar#event",
            "id": event_id,
            "status": "confirmed",
            "created": at,
            "creator": whose,
            "organizer": whose,
            "eventType": "default",
            "iCalUID": f"{event_id}@google.com",
            "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
        }
        sequence = {"sequence": made.get("sequence", -1) + 1, "updated": at}
        return self._put(calendar, {**made, **said, **sequence})

    def cancel(self, calendar: Calendar, event_id: str) -> None:
        """An event, or one occurrence of a series. With a series go the events that were made of
        its occurrences, without a word of their own."""
        self._put(calendar, calendar.events[event_id] | {"status": CANCELLED})

    def _put(self, calendar: Calendar, event: Json) -> Json:
        calendar.changes += 1
        event_id = event["id"]
        kept = {**event, "etag": f'"{self.world.ids.new("google:etag", 16)}"'}
        if kept["status"] == CANCELLED:
            kept = {name: kept[name] for name in _KEPT_OF_A_DELETION if name in kept}
        calendar.events[event_id] = kept
        calendar.changed[event_id] = calendar.changes
        return kept

    def truth(self) -> dict[str, Any]:
        """Every event that there is, and every occurrence that is cancelled, by calendar."""
        return {
            calendar.id: [one for one in calendar.events.values() if calendar.is_shown(one)]
            for calendar in self.by_id.values()
        }


def planted(world: World) -> Calendars:
    """Ada's calendar has a series of which one occurrence is cancelled, an outing of two days, a
    meeting with Ben, and a private event; and both have `Garden shows`."""
    calendars, (ada, ben) = Calendars(world), world.people[:2]
    mine = calendars.by_id[ada.email]
    weekly = calendars.save(
        ada,
        mine,
        {
            "summary": "Weekly round of the beds",
            "description": "Look for <b>slugs</b>, and bring the watering plan.",
            "location": "Greenhouse 2",
            "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"],
            **_hours("2026-01-12", "09:00", "09:30"),
        },
    )
    left_out = {
        "recurringEventId": weekly["id"],
        "originalStartTime": _moment("2026-02-02", "09:00"),
    }
    missed = calendars.save(ada, mine, left_out, f"{weekly['id']}_20260202T080000Z")
    calendars.cancel(mine, missed["id"])
    outing = {"start": {"date": "2026-05-07"}, "end": {"date": "2026-05-09"}}
    calendars.save(ada, mine, {"summary": "Outing to the arboretum", **outing})
    guest = {"email": ben.email, "displayName": ben.name, "responseStatus": "tentative"}
    meeting = {"summary": "Which seeds to order", "attendees": [guest]}
    calendars.save(ada, mine, {**meeting, **_hours("2026-01-20", "14:00", "15:00")})
    dentist = {"summary": "Dentist", "visibility": "private"}
    calendars.save(ada, mine, {**dentist, **_hours("2026-01-21", "08:00", "08:30")})
    shows = calendars.make("shows@group.calendar.google.com", "Garden shows", ada, ben)
    calendars.save(ada, shows, {"summary": "Orchid show", **_hours("2026-03-14", "10:00", "18:00")})
    return calendars


def _hours(day: str, begins: str, ends: str) -> Json:
    return {"start": _moment(day, begins), "end": _moment(day, ends)}


def _moment(day: str, time: str) -> Json:
    return {"dateTime": f"{day}T{time}:00+01:00", "timeZone": "Europe/Berlin"}
