"""`POST /sync/trigger`: a run of a sync, by its name or by what it is between."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from anyio import current_time, sleep
from anyio.to_thread import run_sync as in_thread
from fastapi import APIRouter, Response
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from livesync_pipelines.engine import callers, report
from livesync_pipelines.engine._checked import nearest
from livesync_pipelines.engine.triggers import ask_for
from livesync_pipelines.engine.wish import DOOR, understood, words_of
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import SyncConfig
from livesync_pipelines.store import catalog, outcomes
from livesync_pipelines.web.models import Document, Moment, QueueDepth
from livesync_pipelines.web.room import Room, Scoped

_LOOK_EVERY_S = 0.2

router = APIRouter()

Wait = Annotated[
    float,
    Field(ge=0, le=300, description="Seconds to wait for the end of the run, before a 202."),
]


_READ_HERE = ("wait_s",)
"""Keys of a request by source and target that the engine is not asked about."""


class TriggerRequest(BaseModel):
    """A run of a sync that is there."""

    model_config = ConfigDict(extra="forbid")

    sync_id: str = Field(min_length=1, max_length=63)
    full: bool = Field(False, description="Read every item again, changed or not.")
    wait_s: Wait = 0

    @field_validator("sync_id")
    @classmethod
    def _is_storable(cls, name: str) -> str:
        if "\0" in name:
            raise ValueError("a NUL character is in no name")
        return name

    @model_validator(mode="before")
    @classmethod
    def _of_this_form(cls, body: Any) -> Any:
        """Raises `BadInput` for keys that do not belong beside `sync_id`."""
        keys = body if isinstance(body, dict) else {}
        other = next((key for key in keys if key not in cls.model_fields), None)
        if other is None:
            return body
        asked = words_of(_READ_HERE)
        said = "cannot stand beside 'sync_id'" if other in asked else "is an unknown key"
        raise BadInput(
            f"{other!r} {said}",
            hint=f"{nearest(other, cls.model_fields)} Or ask without 'sync_id', by source and "
            f"target: {', '.join(sorted(asked))}.",
            where=DOOR,
        )


class SyncRequest(BaseModel):
    """A run of the sync between a source and a target, which is made where there is none.

    `mode` may be written `sync_type`, `source` as `source_platform`, `target` as `target_entity`.
    Every other word is refused by the engine, which says what is allowed.
    """

    model_config = ConfigDict(extra="allow")

    project_id: Any = None
    mode: Any = Field(None, description="pull, push or bidirectional; pull unless said.")
    source: Any = Field(
        None, description='"CONNECTION", "PLATFORM", "CONNECTION/TABLE", or as under select.'
    )
    target: Any = Field(None, description='"CAPSULE", "CONNECTION/TABLE", or as under target.')
    schedule: Any = None
    wait_s: Wait = 0

    def asked(self) -> dict[str, Any]:
        """As the caller wrote it."""
        return self.model_dump(exclude_unset=True, exclude={"wait_s"})


def _kind(body: Any) -> str:
    return "trigger" if not isinstance(body, dict) or "sync_id" in body or not body else "sync"


AnyRequest = Annotated[
    Annotated[TriggerRequest, Tag("trigger")] | Annotated[SyncRequest, Tag("sync")],
    Discriminator(_kind),
]


class SyncOutcome(Document):
    """How the run went (200), or that it waits for its turn (202, `queued`): then the figures are
    those of the last one."""

    status: str
    synced_items: int
    conflicts_detected: int
    conflict_resolution: str
    last_sync: Moment | None
    sync_id: str
    operation_id: str | None
    error: dict[str, str] | None = None
    queued: bool
    full: bool
    queue: QueueDepth


@router.post(
    "/sync/trigger",
    status_code=202,
    response_model=SyncOutcome,
    response_model_exclude_unset=True,
    responses={200: {"model": SyncOutcome, "description": "The run has ended"}},
    summary="Ask for a run",
)
async def trigger(room: Scoped, response: Response, wanted: AnyRequest) -> dict[str, Any]:
    """With `wait_s`, the answer comes when the run has ended, or the time is over."""
    asked_at = room.engine.now()
    until = current_time() + wanted.wait_s
    sync, full = await in_thread(_asked, room, wanted)
    while True:
        told = await in_thread(_told, room, sync, asked_at, full)
        left = until - current_time()
        if not told["queued"] or left <= 0:
            response.status_code = 202 if told["queued"] else 200
            return told
        await sleep(min(left, _LOOK_EVERY_S))


def _asked(room: Room, wanted: TriggerRequest | SyncRequest) -> tuple[SyncConfig, bool]:
    """Queue the run; returns its sync, and whether everything is read anew."""
    with room.asked() as connection, connection.transaction():  # refused: nothing is made either
        if isinstance(wanted, SyncRequest):
            room.project(understood(wanted.asked(), _READ_HERE).project_id)
            sync, full = callers.found_or_made(room.engine, connection, wanted.asked()), False
        else:
            room.find(connection, wanted.sync_id)
            sync, full = catalog.sync(connection, wanted.sync_id), wanted.full
        ask_for(room.engine, connection, sync.sync_id, full=full)
        return sync, full


def _told(room: Room, sync: SyncConfig, asked_at: datetime, full: bool) -> dict[str, Any]:
    with room.asked() as connection:
        ended = outcomes.since(connection, sync.sync_id, asked_at)
        queued = ended is None
        last = outcomes.last(connection, sync.sync_id) if queued else ended
        document = callers.told(sync, last, queued=queued)
        return {**document, "queued": queued, "full": full, "queue": report.waiting(connection)}
