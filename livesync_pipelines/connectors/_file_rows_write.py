"""Files that are tables, written: the whole file anew, in one step, once per `RowWrites`."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import IO

import pyarrow as pa

from livesync_pipelines.connectors._file_rows import FileRows
from livesync_pipelines.connectors._globs import has_magic
from livesync_pipelines.connectors._row_formats import format_of
from livesync_pipelines.connectors._row_judging import Judged, judge
from livesync_pipelines.connectors._row_sorted import SortedRows
from livesync_pipelines.connectors._row_stage import Cells
from livesync_pipelines.connectors._row_types import Kind, kind_in
from livesync_pipelines.connectors._row_writers import Writer, writer_of
from livesync_pipelines.connectors.files import Moved
from livesync_pipelines.core import row_keys
from livesync_pipelines.model.errors import BadInput, ItemFailure, Unavailable
from livesync_pipelines.model.rows import RowReceipt, RowWrites, Shape

_TRIES = 3
ROWS_PER_WRITE = 100_000
"""Each time the whole file is written."""


class WritableFileRows(FileRows):
    """One CSV, JSONL or Parquet file can be written; workbooks and several files are read only.

    `prepare` comes first in every run: nothing in a CSV or a JSONL says what type a column has, so
    from then on it is what was wanted.
    """

    rows_per_write = ROWS_PER_WRITE

    @abstractmethod
    def _put(self, content: IO[bytes], *, expected_version: str | None) -> None:
        """Put this file in the place of that version (None: of none), whole or not at all; raises
        `Moved` where it is another by now."""

    def prepare(self, wanted: Shape) -> Sequence[str]:
        writer = self._writer()
        self._adopt(wanted)
        rows = self._current()
        if rows is None:
            self._make(writer, wanted)
            return [f"made {self._said.rows} in {self._where}"]
        self._check_holds(rows, wanted)
        new = [c.name for c in wanted.columns if rows.shape.column(c.name) is None]
        if not new:
            return []
        kinds = {c.name: kind_in(c) for c in (*rows.shape.columns, *wanted.columns)}
        self._rewrite(writer, rows, _nothing(rows), kinds)
        return [f"added the column {name} to {self._said.rows}" for name in new]

    def write(self, writes: RowWrites) -> RowReceipt:
        writer = self._writer()
        for _ in range(_TRIES):
            rows = self._present()
            try:
                return self._written(writer, rows, writes)
            except Moved:
                continue
        raise Unavailable(
            f"{self._said.rows} in {self._where} was changed {_TRIES} times while it was written",
            hint="Nothing was written; it is tried again.",
            where=self._where,
        )

    def _written(self, writer: Writer, rows: SortedRows, writes: RowWrites) -> RowReceipt:
        with closing(self._open(self._files_now[0])) as file:
            upserts = writes.upserts
            refused = {**writer.refused(upserts, file), **_without_key(upserts, rows.shape.key)}
            kept = pa.array([i for i in range(len(upserts)) if i not in refused], pa.int64())
            judged = judge(
                rows,
                RowWrites(
                    upserts=upserts.take(kept),
                    expected=writes.expected.take(kept),
                    there=writes.there.take(kept),
                    deletes=writes.deletes,
                ),
            )
            stored = _otherwise(pa.concat_tables([judged.changed, judged.added]), writer, file)
        if not judged.nothing:
            self._rewrite(writer, rows, judged, {c.name: kind_in(c) for c in rows.shape.columns})
        keys = row_keys.encode(upserts, rows.shape.key).to_pylist()
        failures = [
            ItemFailure(keys[i] or f"row {i + 1} of those sent", "refused", why)
            for i, why in sorted(refused.items())
        ]
        return RowReceipt(stored=stored, moved=judged.moved, failures=(*failures, *judged.failures))

    @classmethod
    def unwritable(cls, selection: Mapping[str, object]) -> str | None:
        name = str(selection["rows"])
        if not has_magic(name) and writer_of(format_of(name)) is not None:
            return None
        return f"{name} can only be read: one CSV, JSONL or Parquet file can be written to"

    def _writer(self) -> Writer:
        writer = writer_of(self._format)
        if writer is None or has_magic(self._said.rows):
            raise BadInput(
                f"{self._said.rows} cannot be written to: only one CSV, JSONL or Parquet file can",
                hint="Name one such file in `rows` of the target.",
                where=self._where,
            )
        return writer

    def _make(self, writer: Writer, wanted: Shape) -> None:
        with tempfile.TemporaryFile(prefix="livesync-rows-") as made:
            writer.made({column.name: kind_in(column) for column in wanted.columns}, made)
            self._put(made, expected_version=None)

    def _rewrite(
        self, writer: Writer, rows: SortedRows, judged: Judged, kinds: dict[str, Kind]
    ) -> None:
        entry = self._files_now[0]
        with (
            closing(self._open(entry)) as file,
            tempfile.TemporaryFile(prefix="livesync-rows-") as made,
        ):
            writer.rewritten(file, judged, kinds, made)
            self._put(made, expected_version=entry.version)

    def _adopt(self, wanted: Shape) -> None:
        """From now on the columns are of the wanted types."""
        if set(wanted.key) != set(self._said.key):
            raise BadInput(
                f"the key of {self._said.rows} is {', '.join(self._said.key)}, and rows are to be "
                f"told apart by {', '.join(wanted.key)}",
                hint="Mend `key` of the target, or the mapping.",
                where=self._where,
            )
        for column in wanted.columns:
            declared = self._said.types.get(column.name)
            if declared is not None and self._kinds[column.name] != kind_in(column):
                raise BadInput(
                    f"{column.name} is declared {declared}, and {kind_in(column)} is to be written",
                    hint="Mend `types` of the target, or the mapping.",
                    where=self._where,
                )
            if self._format.cells is not Cells.TYPED:
                self._kinds[column.name] = kind_in(column)
        self._sorted, self._told = None, None

    def _check_holds(self, rows: SortedRows, wanted: Shape) -> None:
        """Raises `BadInput` where a column holds something else than what is wanted."""
        misfits = rows.misfits()
        for column in wanted.columns:
            held = rows.shape.column(column.name)
            if held is None:
                continue
            held_as = self._held.get(column.name)
            known = column.name in self._said.types or held_as == kind_in(column)
            place = None if known else misfits.get(column.name)
            if place is not None or kind_in(held) != kind_in(column):
                holds = f"something else ({place})" if place else str(kind_in(held))
                raise BadInput(
                    f"the column {column.name} of {self._said.rows} is to hold {kind_in(column)}, "
                    f"and holds {holds}",
                    hint="Mend the mapping, or the file; no column is ever changed or dropped.",
                    where=self._where,
                )


def _nothing(rows: SortedRows) -> Judged:
    """No change of any row."""
    keys = rows.schema(rows.shape.key).empty_table()
    none = pa.array([], pa.int64())
    return Judged(
        changed=keys, was=keys, lines=none, added=keys, removed=none, moved=keys, failures=()
    )


def _without_key(rows: pa.Table, key: Sequence[str]) -> dict[int, str]:
    empty = [i for i, k in enumerate(row_keys.encode(rows, key).to_pylist()) if k is None]
    texts = [rows[name].to_pylist() for name in key if rows[name].type == pa.string()]
    empty += [i for column in texts for i, text in enumerate(column) if text == ""]
    return dict.fromkeys(empty, "its key is empty, or holds a control character")


def _otherwise(rows: pa.Table, writer: Writer, file: IO[bytes]) -> pa.Table:
    """Those of the rows that the file will show otherwise, as it will show them."""
    shown = writer.shown(rows, file)
    if shown.equals(rows):
        return rows.slice(0, 0)
    pairs = zip(rows.to_pylist(), shown.to_pylist(), strict=True)
    return shown.take(pa.array([i for i, (a, b) in enumerate(pairs) if a != b], pa.int64()))
