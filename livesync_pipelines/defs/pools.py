"""How many runs of a platform may work side by side: a Dagster pool each, sized by its spec."""

from __future__ import annotations

import dagster as dg

from livesync_pipelines.connectors import PLATFORMS


def size_pools(instance: dg.DagsterInstance) -> None:
    """Give every platform's pool the size that its connector declares, unless it has one: what
    a person has set in the UI stays."""
    storage = instance.event_log_storage
    sized = {pool.name for pool in storage.get_pool_limits() if not pool.from_default}
    for platform, connector in PLATFORMS.items():
        if platform not in sized:
            storage.set_concurrency_slots(platform, connector.spec.runs_at_once)
