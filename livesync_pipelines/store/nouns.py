"""How one connection, one capsule, one sync is stored, and what follows from a change of it.

A change that makes an operation in flight work on something else than it began with moves the
fence of its sync, so that nothing more of it lands; its cursor and its note go with it.
"""

from __future__ import annotations

from dataclasses import asdict

from psycopg.types.json import Jsonb

from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import Capsule, Connection, SyncConfig
from livesync_pipelines.store import database, queue

_PER_ITEM = (
    "chunks",
    "documents",
    "unsettled",
    "contents",
    "records",
    "shadow",
    "item_failures",
    "row_base",
    "row_blocks",
    "copied_files",
    "file_intents",
    "lost_files",
    "ledger",
)
_AGREED = ("row_base", "copied_files", "file_intents")
"""What two ends have agreed on; of another place it says nothing."""
_COLUMNS = {"sync_id", "project_id", "connection", "capsule"}
_SAME_TARGET = (
    "(s.capsule, s.target, s.config -> 'target') is not distinct from"
    " (excluded.capsule, excluded.target, excluded.config -> 'target')"
)
_SAME_SOURCE = (
    "(s.connection, s.config -> 'select') = (excluded.connection, excluded.config -> 'select')"
)


def put_connection(connection: database.Connection, one: Connection) -> None:
    _keep_project(connection, "connections", "name", one.name, one.project_id)
    options = Jsonb(dict(one.options))
    found = connection.execute(
        "select s.sync_id from livesync.syncs s, livesync.connections c"
        " where c.name = %s and c.name in (s.connection, s.target)"
        " and (c.platform, c.options) is distinct from (%s, %s::jsonb)",
        (one.name, one.platform, options),
    )
    moved = [sync_id for (sync_id,) in found]
    _forget_agreed(connection, moved)
    connection.execute(
        "update livesync.syncs s set fence = fence + 1, resume = null, note = null, cursor = null,"
        " mark = null, next_due_at = null, failures_in_row = 0,"
        " state = case when paused_by <> 'person' then 'active' else state end,"
        " state_reason = case when paused_by = 'person' then state_reason end,"
        " paused_by = case when paused_by = 'person' then paused_by end"
        " where sync_id = any(%s)",
        (moved,),
    )
    queue.try_now(connection, moved)
    connection.execute(
        "insert into livesync.connections (name, project_id, platform, options, webhook)"
        " values (%s, %s, %s, %s, %s) on conflict (name) do update set"
        " platform = excluded.platform, options = excluded.options, webhook = excluded.webhook",
        (
            one.name,
            one.project_id,
            one.platform,
            options,
            Jsonb(asdict(one.webhook)) if one.webhook else None,
        ),
    )


def put_capsule(connection: database.Connection, capsule: Capsule) -> None:
    """Raises `BadInput` for a language that this Postgres does not know."""
    _check_language(connection, capsule)
    _keep_project(connection, "capsules", "name", capsule.name, capsule.project_id)
    connection.execute(
        "update livesync.syncs s set fence = fence + 1 from livesync.capsules c"
        " where s.capsule = c.name and c.name = %s and c.language <> %s",
        (capsule.name, capsule.language),
    )
    connection.execute(
        "insert into livesync.capsules (name, project_id, language) values (%s, %s, %s)"
        " on conflict (name) do update set language = excluded.language",
        (capsule.name, capsule.project_id, capsule.language),
    )
    language = None if capsule.language == "none" else capsule.language
    connection.execute(
        "update livesync.chunks set language = %s::regconfig"
        " where capsule = %s and language is distinct from %s::regconfig",
        (language, capsule.name, language),
    )


def put_sync(connection: database.Connection, config: SyncConfig) -> None:
    """The capsule must be there. What a sync has brought in goes along to another capsule; what
    was agreed with one table or folder says nothing of another."""
    _keep_project(connection, "syncs", "sync_id", config.sync_id, config.project_id)
    if _is_elsewhere(connection, config):
        _forget_agreed(connection, [config.sync_id])
    details = {k: v for k, v in asdict(config).items() if k not in _COLUMNS}
    connection.execute(
        "insert into livesync.syncs as s (sync_id, project_id, connection, capsule, target, config)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (sync_id) do update set"
        " connection = excluded.connection, capsule = excluded.capsule, target = excluded.target,"
        " config = excluded.config,"
        " next_due_at = null, mark = null, failures_in_row = 0,"
        " told = case when s.config -> 'notify' = excluded.config -> 'notify'"
        " then s.told else '{}' end,"
        f" note = case when {_SAME_SOURCE} then s.note end,"
        f" resume = case when {_SAME_SOURCE} then s.resume end,"
        f" cursor = case when {_SAME_SOURCE} then s.cursor end,"
        f" fence = case when {_SAME_SOURCE} and {_SAME_TARGET} then s.fence else s.fence + 1 end,"
        f" source_shape = case when {_SAME_SOURCE} then s.source_shape end",
        (
            config.sync_id,
            config.project_id,
            config.connection,
            config.capsule,
            config.target.connection if config.target else None,
            Jsonb(details),
        ),
    )
    queue.try_now(connection, [config.sync_id])
    connection.execute(
        "update livesync.documents set capsule = %s where sync_id = %s and capsule <> %s",
        (config.capsule, config.sync_id, config.capsule),
    )
    connection.execute(
        "update livesync.chunks k set capsule = c.name,"
        " language = nullif(c.language, 'none')::regconfig from livesync.capsules c"
        " where c.name = %s and k.sync_id = %s and k.capsule <> c.name",
        (config.capsule, config.sync_id),
    )


def _is_elsewhere(connection: database.Connection, config: SyncConfig) -> bool:
    """Whether the sync is to be between other places than it was."""
    target = config.target
    found = connection.execute(
        "select from livesync.syncs s where sync_id = %s"
        " and (s.connection, s.config -> 'select', s.target, s.config -> 'target' -> 'select')"
        " is distinct from (%s, %s::jsonb, %s, %s::jsonb)",
        (
            config.sync_id,
            config.connection,
            Jsonb(dict(config.select)),
            target.connection if target else None,
            Jsonb(dict(target.select)) if target else None,
        ),
    )
    return found.rowcount > 0


def _forget_agreed(connection: database.Connection, sync_ids: list[str]) -> None:
    connection.execute(
        "update livesync.syncs set rows_since = ledger_seq where sync_id = any(%s)", (sync_ids,)
    )
    for table in _AGREED:
        connection.execute(
            f"delete from livesync.{table} where sync_id = any(%s)".encode(), (sync_ids,)
        )


def remove_sync(connection: database.Connection, sync_id: str) -> None:
    """Take a sync away with all that it brought in. An operation in flight writes no more: its
    next page finds no sync, and this waits for the page that is being written."""
    connection.execute("select from livesync.syncs where sync_id = %s for update", (sync_id,))
    for table in (*_PER_ITEM, "syncs"):
        connection.execute(f"delete from livesync.{table} where sync_id = %s".encode(), (sync_id,))


def _check_language(connection: database.Connection, capsule: Capsule) -> None:
    known = [n for (n,) in connection.execute("select cfgname from pg_ts_config order by 1")]
    if capsule.language not in (*known, "none"):
        raise BadInput(
            f"Capsule '{capsule.name}': there is no text search language '{capsule.language}'.",
            hint=f"Choose one of: {', '.join(known)}, none.",
            where=f"capsules.{capsule.name}.language",
        )


def _keep_project(
    connection: database.Connection, table: str, column: str, name: str, project_id: str
) -> None:
    found = connection.execute(
        f"select project_id from livesync.{table} where {column} = %s".encode(),
        (name,),
    ).fetchone()
    if found and found[0] != project_id:
        raise BadInput(
            f"The name '{name}' is taken by another project.",
            hint="Names are one in the whole installation; choose another.",
            where=f"{table}.{name}",
        )
