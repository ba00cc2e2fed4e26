"""What is to become of each row that is to be written, held against the file as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from livesync_pipelines.connectors._row_sorted import SortedRows
from livesync_pipelines.core import row_keys
from livesync_pipelines.core.row_values import differs
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.rows import RowWrites


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """`changed` are rows that stand at `lines` and are now as in `was`, `added` ones that are not
    there yet, all with the columns to set; `removed` are the places of rows to take out. The rest
    as in a receipt."""

    changed: pa.Table
    was: pa.Table
    lines: pa.Array
    added: pa.Table
    removed: pa.Array
    moved: pa.Table
    failures: tuple[ItemFailure, ...]

    @property
    def nothing(self) -> bool:
        return not (len(self.changed) or len(self.added) or len(self.removed))

    def edited(self, name: str) -> pa.Array:
        """In which of the changed rows this column is another value than before. One that stays
        also stays as it is spelled in the file, or as precise."""
        return differs(self.changed[name], self.was[name])


def judge(rows: SortedRows, writes: RowWrites) -> Judged:
    """Raises `BadInput` where a column is not there, or is of another type."""
    upserts, deletes = _as_held(rows, writes.upserts), _as_held(rows, writes.deletes)
    expected = _as_held(rows, writes.expected)
    sent = _fates(rows, upserts, expected, writes.there)
    gone = _fates(rows, deletes, deletes, pa.repeat(pa.scalar(True), len(deletes)))
    changed = [i for i, fate in enumerate(sent) if fate.is_now == "as expected"]
    added = [i for i, fate in enumerate(sent) if fate.is_now == "lacking, as expected"]
    removed = [fate.lines[0] for fate in gone if fate.is_now == "as wanted"]
    moved = [i for i, fate in enumerate(sent) if fate.is_now == "otherwise"]
    not_removed = [i for i, fate in enumerate(gone) if fate.is_now == "otherwise" and fate.lines]
    return Judged(
        changed=_some(upserts, changed),
        was=_some(expected, changed),
        lines=pa.array([sent[i].lines[0] for i in changed], pa.int64()),
        added=_some(upserts, added),
        removed=pa.array(removed, pa.int64()),
        moved=pa.concat_tables(
            [_keys(rows, _some(upserts, moved)), _keys(rows, _some(deletes, not_removed))],
            promote_options="default",  # one of them may not know that keys are never null
        ),
        failures=(*_refused(rows, upserts, sent), *_refused(rows, deletes, gone)),
    )


@dataclass(frozen=True, slots=True)
class _Fate:
    """What the row of a key is now (see `_IS_NOW`), and where it stands."""

    is_now: str
    lines: Sequence[int]


_IS_NOW = """CASE
    WHEN w.lines IS NOT NULL THEN 'unreadable'
    WHEN r.line IS NOT NULL AND {wanted} THEN 'as wanted'
    WHEN r.line IS NOT NULL AND g.there AND {expected} THEN 'as expected'
    WHEN r.line IS NULL AND NOT g.there THEN 'lacking, as expected'
    ELSE 'otherwise' END"""


def _fates(rows: SortedRows, wanted: pa.Table, expected: pa.Table, there: pa.Array) -> list[_Fate]:
    """One for each of these rows, in their order."""
    names = [name for name in wanted.column_names if name not in rows.shape.key]
    given = _keys(rows, wanted).rename_columns(rows.key_columns)
    given = given.append_column("i", pa.array(range(len(wanted)), pa.int64()))
    given = given.append_column("there", there)
    for place, name in enumerate(names):
        given = given.append_column(f"wanted{place}", wanted[name])
        given = given.append_column(f"expected{place}", expected[name])
    held = [rows.selected([name]) for name in names]
    key = ", ".join(rows.key_columns)
    same = {
        side: " AND ".join(
            ["true", *(f"r.{c} IS NOT DISTINCT FROM g.{side}{i}" for i, c in enumerate(held))]
        )
        for side in ("wanted", "expected")
    }
    answer = rows.db.joined(
        f"SELECT {_IS_NOW.format(**same)} AS is_now, coalesce(w.lines, [r.line]) AS lines "
        f"FROM given g LEFT JOIN {rows.good} r USING ({key}) LEFT JOIN wrong w USING ({key}) "
        "ORDER BY g.i",
        given=given,
    )
    return [
        _Fate(row["is_now"], [line for line in row["lines"] if line is not None])
        for row in answer.to_pylist()
    ]


def _as_held(rows: SortedRows, given: pa.Table) -> pa.Table:
    """The same rows, once it is sure that the file has such columns."""
    for field in given.schema:
        held = rows.shape.column(field.name)
        if held is None or held.type != field.type:
            is_so = "not there" if held is None else f"{held.type} in the file"
            raise BadInput(
                f"the column {field.name} ({field.type}) cannot be written: it is {is_so}",
                hint="Declare its type under `types:` of the target.",
            )
    return given


def _some(table: pa.Table, places: Sequence[int]) -> pa.Table:
    return table.take(pa.array(places, pa.int64()))


def _keys(rows: SortedRows, table: pa.Table) -> pa.Table:
    return table.select(list(rows.shape.key))


def _refused(rows: SortedRows, given: pa.Table, fates: Sequence[_Fate]) -> list[ItemFailure]:
    keys = row_keys.encode(given, rows.shape.key).to_pylist()
    return [
        ItemFailure(key, "unreadable", rows.why_not(fate.lines))
        for key, fate in zip(keys, fates, strict=True)
        if fate.is_now == "unreadable"
    ]
