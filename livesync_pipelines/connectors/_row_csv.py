"""CSV and TSV (RFC 4180) as rows, read by Arrow, a few megabytes at a time.

An empty cell is null, a quoted empty one is an empty text. A line with another number of cells
than the header is a fault, and so is a quote that is never closed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any, ClassVar
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from livesync_pipelines.connectors._row_stage import Batch, Cells, Fault
from livesync_pipelines.connectors._row_text import as_utf8, sealed
from livesync_pipelines.formats.delimited import delimiter_of
from livesync_pipelines.model.errors import BadInput, Broken
from livesync_pipelines.model.rows import Holds

_BLOCK = 4 << 20
_HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Csv:
    """The format, as a selection says it: what stands between cells (None: as the first lines
    tell), whether the first line names the columns (else they are `column1`, ...), and how it is
    encoded (None: UTF-8, or as its byte-order mark tells)."""

    delimiter: str | None
    header: bool
    encoding: str | None = None
    cells: ClassVar[Cells] = Cells.TEXTS
    unit: ClassVar[str] = "line"
    grows: ClassVar[bool] = False
    holds: ClassVar[Holds] = Holds(nul=False)

    def read(self, file: IO[bytes]) -> Iterator[Batch]:
        with self.text(file) as text:
            yield from rows(text, layout(text, delimiter=self.delimiter, header=self.header))

    def text(self, file: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
        """As UTF-8, from the first character on; raises `BadInput` where it is encoded otherwise
        than is said."""
        return as_utf8(file, _OTHERWISE, self.encoding)


_OTHERWISE = "Say in `select` how the file is encoded, as `encoding: cp1252`; or save it as UTF-8."


@dataclass(frozen=True, slots=True)
class Layout:
    """How one file is laid out: where in the bytes, and on which line, its rows begin."""

    delimiter: str
    names: Sequence[str]
    header: bool
    lines: int
    ending: str


def layout(file: IO[bytes], *, delimiter: str | None, header: bool) -> Layout:
    """Of a UTF-8 file that stands at its beginning; afterwards it stands where its rows begin.
    Raises `BadInput` where it has no usable header."""
    start = file.tell()
    head = file.read(_HEAD).decode("utf-8", "ignore")
    mark = delimiter or delimiter_of(head)
    file.seek(start)
    lines = csv.reader(_lines(file), delimiter=mark)
    try:
        first = next((row for row in lines if row), [])
    except csv.Error as error:
        hint = "Lines must end with LF or CRLF, as nearly every program saves them now."
        raise BadInput(f"the header cannot be read: {error}", hint=hint) from error
    read = lines.line_num
    if not header:
        file.seek(start)
        first, read = [f"column{i + 1}" for i in range(len(first))], 0
    check_names(first)
    ending = "\r\n" if "\r\n" in head.partition("\n")[0] + "\n" else "\n"
    return Layout(mark, first, header, read, ending)


def _lines(file: IO[bytes]) -> Iterator[str]:
    while line := file.readline(_BLOCK):
        yield line.decode("utf-8", "replace")


def check_names(names: Sequence[str]) -> None:
    if not names:
        raise BadInput("there is no header: the file is empty", hint="Is it still being written?")
    blank = [i + 1 for i, name in enumerate(names) if not name.strip()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if blank:
        raise BadInput(f"column {blank[0]} of the header has no name", hint="Name it in the file.")
    if twice:
        raise BadInput(
            f"the header names {', '.join(twice)} more than once",
            hint="Rename one in the file, or set `header: false`.",
        )


def rows(text: IO[bytes], found: Layout) -> Iterator[Batch]:
    """The rows of a file that stands where they begin."""
    seal = uuid4().hex
    counted = _Counted(found.lines, len(found.names))
    held: Batch | None = None
    for cells in _tables(text, found, seal, counted.refused):
        if held is not None:
            yield held
        held = counted.batch(cells)
    if held is not None:
        yield _unsealed(held, seal)
    yield counted.rest(pa.table({name: pa.array([], pa.string()) for name in found.names}), seal)


def _tables(text: IO[bytes], found: Layout, seal: str, refused: list[Any]) -> Iterator[pa.Table]:
    """What Arrow reads; the rows that it cannot go to `refused` before those that follow come."""
    last = found.delimiter.join([seal] * len(found.names)) + "\n"

    def refuse(row: Any) -> str:
        refused.append(row)
        return "skip"

    try:
        reader = pa_csv.open_csv(
            sealed(text, last.encode()),
            read_options=pa_csv.ReadOptions(
                column_names=found.names, block_size=_BLOCK, use_threads=False
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=found.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=refuse,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(found.names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for batch in reader:
            yield pa.Table.from_batches([batch])
    except pa.ArrowInvalid as error:
        raise Broken(
            "the file cannot be read as CSV: a row has more than 4 MB, or a quote is never closed",
            hint="Open it in a spreadsheet and save it again; check `delimiter`.",
        ) from error


def _unsealed(batch: Batch, seal: str) -> Batch:
    """The last batch without our own line; where that was swallowed, an open quote is told."""
    if not len(batch.lines):
        return batch
    last = [column[-1].as_py() or "" for column in batch.cells.columns]
    if not any(seal in cell for cell in last):
        return batch
    kept = len(batch.lines) - 1
    faults = list(batch.faults)
    if any(cell != seal for cell in last):
        faults.append(Fault(batch.lines[kept].as_py(), "bad_row", _OPEN))
    return Batch(batch.cells.slice(0, kept), batch.lines.slice(0, kept), faults)


_OPEN = "it opens a quote that is never closed"


class _Counted:
    """Tells the line of every row. Arrow numbers rows, and a row may have line ends within."""

    def __init__(self, lines: int, width: int) -> None:
        self.refused: list[Any] = []
        self._next_row, self._next_line, self._width = 1, lines + 1, width

    def batch(self, cells: pa.Table) -> Batch:
        count, first = len(cells), self._next_row
        numbers = np.array([row.number for row in self.refused], np.int64)
        all_rows = np.arange(first, first + count + len(numbers), dtype=np.int64)
        kept = np.setdiff1d(all_rows, numbers)[:count]
        end = int(kept[-1]) + 1 if count else first
        passed = [row for row in self.refused if row.number < end]
        self.refused[:] = [row for row in self.refused if row.number >= end]
        lines_of = np.ones(end - first, np.int64)
        lines_of[kept - first] += _line_ends(cells)
        for row in passed:
            lines_of[row.number - first] += row.text.count("\n")
        starts = self._next_line + np.cumsum(lines_of) - lines_of
        faults = [self._fault(row, int(starts[row.number - first])) for row in passed]
        self._next_row, self._next_line = end, self._next_line + int(lines_of.sum())
        return Batch(cells, pa.array(starts[kept - first]), faults)

    def rest(self, empty: pa.Table, seal: str) -> Batch:
        """What was refused after the last row that was not."""
        faults = []
        for row in self.refused:
            line = self._next_line + row.number - self._next_row
            self._next_line += row.text.count("\n")
            fault = self._fault(row, line)
            faults.append(Fault(line, fault.code, _OPEN) if seal in row.text else fault)
        return Batch(empty, pa.array([], pa.int64()), faults)

    def _fault(self, row: Any, line: int) -> Fault:
        reason = f"it has {row.actual_columns} cells where {self._width} are expected"
        return Fault(line, "bad_row", reason, row.text)


def _line_ends(cells: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many line ends there are within each row."""
    found = np.zeros(len(cells), np.int64)
    for column in cells.columns:
        found += pc.fill_null(pc.count_substring(column, "\n"), 0).to_numpy()
    return found
