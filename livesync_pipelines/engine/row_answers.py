"""What people have answered is carried into a merge, and what lost is brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_merge import Answers, Merged
from livesync_pipelines.core.row_values import differs, plain, typed
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.model.merge import Side

Place = tuple[int, str | None]


@dataclass(frozen=True, slots=True)
class Given:
    """Of the rows at hand, by row and field: what a question is answered with, and what is
    brought back. An answer to what neither end says any more is none."""

    answers: Answers
    restored: dict[Place, Any]


def given(this: RowPass, met: Met) -> Given:
    answers: dict[Place, object] = {}
    restored: dict[Place, Any] = {}
    if not this.answers:
        return Given(answers, restored)
    rows = {key: n for n, key in enumerate(met.keys.to_pylist())}
    for (key, field), answer in this.answers.items():
        if key not in rows:
            continue
        place = rows[key], field
        if answer.restores:
            restored[place] = answer.value
        elif field is None or answer.seen in {None, _now(met, rows[key], field)}:
            answers[place] = answer.side or answer.value
    return Given(answers, restored)


def _now(met: Met, row: int, field: str) -> tuple[Any, Any]:
    source, target = (plain(table[field].slice(row, 1))[0] for table in (met.source, met.target))
    return source, target


def with_restored(this: RowPass, merged: Merged, restored: dict[Place, Any]) -> Merged:
    """The outcome of a merge, with what is brought back in its place at every end that this sync
    writes to. What is brought back of a whole row is the row, or that there is none."""
    for (row, field), value in restored.items():
        if field is not None:
            merged = _with_values(this, merged, row, {field: value})
        elif value is not None:
            merged = _there(this, _with_values(this, merged, row, value), row, there=True)
        else:
            merged = _there(this, merged, row, there=False)
    return merged


def _with_values(this: RowPass, merged: Merged, row: int, values: dict[str, Any]) -> Merged:
    mask = _only(len(merged.there), row)
    tables = {"base": merged.base, "source": merged.source, "target": merged.target}
    flags = {"source": merged.to_source, "target": merged.to_target}
    for name, value in values.items():
        if name not in merged.base.column_names:
            continue
        cell = typed([value], merged.base.schema.field(name).type)
        for end, table in tables.items():
            if end != "base" and not this.writes(Side(end)):
                continue
            before = table[name].combine_chunks()
            after = pc.replace_with_mask(before, mask, cell)
            tables[end] = table.set_column(table.column_names.index(name), name, after)
            if end != "base":
                flags[end] = pc.or_(flags[end], differs(before, after))
    return replace(merged, **tables, to_source=flags["source"], to_target=flags["target"])


def _there(this: RowPass, merged: Merged, row: int, *, there: bool) -> Merged:
    mask = _only(len(merged.there), row)
    changed: dict[str, Any] = {"there": pc.if_else(mask, there, merged.there)}
    for side in Side:
        if this.writes(side):
            before = getattr(merged, f"{side}_there")
            after = pc.if_else(mask, there, before)
            changed[f"{side}_there"] = after
            written = getattr(merged, f"to_{side}")
            changed[f"to_{side}"] = pc.or_(written, pc.xor(before, after))
    return replace(merged, **changed)


def _only(rows: int, row: int) -> pa.Array:
    numbers: Sequence[int] = range(rows)
    return pc.equal(pa.array(numbers, pa.int64()), row)
