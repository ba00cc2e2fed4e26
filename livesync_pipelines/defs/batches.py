"""Several syncs of a platform in one run: a burst costs less than a run for each.

A step for each sync, with its own operation and transaction, its own materialisations and checks:
one that fails leaves the others alone, and the run shows which it was. (The assets' own job takes
one partition or a range of them, and the syncs of a burst are no range.)
"""

import json
import re
from collections.abc import Iterator

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from livesync_pipelines.defs.assets import carry_out, shown
from livesync_pipelines.defs.partitions import SYNCS_TAG
from livesync_pipelines.defs.requests import job_of_several
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.spec import STAGES, PlatformSpec
from livesync_pipelines.store import operations, queue


class SyncsOfTag(dg.IOManager):
    """Gives each step its sync, which the tag of the run has under the step's number. So nothing is
    handed from step to step, and a run whose process died goes on in another one, which has the
    same tag."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Nothing is stored: the tag has it."""

    def load_input(self, context: dg.InputContext) -> str:
        upstream = context.upstream_output
        assert upstream is not None
        assert upstream.mapping_key is not None
        number = int(upstream.mapping_key.rpartition("_")[2])
        return list(_requests(context.step_context.dagster_run))[number - 1]


def _requests(run: dg.DagsterRun) -> dict[str, str]:
    """Its syncs, each with the key of its request; of a run that nobody's queue asked for, none."""
    return dict(json.loads(run.tags[SYNCS_TAG]))


def together(spec: PlatformSpec) -> dg.JobDefinition:
    """The job that materialises the partitions which its runs' tag names."""
    assets = [dg.AssetKey([spec.name, stage]) for stage in STAGES]

    @dg.op(
        name=f"syncs_of_{spec.name}",
        out=dg.DynamicOut(str),
        pool=spec.name,
        description="The syncs of this run, from its tag.",
    )
    def _each(context: dg.OpExecutionContext) -> Iterator[dg.DynamicOutput[str]]:
        for number, sync_id in enumerate(_requests(context.run), 1):
            key = f"{re.sub(r'[^A-Za-z0-9_]', '_', sync_id)}_{number}"
            yield dg.DynamicOutput(sync_id, mapping_key=key)

    @dg.op(
        name=f"sync_one_of_{spec.name}",
        pool=spec.name,
        description="One operation of one sync, through all six stages.",
    )
    def _one(context: dg.OpExecutionContext, livesync: LiveSync, sync_id: str) -> None:
        run = context.instance.get_run_by_id(context.run.run_id)
        if run is not None and run.is_finished:
            raise dg.Failure(
                "This run was ended while its process lived on: what it has left is for others.",
                allow_retries=False,
            )
        engine = livesync.engine()
        if _is_answered(engine, sync_id, context.run):
            context.log.info(f"{sync_id}: another run has looked since this one was asked for.")
            return
        result = carry_out(context, livesync, sync_id, chosen=assets)
        for event in shown(engine, spec.name, result, chosen=assets):
            context.log_event(_reported(context.instance, event, sync_id))  # type: ignore[arg-type]  # checks too

    @dg.job(
        name=job_of_several(spec.name),
        description=f"Several {spec.title} syncs that are due at once: a step for each.",
        resource_defs={"livesync": LiveSync(), "io_manager": SyncsOfTag()},
        executor_def=dg.in_process_executor,
    )
    def _together() -> None:
        _each().map(_one)

    return _together


def _is_answered(engine: Engine, sync_id: str, run: dg.DagsterRun) -> bool:
    """Whether another run has begun what this one was asked for: where the first syncs of a run
    take long, the others are handed out anew. One whose process died goes on with what it, or its
    parent, had begun."""
    if not _requests(run)[sync_id] or run.parent_run_id is not None:
        return False
    with engine.database.pooled() as connection:
        mine = operations.of_run(connection, run.run_id)
        began = any(one["sync_id"] == sync_id for one in mine)
        return not began and not queue.waits(connection, sync_id)


def _reported(
    instance: dg.DagsterInstance,
    event: dg.MaterializeResult[None] | dg.AssetCheckResult,
    sync_id: str,
) -> dg.AssetMaterialization | dg.AssetCheckEvaluation:
    """What an asset's own step would have yielded, as an event that any step may report."""
    assert event.asset_key is not None
    if isinstance(event, dg.MaterializeResult):
        return dg.AssetMaterialization(
            event.asset_key, partition=sync_id, metadata=event.metadata or {}
        )
    assert event.check_name is not None
    return dg.AssetCheckEvaluation(
        asset_key=event.asset_key,
        check_name=event.check_name,
        passed=event.passed,
        metadata=event.metadata,
        severity=event.severity,
        description=event.description,
        partition=sync_id,
        target_materialization_data=_looked_at(instance, event.asset_key, sync_id),
    )


def _looked_at(instance: dg.DagsterInstance, key: dg.AssetKey, sync_id: str) -> Target | None:
    """The materialisation that a check is about: the partition's last."""
    last = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[sync_id])
    for record in instance.fetch_materializations(last, limit=1).records:
        return Target(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
    return None
