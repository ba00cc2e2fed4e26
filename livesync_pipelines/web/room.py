"""What every endpoint is given: the engine, the settings, a connection for one question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from livesync_pipelines.core.names import configured
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.tokens import ANYBODY, Holder
from livesync_pipelines.model.errors import NotFound
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import Connection, answering
from livesync_pipelines.web.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Room:
    """`holder` is who calls."""

    engine: Engine
    settings: Settings
    holder: Holder = ANYBODY

    @contextmanager
    def asked(self) -> Iterator[Connection]:
        """A shared connection. Raises `Unavailable` where the database does not answer."""
        with answering(self.engine.database), self.engine.database.pooled() as connection:
            yield connection

    def project(self, named: str | None = None) -> str | None:
        """The one project of which the caller is told; None: all. Raises `Forbidden` where
        another one is named."""
        if named is not None and not self.holder.sees(named):
            raise Forbidden(
                f"This token is for the project {self.holder.project!r}.",
                hint=f"For {named!r}: `livesync token {named} {self.holder.role}`.",
            )
        return named if self.holder.sees_all else self.holder.project

    def find(self, connection: Connection, sync_id: str, *, change: bool = False) -> None:
        """That the caller may read this sync, or `change` it. Raises `NotFound` where he must not
        know that it is there, `Forbidden` where he must not change it."""
        if self.holder.sees_all:
            return
        there = catalog.projects(connection)
        if sync_id in there and self.holder.sees(there[sync_id]):
            return
        if change and sync_id in there:
            raise Forbidden(f"This token is not for the project of the sync '{sync_id}'.")
        mine = [name for name, project in there.items() if self.holder.sees(project)]
        raise NotFound(f"There is no sync '{sync_id}'.", hint=configured(sync_id, mine))


def _room(request: Request) -> Room:
    room = request.app.state.room
    assert isinstance(room, Room)
    holder = getattr(request.state, "holder", None)
    return room if holder is None else replace(room, holder=holder)


def _whole_house(room: Scoped) -> Room:
    if not room.holder.sees_all:
        raise Forbidden(
            f"This tells of all projects, and the token is for {room.holder.project!r}.",
            hint="`livesync token '*' viewer` makes one for all.",
        )
    return room


Scoped = Annotated[Room, Depends(_room)]
"""For endpoints that show a caller what is of his project, and nothing else."""
Given = Annotated[Room, Depends(_whole_house)]
"""For all others: only who may see every project comes in."""


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
