"""What every door opens first: settings, the database, the platforms, a clock."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from livesync_pipelines.auth.vault import Vault, key_file_in, keys_of_file
from livesync_pipelines.connectors import FILE_ENDS, REGISTRY, ROW_ENDS
from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.core.spellings import vault_keys
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import embedded
from livesync_pipelines.store.database import Database

Registry = Mapping[str, type[Connector]]

PUBLIC_URL = "LIVESYNC_PUBLIC_URL"
SANDBOX = "sandbox.json"
"""The file of the home in which `livesync up --sandbox` leaves, while it lasts, the variables with
which the sandbox stands in for the vendors, by whom they concern: so every process finds it. Like
the key of the vault beside it, it is its owner's alone."""


class Disabled(BadInput):
    """External syncs are switched off in this environment."""

    code = "disabled"


def utc_now() -> datetime:
    return datetime.now(UTC)


def _no_vault() -> Vault:
    raise BadInput("This engine was opened without a vault.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What every run needs. `enabled` is EXTERNAL_SYNC_ENABLED: without it nothing runs.
    `public_url`: where platforms reach our HTTP door; None: they do not. `vault`: what secrets of
    accounts are sealed with; it raises `BadInput` where there are no keys."""

    database: Database
    registry: Registry = field(default_factory=lambda: REGISTRY)
    row_ends: Mapping[str, type[RowEnd]] = field(default_factory=lambda: ROW_ENDS)
    file_ends: Registry = field(default_factory=lambda: FILE_ENDS)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    enabled: bool = True
    public_url: str | None = None
    vault: Callable[[], Vault] = field(default=_no_vault)
    now: Callable[[], datetime] = field(default=utc_now)


def open_engine(settings: Settings) -> Engine:
    """The engine of this installation, its database started if it is the embedded one, and
    migrated. Raises `Unavailable` or `Broken` with what to do."""
    database = Database(database_url(settings))
    database.migrate()
    return replace(engine_on(settings, database), vault=partial(vault_of, settings))


def engine_on(settings: Settings, database: Database) -> Engine:
    """The engine of this installation on a database that is there; without a vault, which may have
    to be made."""
    environ = environ_of(settings)
    return Engine(
        database=database,
        environ=environ,
        enabled=settings.external_sync_enabled,
        public_url=settings.public_url or environ.get(PUBLIC_URL),
    )


def environ_of(settings: Settings) -> Mapping[str, str]:
    """The environment, and what the sandbox of a `livesync up --sandbox` adds to it: of a vendor of
    whom the environment says anything by itself, nothing."""
    try:
        told: dict[str, dict[str, str]] = json.loads((settings.home / SANDBOX).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return os.environ
    added = [words for words in told.values() if not any(map(os.environ.get, words))]
    return {**os.environ, **{k: v for words in added for k, v in words.items()}}


def vault_of(settings: Settings) -> Vault:
    """With the keys of LIVESYNC_VAULT_KEY and then those of LIVESYNC_VAULT_KEY_FILE; with neither,
    that of the home's own file, made where there is none. Raises `BadInput`."""
    told = settings.vault_key
    keys = vault_keys(told.get_secret_value()) if told else []
    if settings.vault_key_file is not None:
        keys += keys_of_file(settings.vault_key_file)
    return Vault(keys or keys_of_file(key_file_in(settings.home)))


def database_url(settings: Settings) -> str:
    """The address of the database; the embedded server is started where none is configured."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded.start(settings.home)
