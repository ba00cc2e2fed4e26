"""What was asked for, as it is stored: connections, capsules and syncs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from livesync_pipelines.core.names import configured
from livesync_pipelines.model.errors import NotFound
from livesync_pipelines.model.merge import MergePolicy, OnDelete, Policy
from livesync_pipelines.model.row_map import FieldMap
from livesync_pipelines.model.sync import (
    Action,
    ActionOn,
    Capsule,
    Connection,
    Desired,
    FieldMapping,
    Limits,
    Mode,
    Notify,
    NotifyOn,
    OnDrift,
    Priority,
    RowTarget,
    SyncConfig,
    SyncState,
    Webhook,
)
from livesync_pipelines.store import database, nouns
from livesync_pipelines.store.database import rows

_CONNECTION = "name, project_id, platform, options, webhook"
_SYNC = "sync_id, project_id, connection, capsule, target, config"


def stored(connection: database.Connection) -> Desired:
    """Everything that is configured now."""
    return Desired(
        connections=tuple(_connections(connection, "true")),
        capsules=tuple(
            Capsule(**row)
            for row in rows(
                connection,
                "select name, project_id, language from livesync.capsules order by name",
            )
        ),
        syncs=tuple(syncs(connection)),
    )


def syncs(connection: database.Connection, among: Sequence[str] | None = None) -> list[SyncConfig]:
    """All configured syncs, or those `among` them, by id."""
    found = rows(
        connection,
        f"select {_SYNC} from livesync.syncs where state <> 'removed'"
        " and (%s::text[] is null or sync_id = any(%s)) order by sync_id",
        (among, among),
    )
    return [_sync(row) for row in found]


def sync(connection: database.Connection, sync_id: str) -> SyncConfig:
    """One sync. Raises `NotFound`, naming the nearest that are there."""
    found = rows(
        connection,
        f"select {_SYNC} from livesync.syncs where sync_id = %s and state <> 'removed'",
        (sync_id,),
    )
    if not found:
        hint = configured(sync_id, projects(connection))
        raise NotFound(f"There is no sync '{sync_id}'.", hint=hint)
    return _sync(found[0])


def has_project(connection: database.Connection, project_id: str) -> bool:
    """Whether anything is configured there."""
    found = connection.execute(
        "select exists (select from livesync.connections where project_id = %(project)s)"
        " or exists (select from livesync.capsules where project_id = %(project)s)",
        {"project": project_id},
    )
    return found.fetchone() == (True,)


def projects(connection: database.Connection) -> dict[str, str]:
    """The project of every configured sync."""
    found = connection.execute(
        "select sync_id, project_id from livesync.syncs where state <> 'removed'"
    )
    return dict(found.fetchall())


def platforms(connection: database.Connection) -> list[tuple[str, str]]:
    """Every configured sync with its platform."""
    return connection.execute(
        "select s.sync_id, c.platform from livesync.syncs s"
        " join livesync.connections c on c.name = s.connection where s.state <> 'removed'"
    ).fetchall()


def schedules(connection: database.Connection) -> list[tuple[str, str]]:
    """The platform and the schedule of every active sync."""
    return connection.execute(
        "select c.platform, s.config ->> 'schedule' from livesync.syncs s"
        " join livesync.connections c on c.name = s.connection where s.state = 'active'"
    ).fetchall()


def connection_of(connection: database.Connection, name: str) -> Connection:
    """One connection. Raises `NotFound`."""
    found = connections(connection, [name])
    if not found:
        raise NotFound(f"There is no connection '{name}'.")
    return found[name]


def connections(connection: database.Connection, names: Sequence[str]) -> dict[str, Connection]:
    """Those of these connections that are there, by name."""
    return {one.name: one for one in _connections(connection, "name = any(%s)", list(names))}


def called(connection: database.Connection) -> list[Connection]:
    """The connections for which somebody may call."""
    return _connections(connection, "webhook is not null")


def accounted(connection: database.Connection) -> list[Connection]:
    """The connections that say whose account they use."""
    return _connections(connection, "options ? 'account'")


def announced(connection: database.Connection) -> list[Connection]:
    """The connections that name a queue, and have a sync."""
    has_sync = "exists (select from livesync.syncs s where s.connection = c.name)"
    return _connections(connection, f"options ? 'queue_url' and {has_sync}")


def _connections(connection: database.Connection, where: str, *values: Any) -> list[Connection]:
    found = rows(
        connection,
        f"select {_CONNECTION} from livesync.connections c where {where} order by name",
        values,
    )
    return [_connection(row) for row in found]


def apply(connection: database.Connection, wanted: Desired) -> None:
    """Make what is stored equal to these, in one transaction; what is not named stays.

    Raises `BadInput` for a capsule language that this Postgres does not know, and for a name
    that another project holds.
    """
    with connection.transaction():
        for one in wanted.connections:
            nouns.put_connection(connection, one)
        for capsule in wanted.capsules:
            nouns.put_capsule(connection, capsule)
        for config in wanted.syncs:
            nouns.put_sync(connection, config)


def remove_sync(connection: database.Connection, sync_id: str) -> None:
    """Remove a sync and all that it brought in: documents, chunks, history. Raises `NotFound`."""
    with connection.transaction():
        sync(connection, sync_id)
        nouns.remove_sync(connection, sync_id)


def set_state(
    connection: database.Connection, sync_id: str, state: SyncState, reason: str | None
) -> None:
    """Pause or resume a sync, as a person says. One that is resumed is due at once: what was told
    while it rested, nobody has noted."""
    rests = state is SyncState.PAUSED
    connection.execute(
        "update livesync.syncs set state = %(state)s, state_reason = %(reason)s,"
        " paused_by = %(by)s, failures_in_row = 0, mark = case when %(rests)s then mark end,"
        " next_due_at = case when %(rests)s then next_due_at end where sync_id = %(sync_id)s",
        {
            "state": state,
            "reason": reason,
            "by": "person" if rests else None,
            "rests": rests,
            "sync_id": sync_id,
        },
    )


def resume_signed_in(connection: database.Connection, names: Sequence[str]) -> list[str]:
    """Let the syncs of these connections run again that rest for want of an account. Returns all
    of their syncs that run by themselves."""
    values = {"names": list(names), "paused": SyncState.PAUSED, "active": SyncState.ACTIVE}
    of_them = "(connection = any(%(names)s) or target = any(%(names)s))"
    connection.execute(
        "update livesync.syncs set state = %(active)s, state_reason = null, paused_by = null,"
        f" failures_in_row = 0 where {of_them}"
        " and state = %(paused)s and paused_by = 'reauthorise'".encode(),
        values,
    )
    found = connection.execute(
        f"select sync_id from livesync.syncs where {of_them} and state = %(active)s"
        " and config ->> 'schedule' <> 'manual' order by sync_id".encode(),
        values,
    )
    return [sync_id for (sync_id,) in found]


def state(connection: database.Connection, sync_id: str) -> tuple[SyncState, str | None]:
    """A sync's state and the reason that was given for it. Raises `NotFound`."""
    found = connection.execute(
        "select state, state_reason from livesync.syncs where sync_id = %s", (sync_id,)
    ).fetchone()
    if found is None:
        raise NotFound(f"There is no sync '{sync_id}'.")
    return SyncState(found[0]), found[1]


def note(connection: database.Connection, sync_id: str) -> str | None:
    """What a sync's connector wanted to know next time."""
    found = connection.execute(
        "select note from livesync.syncs where sync_id = %s", (sync_id,)
    ).fetchone()
    return found[0] if found else None


def cursor(connection: database.Connection, sync_id: str) -> str | None:
    """Up to where a sync has followed the change feed, or the feeds, of its ends."""
    found = connection.execute(
        "select cursor from livesync.syncs where sync_id = %s", (sync_id,)
    ).fetchone()
    return found[0] if found else None


def set_due(
    connection: database.Connection, sync_id: str, due_at: datetime | None, mark: str | None
) -> None:
    """When a sync is to be looked at again, and what its source said when last asked."""
    connection.execute(
        "update livesync.syncs set next_due_at = %s, mark = coalesce(%s, mark) where sync_id = %s",
        (due_at, mark, sync_id),
    )


def _connection(row: Mapping[str, Any]) -> Connection:
    told = row["webhook"]
    return Connection(**{**row, "webhook": Webhook(**told) if told else None})


def _sync(row: Mapping[str, Any]) -> SyncConfig:
    config = dict(row["config"])
    return SyncConfig(
        sync_id=row["sync_id"],
        project_id=row["project_id"],
        connection=row["connection"],
        capsule=row["capsule"],
        target=_target(row["target"], config),
        schedule=config["schedule"],
        select=config["select"],
        mode=Mode(config["mode"]),
        priority=Priority(config["priority"]),
        limits=Limits(**config["limits"]),
        mapping=tuple(FieldMapping(**m) for m in config["mapping"]),
        fields=tuple(FieldMap.from_json(f) for f in config.get("fields", ())),
        policy=_policy(config.get("policy", {})),
        drift=OnDrift(config.get("drift", OnDrift.PROPAGATE)),
        notify=Notify(
            on=tuple(NotifyOn(event) for event in config["notify"]["on"]),
            to=tuple(config["notify"]["to"]),
        ),
        actions=tuple(_action(action) for action in config.get("actions", ())),
        copies=config.get("copies", False),
    )


def _action(told: Mapping[str, Any]) -> Action:
    on = tuple(ActionOn(change) for change in told["on"])
    return Action(on=on, fields=tuple(told["fields"]), call=told["call"], secret=told["secret"])


def _target(connection: str | None, config: Mapping[str, Any]) -> RowTarget | None:
    if connection is None:
        return None
    return RowTarget(connection=connection, select=config["target"]["select"])


def _policy(told: Mapping[str, Any]) -> MergePolicy:
    if not told:
        return MergePolicy()
    return MergePolicy(
        default=Policy(told["default"]),
        fields={name: Policy(policy) for name, policy in told["fields"].items()},
        on_delete=OnDelete(told["on_delete"]),
        owner=told["owner"],
        answer_within_s=told["answer_within_s"],
        otherwise=Policy(told["otherwise"]),
    )
