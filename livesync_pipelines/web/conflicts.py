"""Conflicts: which are open, and the answers of people and programs."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, model_validator

from livesync_pipelines.engine.triggers import ask_to_carry_out
from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import catalog, conflict_restores, conflicts, row_names
from livesync_pipelines.store.database import Connection
from livesync_pipelines.web.models import Document, Moment
from livesync_pipelines.web.room import Room, Scoped

router = APIRouter(prefix="/sync/conflicts")
Limit = Annotated[int, Query(ge=1, le=1_000)]


class Conflict(Document):
    conflict_id: int
    sync_id: str
    key: str
    field: str | None
    policy: str
    state: str
    winner: str | None
    reason: str
    base: Any
    source: Any
    target: Any
    source_actor: str | None
    target_actor: str | None
    source_time: Moment | None
    target_time: Moment | None
    owner: str | None
    deadline: Moment | None
    opened_at: Moment
    settled_at: Moment | None
    settled_by: str | None
    operation_id: str
    is_file: bool


class Answered(Conflict):
    """`written`: when the answer will be; `replaced`: the one that was given before, and was not
    carried out yet."""

    written: str
    replaced: dict[str, Any] | None = None


class Conflicts(BaseModel):
    """`more`: how many older ones there are that were left out."""

    conflicts: list[Conflict]
    more: int


class Choice(BaseModel):
    """Either whose value both ends get, or a value of one's own."""

    model_config = ConfigDict(extra="forbid")

    take: Side | None = None
    value: Any = None
    by: str = "api"

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.take is None) == ("value" not in self.model_fields_set):
            raise ValueError("give either 'take' (source or target) or 'value'")
        if "\0" in self.by:
            raise ValueError("'by' holds a NUL character")
        return self


class Wanted(BaseModel):
    """What which end had said is to come back, where both have lost."""

    model_config = ConfigDict(extra="forbid")

    take: Side | None = None


@router.get("", response_model=Conflicts, summary="Conflicts, newest first")
def list_conflicts(
    room: Scoped, sync_id: str | None = None, settled: bool = False, limit: Limit = 50
) -> dict[str, Any]:
    """Open ones; with `settled`, those too whose loser is kept."""
    with room.asked() as connection:
        if sync_id is not None:
            room.find(connection, sync_id)
            catalog.sync(connection, sync_id)
        found, more = conflicts.newest(
            connection, sync_id=sync_id, project_id=room.project(), settled=settled, limit=limit
        )
        return {"conflicts": row_names.told(connection, found), "more": more}


@router.get("/{conflict_id}", response_model=Conflict, summary="One conflict")
def one(room: Scoped, conflict_id: int) -> dict[str, Any]:
    with room.asked() as connection:
        return _shown(connection, _known(room, connection, conflict_id))


@router.post("/{conflict_id}/resolve", response_model=Answered, summary="Choose")
def resolve(room: Scoped, conflict_id: int, choice: Choice) -> dict[str, Any]:
    """The next run, which this asks for, writes the choice to both ends. Of a sync that is paused,
    that is the one after it is resumed."""
    answer = Answer(choice.take) if choice.take else Answer(value=choice.value)
    with room.asked() as connection:
        _known(room, connection, conflict_id)
        return _carry_out(
            room, connection, conflicts.answer(connection, conflict_id, answer, by=choice.by)
        )


@router.post("/{conflict_id}/restore", response_model=Answered, summary="Bring the loser back")
def restore(room: Scoped, conflict_id: int, wanted: Wanted | None = None) -> dict[str, Any]:
    """As `resolve`. Where a value was taken that neither end had said, `take` tells which is to
    come back."""
    take = wanted.take if wanted else None
    with room.asked() as connection:
        _known(room, connection, conflict_id)
        now = room.engine.now()
        found = conflict_restores.restore(connection, conflict_id, take, by="api", now=now)
        return _carry_out(room, connection, found)


def _known(room: Room, connection: Connection, conflict_id: int) -> dict[str, Any]:
    found = conflicts.one(connection, conflict_id)
    room.find_of(connection, found["sync_id"], conflicts.unknown(conflict_id))
    return found


def _carry_out(room: Room, connection: Connection, found: dict[str, Any]) -> dict[str, Any]:
    when = ask_to_carry_out(room.engine, connection, found["sync_id"])
    return {**_shown(connection, found), "written": when}


def _shown(connection: Connection, found: dict[str, Any]) -> dict[str, Any]:
    return row_names.told(connection, [found])[0]
