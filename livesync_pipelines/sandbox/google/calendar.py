"""`calendarList.list`, `calendars.get`, and `events` of Calendar v3.

Discovery document of Calendar v3, revision 20261030, and
https://developers.google.com/workspace/calendar/api/guides/sync, as others tell it (2026-11-24).
Series are not spread out: any moment that an id names is taken for one of their occurrences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.google.asking import answer, body_of, flag, mask_of
from livesync_pipelines.sandbox.google.calendars import CANCELLED, Calendar, Calendars
from livesync_pipelines.sandbox.google.errors import GoogleError, invalid
from livesync_pipelines.sandbox.world import Json, Person

_MOST, _OTHERWISE = 2_500, 250
_KEPT = 2_000
_NOT_WITH_A_TOKEN = ("iCalUID", "orderBy", "q", "timeMax", "timeMin", "updatedMin")
_SYNC_TOKEN = re.compile(r"CPD(\d+)==")
_OCCURRENCE = re.compile(r"(\w+)_((\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z)?)")
_NEEDED = ("start", "end")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a listing goes on: in what was found when it began, and the change that it was found
    at; `asked`: by whom, and with which question."""

    found: tuple[str, ...]
    at: int
    change: int
    asked: tuple[str, ...]


class CalendarApi:
    """Sync tokens name a change of the calendar; they expire when `forget` says so."""

    def __init__(self, calendars: Calendars) -> None:
        self._calendars = calendars
        self._places: dict[str, _Place] = {}

    async def calendar_list(self, request: Request, person: Person) -> Response:
        mine = [one for one in self._calendars.by_id.values() if person.email in one.readers]
        items = [
            {**_shown(one), "kind": "calendar#calendarListEntry", "accessRole": "owner"}
            for one in mine
        ]
        return answer({"kind": "calendar#calendarList", "items": items}, mask_of(request, "*"))

    async def get_calendar(self, request: Request, person: Person) -> Response:
        shown = {**_shown(self._calendar(request, person)), "kind": "calendar#calendar"}
        return answer(shown, mask_of(request, "*"))

    async def list(self, request: Request, person: Person) -> Response:
        """In the order in which they were last written; the last page has the token to go on with
        later. With such a token deletions are shown."""
        calendar = self._calendar(request, person)
        size, place = _size(request), self._place(request, person, calendar)
        page = place.found[place.at : place.at + size]
        body: Json = {
            "kind": "calendar#events",
            "summary": calendar.summary,
            "timeZone": calendar.zone,
            "accessRole": "owner",
            "items": [calendar.events[event_id] for event_id in page],
        }
        if place.at + size < len(place.found):
            following = _Place(place.found, place.at + size, place.change, place.asked)
            body["nextPageToken"] = self._keep(following)
        else:
            body["nextSyncToken"] = f"CPD{place.change}=="
        return answer(body, mask_of(request, "*"))

    async def get(self, request: Request, person: Person) -> Response:
        event = self._event(self._calendar(request, person), request)
        return answer(event, mask_of(request, "*"))

    async def insert(self, request: Request, person: Person) -> Response:
        calendar, said = self._calendar(request, person), await body_of(request)
        for name in _NEEDED:
            if name not in said:
                raise GoogleError(400, "required", f"Missing {name} time.")
        if said.get("id") in calendar.events:
            raise GoogleError(409, "duplicate", "The requested identifier already exists.")
        made = self._calendars.save(person, calendar, said, said.get("id", ""))
        return answer(made, mask_of(request, "*"))

    async def patch(self, request: Request, person: Person) -> Response:
        calendar, said = self._calendar(request, person), await body_of(request)
        event = self._event(calendar, request)
        if said.get("status") == CANCELLED:
            self._calendars.cancel(calendar, self._kept(person, calendar, event)["id"])
            return answer(calendar.events[event["id"]], mask_of(request, "*"))
        self._kept(person, calendar, event)
        made = self._calendars.save(person, calendar, said, event["id"])
        return answer(made, mask_of(request, "*"))

    async def delete(self, request: Request, person: Person) -> Response:
        calendar = self._calendar(request, person)
        event = self._event(calendar, request)
        if event["status"] == CANCELLED:
            raise GoogleError(410, "deleted", "Resource has been deleted")
        self._calendars.cancel(calendar, self._kept(person, calendar, event)["id"])
        return Response(status_code=204)

    async def forget(self, request: Request) -> Response:
        """What no API can do: let every sync token that was given so far expire."""
        for calendar in self._calendars.by_id.values():
            calendar.changes += 1
            calendar.forgotten = calendar.changes
        return Response(status_code=204)

    def _calendar(self, request: Request, person: Person) -> Calendar:
        found = self._calendars.seen(person, request.path_params["calendar_id"])
        if found is None:
            raise _not_found()
        return found

    def _event(self, calendar: Calendar, request: Request) -> Json:
        """The event of the path; an occurrence of a series is shown as the series has it."""
        event_id = request.path_params["event_id"]
        if event_id in calendar.events:
            return calendar.events[event_id]
        named = _OCCURRENCE.fullmatch(event_id)
        series = calendar.events.get(named[1]) if named else None
        if named is None or series is None or "recurrence" not in series:
            raise _not_found()
        begins = _begins(named)
        inherited = {name: value for name, value in series.items() if name != "recurrence"}
        own = {"id": event_id, "recurringEventId": series["id"], "originalStartTime": begins}
        return {**inherited, **own, "start": begins}

    def _kept(self, person: Person, calendar: Calendar, event: Json) -> Json:
        """An occurrence that is to be changed is an event of its own from then on."""
        if event["id"] in calendar.events:
            return event
        return self._calendars.save(person, calendar, event, event["id"])

    def _place(self, request: Request, person: Person, calendar: Calendar) -> _Place:
        params = request.query_params
        token, synced = params.get("pageToken"), params.get("syncToken")
        names = ("syncToken", "showDeleted", "iCalUID")
        asked = (person.email, calendar.id, *(params.get(name, "") for name in names))
        if token is not None:
            place = self._places.get(token)
            if place is None or place.asked != asked:
                raise invalid("pageToken")
            return place
        if synced is None:
            return _Place(tuple(_listed(request, calendar)), 0, calendar.changes, asked)
        return _Place(_since(request, calendar, synced), 0, calendar.changes, asked)

    def _keep(self, place: _Place) -> str:
        token = f"E{self._calendars.world.ids.new('google:events', 30)}"
        self._places[token] = place
        if len(self._places) > _KEPT:
            del self._places[next(iter(self._places))]
        return token


def _listed(request: Request, calendar: Calendar) -> list[str]:
    """Without what is deleted, unless that is asked for; what falls out of a series is shown."""
    deleted, uid = flag(request, "showDeleted"), request.query_params.get("iCalUID")
    wanted = (calendar.events[event_id] for event_id in calendar.since(0))
    return [
        event["id"]
        for event in wanted
        if (deleted or calendar.is_shown(event)) and uid in (None, calendar.uid(event))
    ]


def _since(request: Request, calendar: Calendar, token: str) -> tuple[str, ...]:
    for name in _NOT_WITH_A_TOKEN:
        if name in request.query_params:
            raise invalid(name, "Sync token cannot be used with other query restrictions.")
    named = _SYNC_TOKEN.fullmatch(token)
    if named is None:
        raise invalid("syncToken", "Invalid sync token value.")
    if int(named[1]) < calendar.forgotten or int(named[1]) > calendar.changes:
        why = "Sync token is no longer valid, a full sync is required."
        raise GoogleError(410, "fullSyncRequired", why, where="syncToken")
    return tuple(calendar.since(int(named[1])))


def _size(request: Request) -> int:
    text = request.query_params.get("maxResults", str(_OTHERWISE))
    if not text.isdecimal() or int(text) < 1:
        raise invalid("maxResults")
    return min(int(text), _MOST)


def _begins(named: re.Match[str]) -> Json:
    _, _, year, month, day, *time = named.groups()
    date = f"{year}-{month}-{day}"
    if time[0] is None:
        return {"date": date}
    hour, minute, second = time
    return {"dateTime": f"{date}T{hour}:{minute}:{second}Z", "timeZone": "UTC"}


def _shown(calendar: Calendar) -> dict[str, Any]:
    return {"id": calendar.id, "summary": calendar.summary, "timeZone": calendar.zone}


def _not_found() -> GoogleError:
    return GoogleError(404, "notFound", "Not Found")
