"""Sign-ins that are under way: what was asked of the vendor, until the person comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from livesync_pipelines.store.database import Connection, rows

GOOD_FOR = timedelta(minutes=10)
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One line. `scopes` are those that are asked for; `sealed` holds the PKCE verifier, for the
    place `sign-in:ID`."""

    id: UUID
    name: str
    project_id: str
    platform: str
    base: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    sealed: bytes = field(repr=False)


_COLUMNS = "id, name, project_id, platform, base, client_id, redirect_uri, scopes, sealed"


def begin(connection: Connection, one: SignIn, state: str, *, now: datetime) -> datetime:
    """Note it, until when it is good, under the digest of its state; forget those long over."""
    expires_at = now + GOOD_FOR
    connection.execute("delete from livesync.sign_ins where expires_at < %s", (now - KEPT,))
    connection.execute(
        f"insert into livesync.sign_ins ({_COLUMNS}, state_digest, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)".encode(),
        (
            one.id,
            one.name,
            one.project_id,
            one.platform,
            one.base,
            one.client_id,
            one.redirect_uri,
            list(one.scopes),
            one.sealed,
            _digest(state),
            expires_at,
        ),
    )
    return expires_at


def take(connection: Connection, state: str, platform: str, *, now: datetime) -> SignIn | None:
    """The sign-in that a state belongs to, once; None where there is none, it was taken before, or
    its time is over."""
    got = rows(
        connection,
        "update livesync.sign_ins set used_at = %s where state_digest = %s and platform = %s"
        f" and used_at is null and expires_at > %s returning {_COLUMNS}",
        (now, _digest(state), platform, now),
    )
    return SignIn(**{**got[0], "scopes": tuple(got[0]["scopes"])}) if got else None


def end(connection: Connection, id: UUID, outcome: Mapping[str, Any]) -> None:
    """Note how it ended, for whoever waits for that."""
    connection.execute(
        "update livesync.sign_ins set outcome = %s where id = %s", (Jsonb(dict(outcome)), id)
    )


def outcome(connection: Connection, id: UUID) -> Mapping[str, Any] | None:
    """How it ended; None while it has not."""
    got = rows(connection, "select outcome from livesync.sign_ins where id = %s", (id,))
    found: Mapping[str, Any] | None = got[0]["outcome"] if got else None
    return found


def _digest(state: str) -> bytes:
    return sha256(state.encode()).digest()
