"""Any stage's output for a partition, as a plain Dagster input of other people's assets."""

import dagster as dg
import pandas as pd
import pyarrow as pa

from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.store import stages


class StageInputs(dg.IOManager):
    """Loads a stage as `pandas.DataFrame` or `pyarrow.Table`, whichever the input is annotated
    with (a table where it is not).

    Several partitions, or a downstream asset without any, give one table with a column
    `sync_id` in front. Nothing is stored through it: the corridor commits its own output.
    """

    def __init__(self, livesync: LiveSync) -> None:
        self._livesync = livesync

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        if obj is not None:
            raise dg.DagsterInvariantViolationError(
                "A stage of the corridor is written by its sync, never by returning a value."
            )

    def load_input(self, context: dg.InputContext) -> pa.Table | pd.DataFrame:
        stage = context.asset_key.path[-1]
        keys = context.asset_partition_keys if context.has_asset_partitions else []
        with self._livesync.engine().database.pooled() as connection:
            tables = [(key, stages.table(connection, key, stage)) for key in keys]
        if len(tables) == 1 and context.has_partition_key:
            table = tables[0][1]
        else:
            table = _joined(tables, stage)
        wanted = context.dagster_type.typing_type
        return table.to_pandas() if wanted is pd.DataFrame else table


def _joined(tables: list[tuple[str, pa.Table]], stage: str) -> pa.Table:
    names = pa.field("sync_id", pa.string())
    if not tables:
        return pa.schema([names, *stages.SCHEMAS[stage]]).empty_table()
    return pa.concat_tables(
        (
            table.add_column(0, names, pa.array([sync_id] * table.num_rows, pa.string()))
            for sync_id, table in tables
        ),
        promote_options="default",  # of rows, each sync has columns of its own
    )
