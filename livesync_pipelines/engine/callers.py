"""What a program asks for in one JSON document, and the document that it gets back.

In:  `{"project_id", "sync_type" | "mode", "source_platform" | "source",
"target_entity" | "target", "schedule"}`.
Out: `{"status", "synced_items", "conflicts_detected", "conflict_resolution", "last_sync",
"sync_id", "operation_id"}`, and `error` where there is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from livesync_pipelines.connectors import PLATFORMS
from livesync_pipelines.engine._checked import nearest_of
from livesync_pipelines.engine._row_doors import WHERE
from livesync_pipelines.engine.desired import asked
from livesync_pipelines.engine.difference import changed, difference, named
from livesync_pipelines.engine.house import Disabled, Engine
from livesync_pipelines.engine.meant import Meaning
from livesync_pipelines.engine.row_looking import vet
from livesync_pipelines.engine.wish import DOOR, End, Wish, understood
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.operation import Counts
from livesync_pipelines.model.sync import Connection, Desired, SyncConfig
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import catalog, database
from livesync_pipelines.store.locks import AdvisoryLock

_NAME_CHARS = 63
_ODD = re.compile(r"[^a-z0-9._-]+")


def found_or_made(
    engine: Engine, connection: database.Connection, document: Mapping[str, Any]
) -> SyncConfig:
    """The sync that a document means; made where there is none, once its ends were looked at.

    Raises `BadInput` with what is allowed, `NotFound` where an end of a new one is not there,
    `NeedsPerson` where the sync has another mode or schedule, `Disabled` where nothing runs.
    """
    wish = understood(document)
    if not engine.enabled:
        raise Disabled(DISABLED_REASON)
    with connection.transaction():
        connection.execute(
            "select pg_advisory_xact_lock(%s)", (AdvisoryLock.OWN_CALLERS,)
        )  # or two make it twice
        known = catalog.stored(connection)
        wish = _resolved(engine, wish, known)
        meaning = Meaning(engine, known)
        there = meaning.there(wish)
        plain = wish.mode is None and wish.schedule is None
        if there is not None and plain and not meaning.differs(there, wish):
            return there
        name = there.sync_id if there else _name(wish, known)
        wanted = _checked(engine, name, wish, there, known)
        if there is not None:
            meaning.refuse_another(there, wish, wanted.syncs[0])
            return there
        new = wanted.syncs[0]
        if new.target is not None:
            by_name = {one.name: one for one in known.connections}
            ends = by_name[new.connection], by_name[new.target.connection]
            vet(engine, ends, new, DOOR)
        catalog.apply(connection, changed(wanted, difference(known, wanted)))
        return catalog.sync(connection, name)


def _resolved(engine: Engine, wish: Wish, known: Desired) -> Wish:
    """With the names of connections for those of platforms, and tables as selections."""
    mine = {c.name: c for c in known.connections if c.project_id == wish.project_id}

    def place(asked_for: End, word: str) -> Connection:
        return connection_named(mine, asked_for.connection, wish.project_id, word)

    def one(asked_for: End, found: Connection, beside: tuple[Connection, End] | None) -> End:
        of_rows = beside is not None and is_table(engine, *beside)
        select = selection(engine, found, asked_for, of_rows=of_rows)
        return End(found.name, None, select)

    target = place(wish.target, "target") if wish.target else None
    source = place(wish.source, "source")
    if wish.target is None or target is None:
        return replace(wish, source=one(wish.source, source, None))
    return replace(
        wish,
        source=one(wish.source, source, (target, wish.target)),
        target=one(wish.target, target, (source, wish.source)),
    )


def selection(
    engine: Engine, connection: Connection, asked_for: End, *, of_rows: bool
) -> dict[str, Any]:
    """What is selected of a connection, what stands behind its slash under the platform's own key;
    `of_rows`: where that may be a part of it or a table, it is a table."""
    if asked_for.table is None:
        return dict(asked_for.select)
    kind, part = engine.row_ends.get(connection.platform), _part(engine, connection)
    if part is not None and (kind is None or not of_rows):
        return {part: asked_for.table, **asked_for.select}
    of_files = kind is not None and "rows" in kind.Selection.model_fields
    return {"rows" if of_files else "table": asked_for.table, **asked_for.select}


def is_table(engine: Engine, connection: Connection, asked_for: End) -> bool:
    """Whether this end can be nothing but a table, so that the other one is one too."""
    if connection.platform not in engine.file_ends or not {"rows", "table"}.isdisjoint(
        asked_for.select
    ):
        return True
    return asked_for.table is not None and _part(engine, connection) is None


def _part(engine: Engine, connection: Connection) -> str | None:
    """The key of what documents are taken from, or a copy of files fills, where a platform has such
    a part."""
    files = engine.file_ends.get(connection.platform)
    fields = files.Selection.model_fields if files is not None else {}
    return next((part for part in ("folder", "space", "path") if part in fields), None)


def connection_named(
    mine: Mapping[str, Connection], name: str, project_id: str, word: str
) -> Connection:
    """The connection of this name, or the only one of the platform of this name. Raises
    `BadInput`, which says what there is or what to do."""
    if name in mine:
        return mine[name]
    of_platform = [one for one in mine.values() if one.platform == name]
    if len(of_platform) == 1:
        return of_platform[0]
    where = f"{DOOR}: {word}"
    if of_platform:
        names = ", ".join(sorted(one.name for one in of_platform))
        said = f"the project {project_id!r} has several connections to {name}"
        raise BadInput(said, hint=f"Say which: {names}.", where=where)
    if name in PLATFORMS:
        raise BadInput(
            f"the project {project_id!r} has no connection to {name}",
            hint=f"Make one with `livesync connect {name} --name NAME --project {project_id}` or a "
            f"configuration file; `livesync platforms {name}` lists what can be set.",
            where=where,
        )
    said = f"there is neither a connection nor a platform {name!r} for the project {project_id!r}"
    there = {"Connections": mine, "Platforms": PLATFORMS}
    raise BadInput(said, hint=nearest_of(name, there), where=where)


def _name(wish: Wish, known: Desired) -> str:
    """A readable name that is free."""
    target = wish.capsule or _spoken(wish.target)
    plain = _ODD.sub("-", f"{_spoken(wish.source)}-to-{target}".lower()).strip("-._")
    plain = plain[:_NAME_CHARS]
    taken, name, n = named(known.syncs), plain, 1
    while name in taken:
        n += 1
        name = f"{plain[: _NAME_CHARS - 1 - len(str(n))]}-{n}"
    return name


def _spoken(asked_for: End | None) -> str:
    assert asked_for is not None
    table = asked_for.select.get("table") or asked_for.select.get("rows")
    return f"{asked_for.connection}-{table}" if table else asked_for.connection


def _checked(
    engine: Engine, name: str, wish: Wish, there: SyncConfig | None, known: Desired
) -> Desired:
    """What is to be stored, held to the rules of a configuration file."""
    sync: dict[str, Any] = {
        "connection": there.connection if there else wish.source.connection,
        "select": _selected(wish.source, there.select if there else None),
        "target": _as_written(wish, there),
    }
    sync |= {"mode": wish.mode} if wish.mode is not None else {}
    sync |= {"schedule": wish.schedule} if wish.schedule is not None else {}
    if there is not None:
        fields = {key: str(policy) for key, policy in there.policy.fields.items()}
        sync = {"mode": str(there.mode), "schedule": there.schedule, **sync}
        sync["policy"] = {"default": str(there.policy.default), "fields": fields}
    lacks = wish.capsule is not None and wish.capsule not in named(known.capsules)
    mine = {one.name for one in known.connections if one.project_id == wish.project_id}
    if lacks and wish.capsule in mine:
        raise BadInput(
            f"{wish.capsule!r} is a connection, and no capsule",
            hint=f"Say what of it is the target ('{wish.capsule}/TABLE'), or name a capsule.",
            where="target",
        )
    data = {
        "project": wish.project_id,
        "capsules": {wish.capsule: {}} if lacks else {},
        "syncs": {name: sync},
    }
    try:
        wanted = asked(DOOR, data, engine.registry, engine.environ, known=known)
    except BadInput as error:  # the caller knows of no section and no name
        said, where = (text.replace(f"syncs.{name}.", "") for text in (error.message, error.where))
        raise BadInput(said, hint=error.hint or _how_of_rows(wish), where=where) from error
    if there is None:
        return wanted
    new = wanted.syncs[0]
    return Desired(syncs=(replace(there, mode=new.mode, schedule=new.schedule),))


def _how_of_rows(wish: Wish) -> str:
    """How an end is written that is a file of rows, and says of no column that it is the key."""
    for one in (wish.source, wish.target):
        if one is not None and "rows" in one.select and "key" not in one.select:
            form = {"connection": one.connection, **one.select, "key": ["COLUMN"]}
            return f"Write {json.dumps(form, ensure_ascii=False)}, with the columns of its key."
    return ""


def _as_written(wish: Wish, there: SyncConfig | None) -> dict[str, Any]:
    if wish.target is None:
        return {"capsule": wish.capsule}
    has = there.target if there is not None else None
    select = _selected(wish.target, has.select if has else None)
    return {**select, "connection": has.connection if has else wish.target.connection}


def _selected(asked_for: End, has: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is asked for of an end, of a sync that `has` a selection of the same place too."""
    if has is None:
        return dict(asked_for.select)
    return {**has, **{key: said for key, said in asked_for.select.items() if key not in WHERE}}


def told(sync: SyncConfig, ended: Mapping[str, Any] | None, *, queued: bool) -> dict[str, Any]:
    """The document that a caller gets back. `ended` is an operation as `store.outcomes` tells it:
    the one that was asked for, or where that is `queued`, the last one before it."""
    counts = Counts(**ended["counts"]) if ended else Counts()
    document = {
        "status": "queued" if queued or ended is None else str(ended["status"]),
        "synced_items": counts.synced_items,
        "conflicts_detected": counts.conflicts_detected,
        "conflict_resolution": sync.conflict_resolution,
        "last_sync": ended["last_sync"] if ended else None,
        "sync_id": sync.sync_id,
        "operation_id": ended["operation_id"] if ended and not queued else None,
    }
    error = ended["error"] if ended and not queued else None
    return {**document, **({"error": error} if error else {})}
