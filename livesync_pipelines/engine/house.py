"""What every door opens first: settings, the database, the platforms, a clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    return Engine(
        database=database,
        enabled=settings.external_sync_enabled,
        public_url=settings.public_url,
        vault=partial(vault_of, settings),
    )


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
