"""One dynamic partition per configured sync, kept equal to what is configured."""

from __future__ import annotations

import json
from collections.abc import Set

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from dagster._core.storage.tags import PARTITION_NAME_TAG

from livesync_pipelines.connectors import PLATFORMS
from livesync_pipelines.defs.orphans import HERE_TAG
from livesync_pipelines.defs.promises import partition_set
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import catalog

SYNCS = {
    platform: dg.DynamicPartitionsDefinition(name=partition_set(platform)) for platform in PLATFORMS
}
SYNCS_TAG = "livesync/syncs"
"""The syncs of a run that has several, as JSON, each with the key of its request."""


def add(instance: dg.DagsterInstance, platform: str, sync_id: str) -> None:
    """A partition for a sync that may be so new that Dagster does not know it."""
    name = partition_set(platform)
    if not instance.has_dynamic_partition(name, sync_id):
        instance.add_dynamic_partitions(name, [sync_id])


def keep_equal(instance: dg.DagsterInstance, engine: Engine) -> None:
    """Add a partition for every new sync; of syncs that are no more, delete it, and cancel the runs
    that work for nobody else. Who waits for one at his terminal is told by it."""
    with engine.database.pooled() as connection:
        platforms = dict(catalog.platforms(connection))
    for platform in PLATFORMS:
        name = partition_set(platform)
        wanted = {sync_id for sync_id, of in platforms.items() if of == platform}
        there = set(instance.get_dynamic_partitions(name))
        if new := sorted(wanted - there):
            instance.add_dynamic_partitions(name, new)
        gone = there - wanted
        if removed := gone - platforms.keys():
            _cancel_runs(instance, removed)
        for sync_id in gone:
            instance.delete_dynamic_partition(name, sync_id)


def _cancel_runs(instance: dg.DagsterInstance, removed: Set[str]) -> None:
    for run in instance.get_runs(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES)):
        if HERE_TAG not in run.tags and (syncs := _syncs_of(run)) and syncs <= removed:
            instance.run_coordinator.cancel_run(run.run_id)


def _syncs_of(run: dg.DagsterRun) -> Set[str]:
    """Whom the run works for; nobody, if it is of another kind."""
    alone = run.tags.get(PARTITION_NAME_TAG)
    return {alone} if alone else json.loads(run.tags.get(SYNCS_TAG, "{}")).keys()
