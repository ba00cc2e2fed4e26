"""What `doctor` asks about notifications."""

from __future__ import annotations

from collections.abc import Iterator

from livesync_pipelines.cli.work.checks import Finding
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.notify.relay import undeliverable
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import deliveries
from livesync_pipelines.store.database import Connection

_RETRY = "When that is mended, run `livesync notifications retry`."


def notifications(settings: Settings, engine: Engine, connection: Connection) -> Iterator[Finding]:
    """That everybody whom a sync names can be told, and has been."""
    well = True
    for sync_id, addresses in undeliverable(engine, settings, connection).items():
        for address, error in addresses.items():
            well = False
            said = f"{address}: {error.message}"
            yield Finding(f"messages of {sync_id}", "failed", said, error.hint)
    for address in deliveries.silenced(connection):
        well = False
        said = f"{address} has answered that it wants no more (HTTP 410), and is told nothing"
        yield Finding("notifications", "warning", said, _RETRY)
    if dead := deliveries.count_dead(connection):
        well = False
        said = f"{dead} did not arrive; `livesync notifications list` says why"
        yield Finding("notifications", "warning", said, _RETRY)
    if well:
        yield Finding("notifications", "ok", "nothing is left unsaid")
