"""Google Calendar for tests: a pretend one on loopback, the hand of somebody who keeps it, and a
sync of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.sandbox.google.calendars import Calendars
from livesync_pipelines.sandbox.google.door import CALENDAR
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.sandbox.served import ADA, Sandbox, a_sandbox

from .account_world import AccountWorld, engine_at

LISTS = "GET /google/calendar/v3/calendars/*/events"
EVENTS = "GET /google/calendar/v3/calendars/*/events/*"
_DAY = {"start": {"date": "2026-03-02"}, "end": {"date": "2026-03-03"}}


class Hand:
    """One person at work, through the API."""

    def __init__(self, sandbox: Sandbox, person: str = ADA) -> None:
        self._client = sandbox.client
        self.token = str(sandbox.tokens(person, CALENDAR)["access_token"])

    def add(self, summary: str, *, calendar: str = "primary", **said: Any) -> str:
        made = self._call("POST", calendar, "", {"summary": summary, **_DAY, **said})
        return str(made["id"])

    def edit(self, event_id: str, *, calendar: str = "primary", **said: Any) -> None:
        self._call("PATCH", calendar, f"/{event_id}", said)

    def delete(self, event_id: str, *, calendar: str = "primary") -> None:
        self._call("DELETE", calendar, f"/{event_id}", None)

    def _call(self, method: str, calendar: str, rest: str, body: Any) -> Any:
        path = f"/google/calendar/v3/calendars/{calendar}/events{rest}"
        headers = {"authorization": f"Bearer {self.token}"}
        answer = self._client.request(method, path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


class Diary(AccountWorld):
    """A sync of Ada's calendar."""

    platform, name = "google_calendar", "calendar"

    def __init__(self, engine: Engine, sandbox: Sandbox) -> None:
        super().__init__(engine, sandbox)
        self.ada = Hand(sandbox)

    def titles(self) -> set[str]:
        return {row["title"] for row in self.rows("select title from livesync.documents")}

    def text(self, title: str) -> str:
        """What the capsule has under this title."""
        query = "select s.key from livesync.shadow s join livesync.documents d"
        query += f" using (sync_id, item_id) where d.title = '{title}'"
        ((key,),) = (tuple(row.values()) for row in self.rows(query))
        return self.held()[key]

    def forget(self) -> None:
        """Every sync token expires."""
        self.sandbox.client.post("/google/console/forget-sync-tokens").raise_for_status()

    def truth(self) -> list[dict[str, Any]]:
        """Every event of Ada's own calendar."""
        found = self.sandbox.control("GET", "/truth/google")["calendars"][ADA]
        return list(found)


@contextmanager
def a_diary(engine: Engine, calendars: Calendars | None = None) -> Iterator[Diary]:
    world = calendars.world if calendars else World()
    with a_sandbox(world, calendars=calendars) as sandbox:
        yield Diary(engine_at("google", engine, sandbox), sandbox)
