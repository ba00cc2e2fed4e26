"""Google Calendar: the events of an account's calendars.

Calendar API v3, its discovery document (revision 20261030), read 2026-11-24, and the pages named
below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import blake2b
from html import escape
from itertools import zip_longest
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import quote

from pydantic import Field

from livesync_pipelines.connectors import _google_calls as google
from livesync_pipelines.connectors._api_client import Called, client_for
from livesync_pipelines.connectors.base import Accounted, FetchLimits, Memory, Options, listing_of
from livesync_pipelines.connectors.choosing import Choice
from livesync_pipelines.model.errors import BadInput, CursorExpired, ItemFailure
from livesync_pipelines.model.operation import ANEW
from livesync_pipelines.model.records import Body, Entry, FeedPage, ListingPage
from livesync_pipelines.model.spec import Absence, Budget, Clock, PlatformSpec
from livesync_pipelines.net.api import Params
from livesync_pipelines.net.verdict import Gone

_GUIDES = "https://developers.google.com/workspace/calendar/api/guides"
_PAGE, _LONG_PAGE = 500, 2_500
"""How many events come at once; where only the place in the feed is wanted, Google's most."""

_API = "calendar/v3"
_UNTITLED = "(No title)"
_CANCELLED = "cancelled"
_PRIVATE = frozenset({"private", "confidential"})
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>")

Event: TypeAlias = Mapping[str, Any]
Kind = Literal["default", "fromGmail", "outOfOffice", "focusTime", "workingLocation", "birthday"]
_KINDS: list[Kind] = ["default", "fromGmail", "outOfOffice"]


class GoogleCalendarConnection(Accounted):
    """Nothing but the account."""


class GoogleCalendarSelection(Options):
    """`calendars`: ids, `primary` for the account's own. `types`: which kinds of events; `private`:
    also those that are marked as private or confidential."""

    calendars: list[Annotated[str, Field(pattern=r"^[^/\s]+$")]] = Field(
        default=["primary"], min_length=1
    )
    types: list[Kind] = Field(default=_KINDS, min_length=1)
    private: bool = False


class GoogleCalendar(Called):
    """The key is the calendar, the series where there is one, and the event."""

    spec = PlatformSpec(
        name="google_calendar",
        title="Google Calendar",
        clock=Clock(granularity_s=0.0),
        absence=Absence.DELETED,
        budgets=(Budget(600, 60.0),),
        oauth=google.google_oauth("calendar.readonly"),
        docs=(
            f"{_GUIDES}/sync (2026-11-24, not opened)",
            f"{_GUIDES}/quota (2026-11-24, not opened)",
        ),
        quirks=(
            "a series is one document with its rule, as Google has it (RFC 5545); an occurrence "
            "that was changed or cancelled is another one",
            "where a series was changed, its occurrences are asked for with one call more",
            "private and confidential events are left out unless `private: true` asks for them",
            "events that lie in two chosen calendars are there twice",
            "a first sync is preceded by one more listing, in long pages and without contents: "
            "Google names the place in the feed at the end of a listing only",
            "changes are found by polling, with one call for each calendar",
            "a chosen calendar that is not seen any more fails the sync: it has not become empty",
        ),
    )
    Connection = GoogleCalendarConnection
    Selection = GoogleCalendarSelection

    def __init__(
        self,
        connection: GoogleCalendarConnection,
        selection: GoogleCalendarSelection,
        limits: FetchLimits,
    ) -> None:
        super().__init__(connection, selection, limits)
        self._selection = selection
        self._calendars = list(dict.fromkeys(selection.calendars))
        self._api = google.api_of(self._client, limits, _API)
        self._series: dict[str, str | None] = {}

    def root(self, key: str) -> str:
        return key.partition("/")[0]

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        for calendar, following in zip_longest(self._calendars, self._calendars[1:]):
            for page in self._pages(calendar, {"maxResults": _PAGE}):
                is_last = page.get("nextPageToken", following) is None
                told = self._told(calendar, page.get("items", ()))
                yield ListingPage(
                    entries=told.entries,
                    bodies=told.bodies,
                    failures=told.failures,
                    resume=None if is_last else ANEW,
                    complete=is_last,
                )

    def cursor(self) -> str:
        asked: Params = {"maxResults": _LONG_PAGE, "fields": "nextPageToken,nextSyncToken"}
        places = {}
        for calendar in self._calendars:
            *_, last = self._pages(calendar, asked)
            places[calendar] = last["nextSyncToken"]
        return json.dumps(places)

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        places: dict[str, str] = json.loads(cursor)
        if list(places) != self._calendars:
            raise CursorExpired("Other calendars are followed than before.")
        for calendar, following in zip_longest(self._calendars, self._calendars[1:]):
            for page in self._pages(calendar, {"maxResults": _PAGE, "syncToken": places[calendar]}):
                places[calendar] = page.get("nextSyncToken", places[calendar])
                told = self._told(calendar, self._with_occurrences(calendar, page))
                token = page.get("nextPageToken", following)
                yield replace(told, cursor=json.dumps(places), token=token)

    def read(self, entry: Entry) -> Body | ItemFailure:
        calendar, _, rest = entry.key.partition("/")
        event = self._event(calendar, rest.rpartition("/")[2])
        told = self._told(calendar, [event])
        if told.gone:
            return ItemFailure(entry.key, "vanished", "it is not in the calendar any more")
        return told.failures[0] if told.failures else told.bodies[entry.key]

    @staticmethod
    def choices(connection: GoogleCalendarConnection, limits: FetchLimits) -> Iterator[Choice]:
        with client_for(limits) as client:
            api = google.api_of(client, limits, _API)
            for page in google.pages(api, "users/me/calendarList", {"maxResults": 250}):
                for one in page.get("items", ()):
                    name = one.get("summaryOverride") or one["summary"]
                    yield Choice(
                        title=name, kind="calendar", option="calendars", values=[one["id"]]
                    )

    def _pages(self, calendar: str, asked: Params) -> Iterator[Event]:
        """Raises `CursorExpired`, and `BadInput` where there is no such calendar."""
        try:
            yield from google.pages(self._api, f"{_path(calendar)}/events", asked)
        except google.BadToken as error:
            raise CursorExpired(error.message, where=error.where) from error
        except Gone as error:
            raise BadInput(
                f"the account sees no calendar {calendar}",
                hint="Its id stands in its settings, under *Integrate calendar*; or mend "
                "`calendars`. Nothing was taken for deleted.",
                where=f"calendar {calendar}",
            ) from error

    def _with_occurrences(self, calendar: str, page: Event) -> Collection[Event]:
        """The events of a page, and what was made of the occurrences of each series among them:
        whether and how that is shown depends on the series."""
        found: dict[str, Event] = {event["id"]: event for event in page.get("items", ())}
        for uid in [event["iCalUID"] for event in found.values() if "recurrence" in event]:
            for family in self._pages(calendar, {"iCalUID": uid}):
                found |= {event["id"]: event for event in family.get("items", ())}
        return found.values()

    def _told(self, calendar: str, events: Collection[Event]) -> FeedPage:
        """What is said of each of these events, without the place after them."""
        for event in events:
            if "recurrence" in event:
                self._series[f"{calendar}/{event['id']}"] = self._shown_title(event)
        read, gone, below = list[Body](), dict[str, str](), dict[str, str]()
        for event in events:
            key = "/".join(filter(None, (calendar, event.get("recurringEventId"), event["id"])))
            series = self._series_of(calendar, event)
            if event["status"] == _CANCELLED and series is None:
                gone[key] = below[f"{key}/"] = "deleted"
            elif event["status"] != _CANCELLED and self._leaves_out(event):
                gone[key] = "out_of_scope"
            else:
                read.append(_body(key, event, series))
        bodies, failures = self.limits.allowed(read)
        return FeedPage(
            entries=listing_of(bodies.values()),
            bodies=bodies,
            failures=failures,
            gone=gone,
            gone_below=below,
            cursor="",
        )

    def _leaves_out(self, event: Event) -> bool:
        if event.get("eventType", "default") not in self._selection.types:
            return True
        return not self._selection.private and event.get("visibility") in _PRIVATE

    def _series_of(self, calendar: str, event: Event) -> str | None:
        """What the series is called of which this is a cancelled occurrence; None where it is none,
        or the series has gone or is left out."""
        series = event.get("recurringEventId")
        if event["status"] != _CANCELLED or series is None:
            return None
        key = f"{calendar}/{series}"
        if key not in self._series:
            self._series[key] = self._shown_title(self._event(calendar, series))
        return self._series[key]

    def _shown_title(self, event: Event) -> str | None:
        is_shown = event["status"] != _CANCELLED and not self._leaves_out(event)
        return event.get("summary", _UNTITLED) if is_shown else None

    def _event(self, calendar: str, event_id: str) -> Event:
        """One that is not there any more is shown as cancelled."""
        try:
            found: Event = self._api.get(f"{_path(calendar)}/events/{quote(event_id, safe='')}")
        except Gone:
            return {"id": event_id, "status": _CANCELLED}
        return found


def _body(key: str, event: Event, series: str | None) -> Body:
    """`series`: what that is called of which this is a cancelled occurrence."""
    begins = _moment(event.get("start") or event.get("originalStartTime", {}))
    title = event.get("summary", _UNTITLED) if series is None else f"Cancelled: {series}"
    lines = _lines(event) if series is None else [("Does not take place", begins)]
    said = {"calendar": key.partition("/")[0], "status": event["status"], "start": begins}
    attributes = {name: word for name, word in said.items() if word}
    told = [f"<p>{name}: {escape(text)}</p>" for name, text in lines if text]
    described = _described(event.get("description", ""))
    content = "\n".join([f"<h1>{escape(title)}</h1>", *told, described])
    url = event.get("htmlLink", "https://calendar.google.com/")
    version = json.dumps([title, url, attributes, content]).encode()
    return Body(
        key=key,
        version=blake2b(version, digest_size=16).hexdigest(),
        content=content.encode("utf-8", "replace"),
        name="event.html",
        media_type="text/html",
        url=url,
        title=title,
        modified_at=datetime.fromisoformat(event["updated"]) if "updated" in event else None,
        attributes=attributes,
    )


def _lines(event: Event) -> list[tuple[str, str]]:
    organiser, guests = event.get("organizer", {}), event.get("attendees", ())
    return [
        ("When", _span(event.get("start", {}), event.get("end", {}))),
        ("Repeats", ", ".join(event.get("recurrence", ()))),
        ("Where", event.get("location", "")),
        ("Organiser", _person(organiser)),
        ("Guests", ", ".join(f"{_person(one)} ({one.get('responseStatus')})" for one in guests)),
        ("Video call", event.get("hangoutLink", "")),
        ("Attachments", ", ".join(one["fileUrl"] for one in event.get("attachments", ()))),
    ]


def _person(shown: Event) -> str:
    name, email = shown.get("displayName", ""), shown.get("email", "")
    return f"{name} <{email}>" if name and email else name or email


def _moment(place: Event) -> str:
    """A day, or a time with its distance from UTC and the zone that it was set in."""
    told = place.get("date") or place.get("dateTime", "").replace("T", " ")
    return f"{told} {place.get('timeZone', '')}".strip()


def _span(start: Event, end: Event) -> str:
    """Google's last day is the one after it."""
    if "date" not in start or "date" not in end:
        return " to ".join(filter(None, (_moment(start), _moment(end))))
    last = date.fromisoformat(end["date"]) - timedelta(days=1)
    return " to ".join(dict.fromkeys((start["date"], f"{last}")))


def _described(text: str) -> str:
    """A description is HTML where it has markup, else plain text."""
    if _MARKUP.search(text):
        return text
    return "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())


def _path(calendar: str) -> str:
    return f"calendars/{quote(calendar, safe='')}"
