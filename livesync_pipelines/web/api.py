"""The endpoints that answer with documents. Two of them show a page where a browser asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from livesync_pipelines.core.moments import moment
from livesync_pipelines.engine import report
from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.store import (
    capsules,
    catalog,
    ledger,
    letters,
    operations,
    overview,
    row_names,
)
from livesync_pipelines.store.database import Connection
from livesync_pipelines.web import models, pages
from livesync_pipelines.web.room import Given, Scoped, prefers_html

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": models.ErrorDocument} for status in (400, 401, 403, 404, 409, 500, 503)
}
router = APIRouter(responses=ERRORS)

Limit = Annotated[int, Query(ge=1, le=1_000)]


@router.get("/health", response_model=models.Health, include_in_schema=False)
@router.get("/sync/health", response_model=models.Health, summary="Whether the parts answer")
def health(room: Scoped) -> dict[str, Any]:
    with room.asked() as connection:
        return report.health(room.engine, connection)


@router.get(
    "/sync/status",
    response_model=models.Status,
    response_model_exclude_unset=True,
    summary="How every sync is",
)
def status(room: Scoped, sync_id: str | None = None, project: str | None = None) -> dict[str, Any]:
    project = room.project(project)
    with room.asked() as connection:
        if sync_id is not None:
            room.find(connection, sync_id)
        return report.status(room.engine, connection, sync_id=sync_id, project_id=project)


@router.get("/sync/stats", response_model=models.Stats, summary="Totals")
def stats(room: Given) -> dict[str, Any]:
    with room.asked() as connection:
        return {
            **overview.stats(connection, now=room.engine.now()),
            "queue": report.waiting(connection),
        }


@router.get("/sync/operations", response_model=models.Operations, summary="Newest first")
def list_operations(room: Scoped, sync_id: str | None = None, limit: Limit = 50) -> dict[str, Any]:
    with room.asked() as connection:
        if sync_id is not None:
            room.find(connection, sync_id)
            catalog.sync(connection, sync_id)
        found = overview.operations(
            connection, sync_id=sync_id, project_id=room.project(), limit=limit
        )
        return {"operations": found}


@router.get(
    "/sync/operations/{operation_id}",
    response_model=models.OperationDetails,
    summary="One operation with its failed items",
)
def one_operation(room: Scoped, request: Request, operation_id: UUID) -> dict[str, Any] | Response:
    with room.asked() as connection:
        found = operations.one(connection, operation_id)
        room.find_of(connection, found["sync_id"], operations.unknown(operation_id))
        if not prefers_html(request):
            return found
        changes = ledger.entries(
            connection, found["sync_id"], operation_id=str(operation_id), limit=pages.SHOWN
        )
        changes = row_names.told(connection, changes, sync_id=found["sync_id"], names=["item_id"])
    return pages.operation(request, room, found, changes)


@router.get("/sync/ledger/{sync_id}", response_model=models.Ledger, summary="What changed")
def entries(
    room: Scoped,
    sync_id: str,
    item: str | None = None,
    operation_id: UUID | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    with room.asked() as connection:
        room.find(connection, sync_id)
        catalog.sync(connection, sync_id)
        operation = str(operation_id) if operation_id else None
        keys = [None] if item is None else row_names.RowNames(connection).meant(sync_id, item)
        found = [
            entry
            for key in keys
            for entry in ledger.entries(
                connection, sync_id, item_id=key, operation_id=operation, limit=limit
            )
        ]
        told = row_names.told(connection, found, sync_id=sync_id, names=["item_id"])
        return {"entries": told}


@router.get(
    "/sync/dead-letters",
    response_model=models.DeadLetters,
    summary="Items that could not be brought in",
)
def dead_letters(room: Scoped, sync_id: str | None = None, limit: Limit = 50) -> dict[str, Any]:
    with room.asked() as connection:
        if sync_id is not None:
            room.find(connection, sync_id)
            catalog.sync(connection, sync_id)
        found = letters.listed(connection, sync_id=sync_id, project_id=room.project(), limit=limit)
        return {"dead_letters": row_names.told(connection, found)}


@router.get("/capsules", response_model=models.Capsules, summary="Every capsule")
def list_capsules(room: Scoped) -> dict[str, Any]:
    with room.asked() as connection:
        found = overview.capsules(connection)
    return {"capsules": [one for one in found if room.holder.sees(one["project_id"])]}


@router.get("/capsules/{name}/search", response_model=models.Hits, summary="Find words")
def search(
    room: Scoped, request: Request, name: str, asked: Annotated[models.Question, Query()]
) -> dict[str, Any] | Response:
    filters = capsules.Filters(
        sync_id=asked.sync,
        media_type=asked.media_type,
        url_prefix=asked.url_prefix,
        modified_since=moment(asked.since, now=room.engine.now()) if asked.since else None,
        attributes=_pairs(asked.attribute),
    )
    with room.asked() as connection:
        room.find_capsule(connection, name)
        if not prefers_html(request):
            return {"hits": _hits(connection, name, asked, filters)}
        shown = pages.hits(connection, name, asked.q, filters)
    return pages.found(request, room, name, asked.q, shown)


def _hits(
    connection: Connection, name: str, asked: models.Question, filters: capsules.Filters
) -> list[dict[str, Any]]:
    if not asked.q.strip():
        raise BadInput("There are no words to look for.", hint="Give them as ?q=...", where="q")
    return capsules.search(connection, name, asked.q, limit=asked.limit, filters=filters)


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    split = [text.partition(":") for text in texts]
    if any(not name or not sign for name, sign, _ in split):
        raise BadInput("An attribute is given as name:value.", where="attribute")
    return {name: value for name, _, value in split}


@router.get(
    "/explain/{name:path}",
    response_model=models.Explanation,
    response_model_exclude_unset=True,
    summary="Where it is from",
)
def explain(room: Scoped, name: str) -> dict[str, Any]:
    """`name` is a chunk_id, an item_id, or SYNC:ITEM."""
    with room.asked() as connection:
        try:
            found = capsules.explain(connection, name)
        except BadInput as error:
            if room.holder.sees_all or isinstance(error, NotFound):
                raise
            hint = "Name it as SYNC:ITEM."  # not those of other projects
            raise BadInput(f"Several items are called '{name}'.", hint=hint) from error
        sync_id = (found.get("chunk") or found.get("row") or found["file"])["sync_id"]
        room.find_of(connection, sync_id, capsules.unknown(name))
        return found
