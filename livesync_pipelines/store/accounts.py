"""Accounts on platforms: their tokens, sealed, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg.types.json import Jsonb

from livesync_pipelines.store.database import Connection, rows


class AccountState(StrEnum):
    CONNECTED = "connected"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One line. `sealed` holds the tokens, for the place `account:NAME`; `base` is empty where the
    vendor is found at its own addresses."""

    name: str
    project_id: str
    platform: str
    base: str
    client_id: str
    who: str
    state: AccountState
    sealed: bytes = field(repr=False)
    expires_at: datetime | None
    scopes: tuple[str, ...]
    error: Mapping[str, Any] | None = None
    connected_at: datetime
    renewed_at: datetime


_COLUMNS = (
    "name, project_id, platform, base, client_id, who, state, sealed, expires_at, scopes, error,"
    " connected_at, renewed_at"
)


def listed(connection: Connection, *, project: str | None = None) -> list[Account]:
    """Of one project or of all, by name."""
    found = rows(
        connection,
        f"select {_COLUMNS} from livesync.accounts where %s::text is null or project_id = %s"
        " order by name",
        (project, project),
    )
    return [_account(row) for row in found]


def found(connection: Connection, name: str, *, lock: bool = False) -> Account | None:
    """The account of this name. With `lock` it is the caller's alone, in every process, until the
    transaction ends."""
    query = f"select {_COLUMNS} from livesync.accounts where name = %s"
    got = rows(connection, f"{query} for update" if lock else query, (name,))
    return _account(got[0]) if got else None


def syncs_with(connection: Connection, name: str) -> list[str]:
    """The syncs that call a platform in its name, at either end."""
    got = connection.execute(
        "select distinct s.sync_id from livesync.syncs s"
        " join livesync.connections c on c.name in (s.connection, s.target)"
        " where s.state <> 'removed' and c.options ->> 'account' = %s order by 1",
        (name,),
    )
    return [sync_id for (sync_id,) in got]


def of_sync(connection: Connection, sync_id: str) -> list[tuple[str, str, str]]:
    """The accounts that a sync calls in the name of, each with its platform and project."""
    got = connection.execute(
        "select distinct c.options ->> 'account', c.platform, c.project_id from livesync.syncs s"
        " join livesync.connections c on c.name in (s.connection, s.target)"
        " where s.sync_id = %s and c.options ->> 'account' <> '' order by 1",
        (sync_id,),
    )
    return list(got)


def keep(connection: Connection, account: Account) -> None:
    """Add an account, or replace what was known of it."""
    connection.execute(
        f"insert into livesync.accounts ({_COLUMNS})"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (name) do update set project_id = excluded.project_id,"
        " platform = excluded.platform, base = excluded.base, client_id = excluded.client_id,"
        " who = excluded.who, state = excluded.state, sealed = excluded.sealed,"
        " expires_at = excluded.expires_at, scopes = excluded.scopes, error = excluded.error,"
        " connected_at = excluded.connected_at, renewed_at = excluded.renewed_at".encode(),
        (
            account.name,
            account.project_id,
            account.platform,
            account.base,
            account.client_id,
            account.who,
            account.state,
            account.sealed,
            account.expires_at,
            list(account.scopes),
            Jsonb(dict(account.error)) if account.error else None,
            account.connected_at,
            account.renewed_at,
        ),
    )


def renew(
    connection: Connection,
    name: str,
    *,
    sealed: bytes,
    expires_at: datetime | None,
    scopes: Sequence[str],
    now: datetime,
) -> None:
    """Replace the tokens of an account."""
    connection.execute(
        "update livesync.accounts set sealed = %s, expires_at = %s, scopes = %s, renewed_at = %s"
        " where name = %s",
        (sealed, expires_at, list(scopes), now, name),
    )


def reseal(connection: Connection, name: str, sealed: bytes) -> None:
    """The same tokens, sealed with another key."""
    connection.execute("update livesync.accounts set sealed = %s where name = %s", (sealed, name))


def revoke(connection: Connection, name: str, error: Mapping[str, str]) -> None:
    """Note that nothing can be done in its name any more, and why."""
    connection.execute(
        "update livesync.accounts set state = %s, error = %s where name = %s",
        (AccountState.REVOKED, Jsonb(dict(error)), name),
    )


def drop(connection: Connection, name: str) -> None:
    connection.execute("delete from livesync.accounts where name = %s", (name,))


def _account(row: dict[str, Any]) -> Account:
    return Account(**{**row, "state": AccountState(row["state"]), "scopes": tuple(row["scopes"])})
