"""The pages: HTML made here, without anything from elsewhere. One has a script, which keeps it
fresh; without it, it renews itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from livesync_pipelines.engine import report
from livesync_pipelines.engine.signing_in import SignedIn
from livesync_pipelines.engine.unsigned import unsigned
from livesync_pipelines.model.errors import LiveSyncError, in_a_line
from livesync_pipelines.store import capsules, conflicts, events, overview, row_names
from livesync_pipelines.store.database import Connection
from livesync_pipelines.web.room import Given, Room

SHOWN = 100
"""How many changes of an operation, and how many operations, a page holds."""

SYNCS = 200
"""How many syncs the status page has."""

_HITS = 20
_CELL = 80
_MARKED = re.compile("\x02([^\x02\x03]*)\x03")
_SCRIPT = Path(__file__).with_name("static") / "status.js"
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


def _marked(snippet: str) -> Markup:
    """A snippet with its hits marked; all else in it is text."""
    return Markup(_MARKED.sub(r"<mark>\1</mark>", str(escape(snippet))))  # noqa: S704 - escaped


def _linked(url: str) -> str:
    """The address, if a browser may follow it: not `javascript:`, nor a file of the reader's."""
    return url if urlsplit(url).scheme in {"http", "https"} else ""


def _moment(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if value else "-"


def _shown(value: Any) -> str:
    """A value of a cell, clipped."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _CELL else f"{text[:_CELL]}…"


_pages = Environment(
    loader=PackageLoader("livesync_pipelines.web"), autoescape=True, undefined=StrictUndefined
)
_pages.filters |= {
    "marked": _marked,
    "linked": _linked,
    "moment": _moment,
    "shown": _shown,
    "in_a_line": in_a_line,
}


@router.get("/")
def status(request: Request, room: Given) -> HTMLResponse:
    """Brings along where its script is to follow from."""
    with room.asked() as connection:
        _, newest = events.kept(connection)
        found = report.status(room.engine, connection, most=SYNCS)
        answer = _page(
            request,
            room,
            "status.html",
            status=found,
            newest=newest,
            projects=sorted({row["project_id"] for row in found["syncs"]}),
            untold=report.untold_by(found["syncs"]),
            unread=report.unread_by(found["syncs"]),
            unsigned=unsigned(room.engine, connection),
            syncs=overview.count_syncs(connection),
            conflicts=row_names.told(connection, conflicts.listed(connection, limit=SHOWN)),
            capsules=overview.capsules(connection),
            queue=report.waiting(connection),
            operations=overview.operations(connection, limit=_HITS),
        )
    here = request.headers["host"]
    follows = f"; script-src 'self'; connect-src 'self' ws://{here} wss://{here}"
    answer.headers["content-security-policy"] += follows
    if (ticket := getattr(request.state, "ticket", None)) is not None:
        answer.headers["set-cookie"] = ticket()
    return answer


@router.get("/static/status.js")
def script() -> FileResponse:
    return FileResponse(_SCRIPT, media_type="text/javascript")


@router.get("/operations")
def operations(request: Request, room: Given, sync_id: str | None = None) -> HTMLResponse:
    with room.asked() as connection:
        found = overview.operations(connection, sync_id=sync_id, limit=SHOWN)
    return _page(request, room, "operations.html", operations=found, sync_id=sync_id)


def operation(
    request: Request, room: Room, found: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]
) -> HTMLResponse:
    """One operation, with the first of its changes."""
    return _page(request, room, "operation.html", operation=found, changes=changes)


def signed_in(
    request: Request, room: Room, *, done: SignedIn | None, error: LiveSyncError | None, status: int
) -> HTMLResponse:
    """What has become of a sign-in."""
    told = None if error is None else error.as_dict()
    page = _page(request, room, "signed_in.html", done=done, error=told)
    page.status_code = status
    return page


def hits(
    connection: Connection, name: str, words: str, filters: capsules.Filters
) -> list[dict[str, Any]] | None:
    """What the search page shows; None where there are no words yet. Raises `NotFound`."""
    if words.strip():
        return capsules.search(
            connection, name, words, limit=_HITS, filters=filters, marks=capsules.MARKS
        )
    capsules.language_of(connection, name)
    return None


def found(
    request: Request, room: Room, name: str, words: str, shown: Sequence[Mapping[str, Any]] | None
) -> HTMLResponse:
    """The search box of a capsule, and the hits."""
    return _page(request, room, "search.html", capsule=name, words=words, hits=shown)


def _page(request: Request, room: Room, template: str, **values: Any) -> HTMLResponse:
    dagster = f"http://{request.url.hostname}:{room.settings.dagster_port}"
    text = _pages.get_template(template).render(
        dagster=dagster, now=room.engine.now(), enabled=room.engine.enabled, **values
    )
    return HTMLResponse(text, headers={"content-security-policy": _POLICY, "vary": "accept"})
