"""What every endpoint is given: the engine, the settings, a connection for one question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from livesync_pipelines.core.names import configured
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.tokens import ANYBODY, Holder
from livesync_pipelines.model.errors import NotFound
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import capsules, catalog
from livesync_pipelines.store.database import Connection, answering
from livesync_pipelines.web.errors import Forbidden

_QUALITY = re.compile(r"[01](\.[0-9]{0,3})?")
"""RFC 9110, 12.4.2."""


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

    def find(self, connection: Connection, sync_id: str) -> None:
        """That the caller may know of this sync. Raises `NotFound`, as if it were not there."""
        self._known("sync", sync_id, catalog.projects, connection)

    def find_of(self, connection: Connection, sync_id: str, otherwise: NotFound) -> None:
        """That the caller may know of what is of this sync. Raises `otherwise`, which is said of
        what is not there."""
        projects = {} if self.holder.sees_all else catalog.projects(connection)
        if not self.holder.sees(projects.get(sync_id, "")):
            raise otherwise

    def find_capsule(self, connection: Connection, name: str) -> None:
        """That the caller may know of this capsule. Raises `NotFound`, as if it were not there."""
        self._known("capsule", name, capsules.projects, connection)

    def _known(
        self,
        kind: str,
        name: str,
        projects: Callable[[Connection], Mapping[str, str]],
        connection: Connection,
    ) -> None:
        if self.holder.sees_all:
            return
        mine = [one for one, of in projects(connection).items() if self.holder.sees(of)]
        if name not in mine:
            raise NotFound(f"There is no {kind} '{name}'.", hint=configured(name, mine))


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
        found[kind] = float(quality) if _QUALITY.fullmatch(quality) else 0.0
    return found
