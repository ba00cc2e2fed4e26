"""Somebody else's assets, on top of what the syncs bring in.

A stage of a platform is a plain Dagster input, as pandas or Arrow, whichever is annotated:

    dagster dev -f examples/downstream.py
"""

import dagster as dg
import pandas as pd
import pyarrow as pa

from livesync_pipelines.definitions import defs as corridor
from livesync_pipelines.defs.partitions import SYNCS


@dg.asset(
    ins={"records": dg.AssetIn(key=["folder", "records"])},
    partitions_def=SYNCS["folder"],
    group_name="reading",
)
def words_per_document(records: pd.DataFrame) -> pd.DataFrame:
    """How long each document of a sync is. One partition per sync, as upstream."""
    words = records["text"].str.count(r"\S+").rename("words")
    return pd.concat([records[["key", "title"]], words], axis="columns")


@dg.asset(
    ins={"chunks": dg.AssetIn(key=["folder", "capsule_chunks"])},
    group_name="reading",
)
def tokens_per_sync(chunks: pa.Table) -> pa.Table:
    """What each sync would cost to read. Without partitions: all syncs, told apart by `sync_id`."""
    return chunks.group_by("sync_id").aggregate([("chunk_id", "count"), ("tokens", "sum")])


defs = dg.Definitions.merge(corridor, dg.Definitions(assets=[words_per_document, tokens_per_sync]))
