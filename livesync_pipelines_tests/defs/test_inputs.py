"""Other people's assets take any stage as a frame or a table."""

from __future__ import annotations

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from livesync_pipelines.definitions import defs
from livesync_pipelines.defs.io import StageInputs
from livesync_pipelines.defs.partitions import SYNCS
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.model.spec import STAGES
from livesync_pipelines.store import stages

from .conftest import SYNC, House, a_sync
from .test_corridor import run


def frame_of(stage: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"frame_of_{stage}",
        ins={"rows": dg.AssetIn(key=["folder", stage])},
        partitions_def=SYNCS["folder"],
    )
    def _frame(rows: pd.DataFrame) -> pd.DataFrame:
        return rows

    return _frame


@dg.asset(ins={"chunks": dg.AssetIn(key=["folder", "capsule_chunks"])})
def all_chunks(chunks: pa.Table) -> pa.Table:
    return chunks


def load(house: House, asset: dg.AssetsDefinition, partition: str | None = None) -> object:
    livesync = LiveSync()
    result = dg.materialize(
        [*defs.assets, asset],  # type: ignore[misc]  # of any kind
        selection=[asset],
        instance=house.instance,
        partition_key=partition,
        resources={
            "livesync": livesync,
            "stages": StageInputs(livesync),
            "io_manager": dg.mem_io_manager,
        },
    )
    return result.output_for_node(asset.op.name)


@pytest.mark.parametrize("stage", STAGES)
def test_a_partition_of_any_stage_is_a_frame_with_the_published_columns(
    house: House, stage: str
) -> None:
    run(house)
    frame = load(house, frame_of(stage), SYNC)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == stages.SCHEMAS[stage].names
    assert len(frame) == 2


def test_an_asset_without_partitions_gets_every_sync_named_in_front(house: House) -> None:
    house.configure(a_sync("second"))
    run(house)
    table = load(house, all_chunks)
    assert isinstance(table, pa.Table)
    assert table.schema.names == ["sync_id", *stages.SCHEMAS["capsule_chunks"].names]
    assert set(table["sync_id"].to_pylist()) == {SYNC}
    assert sorted(table["text"].to_pylist())[0].startswith("# One")
