"""Everything that a run leaves behind, searched for the secrets that it used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from livesync_pipelines.auth import tokens
from livesync_pipelines.auth.vault import KEY_FILE, Vault, keys_of_file
from livesync_pipelines.engine.accounts import opened
from livesync_pipelines.store import accounts
from livesync_pipelines.store.database import Database, rows

_OURS_TO_KEEP = frozenset({KEY_FILE})
"""The key that seals is a secret by itself."""

_TABLES = (
    "select schemaname, tablename from pg_tables"
    " where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2"
)


def tokens_of(database_url: str, home: Path, account: str) -> dict[str, str]:
    """The tokens that an account has now, by what they are."""
    database = Database(database_url)
    try:
        with database.pooled() as connection:
            found = accounts.found(connection, account)
            assert found is not None
            held = opened(Vault(keys_of_file(home / KEY_FILE)), found)
    finally:
        database.close()
    return {"access token": held.access, "refresh token": held.refresh}


def channel_tokens(database_url: str, hook: str) -> dict[str, str]:
    """What the platform was told to prove itself with, of every subscription."""
    (scheme,) = (one for one in tokens.SCHEMES if one.name == "google")
    assert scheme.secret_of is not None
    database = Database(database_url)
    try:
        with database.pooled() as connection:
            names = [row["id"] for row in rows(connection, "select id from livesync.subscriptions")]
    finally:
        database.close()
    assert names
    return {f"token of {name}": scheme.secret_of(scheme.key(hook), f"{name}") for name in names}


def leaks(secrets: Mapping[str, str], home: Path, database_url: str) -> list[str]:
    """Where any of these stands in the clear: in a file of the home, or in a table of the
    database, those of Dagster among them (event log, run tags, metadata)."""
    found = []
    for place, content in (*_files(home), *_tables(database_url)):
        for name, secret in secrets.items():
            assert len(secret) > 8, f"the {name} is too short to be searched for"
            if secret.encode() in content or secret.encode().hex().encode() in content:
                found.append(f"the {name} is in {place}")
    return found


def _files(home: Path) -> Iterator[tuple[str, bytes]]:
    for path in home.rglob("*"):
        if path.is_file() and path.name not in _OURS_TO_KEEP:
            yield f"{path.relative_to(home)}", path.read_bytes()


def _tables(database_url: str) -> Iterator[tuple[str, bytes]]:
    with psycopg.connect(database_url) as connection:
        for schema, table in connection.execute(_TABLES).fetchall():
            statement = SQL("copy {} to stdout").format(Identifier(schema, table))
            with connection.cursor().copy(statement) as lines:
                yield f"{schema}.{table}", b"".join(map(bytes, lines))
