"""What a materialisation shows: counts, cursors, durations, columns, a preview, a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.spec import STAGES
from livesync_pipelines.model.sync import SyncConfig
from livesync_pipelines.store import stages
from livesync_pipelines.store.row_stages import OURS, meant

PREVIEW_ROWS = 5
_CELL = 80

_COUNTS = {
    "source": ("listed", "failed", "skipped", "bytes"),
    "records": ("added", "updated", "unchanged", "failed"),
    "deltas": ("added", "updated", "moved", "removed", "unchanged"),
    "mapped_rows": ("added", "updated", "moved"),
    "resolved_rows": ("added", "updated", "moved", "removed", "conflicts_detected"),
    "capsule_chunks": ("chunks_written", "chunks_kept", "chunks_removed"),
}


def column_schema(stage: str) -> dg.TableSchema:
    """The published columns of a stage."""
    return _columns(stages.SCHEMAS[stage])


def _columns(schema: pa.Schema) -> dg.TableSchema:
    return dg.TableSchema(columns=[dg.TableColumn(f.name, str(f.type)) for f in schema])


def of_stage(
    stage: str, result: SyncResult, preview: pa.Table, *, rows: int, operation_url: str
) -> Mapping[str, Any]:
    """The metadata of one stage's materialisation for one sync."""
    counts = result.counts.as_dict()
    return {
        **{name: counts[name] for name in _COUNTS[stage]},
        "status": str(result.status),
        "operation": dg.MetadataValue.url(operation_url),
        "operation_id": result.operation_id,
        "duration_s": round(result.stage_s.get(stage, 0.0), 3),
        "commit_s": round(result.stage_s.get("commit", 0.0), 3),
        "total_s": round(result.duration_s, 3),
        "cursor_from": result.cursor_from or "none",
        "cursor_to": result.cursor_to or "none",
        "preview": dg.MetadataValue.md(_markdown(preview)),
        "dagster/column_schema": _columns(preview.schema),
        "dagster/partition_row_count": rows,
    }


_MADE_OF = {"mapped_rows": "records", "resolved_rows": "mapped_rows"}


def of_lineage(platform: str, stage: str, sync: SyncConfig, preview: pa.Table) -> Mapping[str, Any]:
    """From which columns of the stage before those of `mapped_rows` and `resolved_rows` are made,
    in a sync of rows."""
    if sync.target is None or sync.copies or stage not in _MADE_OF:
        return {}
    before = dg.AssetKey([platform, _MADE_OF[stage]])
    own = {name: meant(name) for name in preview.schema.names if name not in OURS}
    made: dict[str, tuple[str, ...]] = {name: (name,) for name in own}
    if stage == "mapped_rows":
        fields = {one.target: one.sources for one in sync.fields}
        made = {name: tuple(fields.get(column, (column,))) for name, column in own.items()}
    deps = {
        name: [dg.TableColumnDep(before, source) for source in sources]
        for name, sources in made.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=deps)}


def of_drift(drift: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the daily samples say of undetected drift, from `report.drift`."""
    bound = drift["upper_bound"]
    return {
        "drift_upper_bound": "none was looked at" if bound is None else bound,
        "drift_samples": drift["samples"],
        "drift_found": drift["divergent"],
    }


def _markdown(table: pa.Table) -> str:
    names = table.schema.names
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [
        f"| {' | '.join(_cell(row[name]) for name in names)} |"
        for row in table.slice(0, PREVIEW_ROWS).to_pylist()
    ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value if value is not None else "")
    flat = " ".join(text.split()).replace("|", "\\|")
    return flat if len(flat) <= _CELL else f"{flat[: _CELL - 1]}…"


def row_counts(counts: Mapping[str, int], result: SyncResult) -> Mapping[str, int]:
    """How many rows each stage holds, from `stages.stage_counts`; deltas are the operation's."""
    rows = dict.fromkeys(STAGES, counts["records"])
    rows["deltas"] = result.counts.synced_items
    rows["source"] = counts["source"]
    rows["resolved_rows"] = rows["mapped_rows"] = counts["resolved_rows"]
    rows["capsule_chunks"] = counts["capsule_chunks"]
    return rows
