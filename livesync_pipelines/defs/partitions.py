"""One dynamic partition per configured sync, kept equal to what is configured."""

from __future__ import annotations

import dagster as dg

from livesync_pipelines.connectors import PLATFORMS
from livesync_pipelines.defs.promises import partition_set
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import catalog

SYNCS = {
    platform: dg.DynamicPartitionsDefinition(name=partition_set(platform)) for platform in PLATFORMS
}


def keep_equal(instance: dg.DagsterInstance, engine: Engine) -> None:
    """Add a partition for every new sync, delete those of syncs that are no more."""
    with engine.database.pooled() as connection:
        platforms = dict(catalog.platforms(connection))
    for platform, partitions in SYNCS.items():
        assert partitions.name is not None
        wanted = {sync_id for sync_id, name in platforms.items() if name == platform}
        there = set(instance.get_dynamic_partitions(partitions.name))
        if new := sorted(wanted - there):
            instance.add_dynamic_partitions(partitions.name, new)
        for gone in there - wanted:
            instance.delete_dynamic_partition(partitions.name, gone)
