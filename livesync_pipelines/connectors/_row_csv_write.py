"""CSV written again with other values in some cells: the rest keeps its words, its order and its
line ends; only what needs quotes has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.connectors import _row_values as values
from livesync_pipelines.connectors._row_csv import Csv, Layout, layout, rows
from livesync_pipelines.connectors._row_judging import Judged
from livesync_pipelines.connectors._row_stage import Batch
from livesync_pipelines.connectors._row_text import encoding_of, mark_of
from livesync_pipelines.connectors._row_types import Kind
from livesync_pipelines.core.row_values import whole
from livesync_pipelines.model.errors import BadInput


@dataclass(frozen=True, slots=True)
class CsvWriter:
    form: Csv

    def made(self, kinds: Mapping[str, Kind], into: IO[bytes]) -> None:
        found = Layout(self.form.delimiter or ",", list(kinds), self.form.header, 0, "\n")
        name = self.form.encoding or "utf-8"
        into.write(_encoded(_header(found, list(kinds)), name))

    def rewritten(
        self, file: IO[bytes], judged: Judged, kinds: Mapping[str, Kind], into: IO[bytes]
    ) -> None:
        name, mark = encoding_of(file, self.form.encoding)
        into.write(mark_of(file, mark))
        with self.form.text(file) as text:
            for piece in self._pieces(text, judged, kinds):
                into.write(_encoded(piece, name))

    def _pieces(self, text: IO[bytes], judged: Judged, kinds: Mapping[str, Kind]) -> Iterator[str]:
        found = layout(text, delimiter=self.form.delimiter, header=self.form.header)
        names = [*found.names, *(name for name in kinds if name not in found.names)]
        yield _header(found, names)
        edits, added = _edits(judged, kinds), _texts(judged.added, kinds)
        for batch in rows(text, found):
            yield _joined(_edited(batch, edits, judged, names), found)
        yield _ended(_lines(_widened(added, names), found), found)

    def refused(self, rows: pa.Table, file: IO[bytes]) -> dict[int, str]:
        """A NUL makes readers take the file for UTF-16; an encoding may lack a character."""
        encoding, _ = encoding_of(file, self.form.encoding)
        lacking = {
            place: f"column {name} holds {lacks!r}, which {encoding} does not have"
            for name in rows.column_names
            if not encoding.startswith("utf-")
            for place, value in enumerate(rows[name].to_pylist())
            if (lacks := _lacks(str(value), encoding)) is not None
        }
        return lacking | {
            place: f"column {name} holds a NUL, which no CSV can"
            for name in rows.column_names
            if rows[name].type == pa.string()
            for place in _true(pc.match_substring(rows[name], "\0"))
        }

    def shown(self, rows: pa.Table, file: IO[bytes]) -> pa.Table:
        return rows


def _lacks(text: str, encoding: str) -> str | None:
    """The first character that the encoding does not have."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise BadInput(
            f"{text[error.start]!r} is not to be written in {encoding}",
            hint="Name the columns with other letters, or save the file as UTF-8 once and leave "
            "`encoding` out.",
        ) from error


def _true(mask: pa.ChunkedArray) -> list[int]:
    return list(pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist())


def _widened(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """With these columns, null where it lacks one."""
    nulls = pa.nulls(len(table), pa.string())
    held = set(table.column_names)
    return pa.table([table[n] if n in held else nulls for n in names], names=list(names))


def _texts(table: pa.Table, kinds: Mapping[str, Kind]) -> pa.Table:
    columns = [values.texts(table[n].combine_chunks(), kinds[n]) for n in table.column_names]
    return pa.table(columns, names=table.column_names)


def _header(found: Layout, names: Sequence[str]) -> str:
    if not found.header:
        return ""
    line = pa.table([pa.array([name]) for name in names], names=list(names))
    return _ended(_lines(line, found), found)


def _edits(judged: Judged, kinds: Mapping[str, Kind]) -> dict[str, tuple[pa.Array, pa.Array]]:
    """By column, the texts of the changed rows, and which of them are other values than before."""
    texts = _texts(judged.changed, kinds)
    return {name: (whole(texts[name]), judged.edited(name)) for name in texts.column_names}


def _edited(
    batch: Batch,
    edits: Mapping[str, tuple[pa.Array, pa.Array]],
    judged: Judged,
    names: Sequence[str],
) -> Batch:
    """The rows of a batch as they are to be written."""
    cells = _widened(batch.cells, names)
    which = pc.index_in(batch.lines, value_set=judged.lines)
    for name, (texts, other) in edits.items():
        is_edited = pc.fill_null(other.take(which), False)
        column = pc.if_else(is_edited, texts.take(which), whole(cells[name]))
        cells = cells.set_column(cells.column_names.index(name), name, column)
    blank = pa.repeat(pa.scalar(True), len(cells))
    for column in batch.cells.columns:
        blank = pc.and_(blank, pc.is_null(column))
    kept = pc.invert(pc.or_(blank, pc.is_in(batch.lines, value_set=judged.removed)))
    return Batch(cells.filter(kept), batch.lines.filter(kept), batch.faults)


def _lines(cells: pa.Table, found: Layout) -> pa.Array:
    """One text for each row."""
    quoted = [_quoted(column, found.delimiter) for column in cells.columns]
    if not quoted or not len(cells):
        return pa.array([], pa.string())
    return pc.binary_join_element_wise(*quoted, found.delimiter)


def _quoted(column: pa.ChunkedArray, delimiter: str) -> pa.Array:
    column = column.combine_chunks()
    outside = delimiter.replace("\\", "\\\\").replace("^", "\\^").replace("]", "\\]")
    needs = pc.match_substring_regex(column, f'^$|["\r\n{outside}]|^\\s|\\s$')
    inside = pc.replace_substring(column, '"', '""')
    wrapped = pc.binary_join_element_wise('"', inside, '"', "")
    return pc.fill_null(pc.if_else(needs, wrapped, column), "")


def _joined(batch: Batch, found: Layout) -> str:
    """The rows with those between them that are no rows, which are left as they are."""
    lines = _lines(batch.cells, found)
    if not batch.faults:
        return _ended(lines, found)
    placed = list(zip(batch.lines.to_pylist(), lines.to_pylist(), strict=True))
    for fault in batch.faults:
        if fault.text is None:
            raise BadInput(
                f"line {fault.line}: {fault.reason}, so that the file cannot be written again",
                hint="Close the quote.",
            )
        placed.append((fault.line, fault.text))
    return _ended(pa.array([text for _, text in sorted(placed)], pa.string()), found)


def _ended(lines: pa.Array, found: Layout) -> str:
    return "".join(f"{line}{found.ending}" for line in lines.to_pylist())
