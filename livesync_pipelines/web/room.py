"""What every endpoint is given: the engine, the settings, a connection for one question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.settings import Settings
from livesync_pipelines.store.database import Connection, answering


@dataclass(frozen=True, slots=True)
class Room:
    engine: Engine
    settings: Settings

    @contextmanager
    def asked(self) -> Iterator[Connection]:
        """A shared connection. Raises `Unavailable` where the database does not answer."""
        with answering(self.engine.database), self.engine.database.pooled() as connection:
            yield connection


def _room(request: Request) -> Room:
    room = request.app.state.room
    assert isinstance(room, Room)
    return room


Given = Annotated[Room, Depends(_room)]


def prefers_html(request: Request) -> bool:
    """Whether a person's browser asks: `text/html` is named, and JSON is not named before it."""
    wishes = _wishes(request.headers.get("accept", ""))
    return wishes.get("text/html", 0.0) > wishes.get("application/json", 0.0)


def _wishes(accept: str) -> dict[str, float]:
    found = {}
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        found[kind] = float(quality) if quality.replace(".", "", 1).isdigit() else 0.0
    return found
