"""The rows of one table of files, taken from the order of lines into a private database, where the
type of each column is found over all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import pyarrow as pa

from livesync_pipelines.connectors import _row_types as types
from livesync_pipelines.connectors._row_database import PrivateDatabase
from livesync_pipelines.connectors._row_types import JSON, TEXT, Kind
from livesync_pipelines.connectors.rows import SHOWN
from livesync_pipelines.core import row_keys
from livesync_pipelines.model.errors import BadInput

_SAMPLE_ROWS = 2_000
_FLUSH_BYTES = 16_000_000
_KEYS = tuple(kind for kind in types.GUESSED if row_keys.usable(kind))
_STAMPS = (pa.date32(), pa.timestamp("us"), pa.timestamp("us", tz="UTC"))
_NUMBERS = (pa.int64(), pa.float64())
_ALWAYS = "true"
"""SQL of what every value fits."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that is no row, and why; what it says, where that is known to its end."""

    line: int
    code: str
    reason: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one file as they stand there, in its order. `lines` says where (counted from
    1); a row of nulls alone stands for a blank line."""

    cells: pa.Table
    lines: pa.Array
    faults: Sequence[Fault] = ()


class Cells(Enum):
    """What the cells of a format are. A column of JSON texts that has numbers and texts is text in
    a workbook, and JSON in a file of JSON."""

    TEXTS = auto()
    WORKBOOK = auto()
    JSON = auto()
    TYPED = auto()


IS_JSON = {"json": "canonical"}
"""The metadata of a typed column whose texts are canonical JSON."""
IS_NESTED = {**IS_JSON, "nested": "yes"}
"""The same, of nested values, which are read as JSON and not written."""


class Stage:
    """Filled by `add`, then `settle`d once. `before`: what kind each column was, as far as that is
    known."""

    def __init__(self, before: Mapping[str, Kind]) -> None:
        self._before = before
        self.db = PrivateDatabase()
        self.db.run("CREATE TABLE raw (n BIGINT, file INTEGER, line BIGINT)")
        self.db.run("CREATE TABLE faults (file INTEGER, line BIGINT, code VARCHAR, reason VARCHAR)")
        self._columns: dict[str, Kind] = {}
        self._count = 0
        self.size_bytes = 0
        """Of all cells that were added, in Arrow."""
        self.unsaid: set[str] = set()
        """The columns of which neither a declaration, nor a value, nor what they were before says
        what kind they are."""
        self._waiting: list[pa.Table] = []

    @property
    def names(self) -> list[str]:
        """The columns, in the order of the files."""
        return list(self._columns)

    def add(self, file: int, batch: Batch) -> None:
        """Raises `BadInput` where a column has another type than in an earlier file."""
        cells, count = batch.cells, len(batch.lines)
        names = [f"c{self._place(field)}" for field in cells.schema]
        n = pa.array(range(self._count, self._count + count), pa.int64())
        files = pa.repeat(pa.scalar(file, pa.int32()), count)
        columns = [n, files, batch.lines, *cells.columns]
        self._waiting.append(pa.table(columns, names=["n", "file", "line", *names]))
        self._count += count
        self.size_bytes += self._waiting[-1].nbytes
        if sum(table.nbytes for table in self._waiting) > _FLUSH_BYTES:
            self._flush()
        if batch.faults:
            told = zip(*[(file, f.line, f.code, f.reason) for f in batch.faults], strict=True)
            arrays = [pa.array(column) for column in told]
            self.db.insert("faults", pa.table(arrays, names=["file", "line", "code", "reason"]))

    def _flush(self) -> None:
        if self._waiting:
            self.db.insert("raw", pa.concat_tables(self._waiting, promote_options="default"))
            self._waiting.clear()

    def widen(self, names: Sequence[str]) -> None:
        """Columns of nulls, where there are none of these names."""
        for name in names:
            if name not in self._columns:
                self._place(pa.field(name, pa.string()))

    def _place(self, field: pa.Field) -> int:
        known, kind = self._columns.get(field.name), _kind(field)
        if known is None:
            self._columns[field.name] = kind
            name = f"c{len(self._columns) - 1} {types.sql_type(field.type)}"
            self.db.run(f"ALTER TABLE raw ADD COLUMN {name}")
        elif known != kind:
            raise BadInput(
                f"the column {field.name} is {known} in one file and {kind} in another",
                hint="Several files are one table only where their columns agree.",
            )
        return self.names.index(field.name)

    def settle(self, declared: Mapping[str, Kind], key: Sequence[str], cells: Cells) -> list[Kind]:
        """Find what kind each column is, and put the rows in typed columns `t0`, `t1`, ...; `bad`
        is the place of the first column that does not fit, if any, and `unfit` lists the places of
        them all, each with the start of what is `said` there."""
        self._flush()
        kinds, values = [], []
        for place, name in enumerate(self.names):
            kind, sql = self._settled(place, declared.get(name), name in key, cells)
            kinds.append(kind)
            values.append(sql)
        typed = [f"{sql} AS t{i}" for i, sql in enumerate(values)]
        misfits = {i: f"{_said(i, cells)} IS NOT NULL AND t{i} IS NULL" for i in range(len(values))}
        bad = [f"WHEN {misfit} THEN {i}" for i, misfit in misfits.items()]
        told = [
            f"CASE WHEN {misfit} THEN {{'place': {i}, 'said': {_start(i, cells)}}} END"
            for i, misfit in misfits.items()
        ]
        blank = " AND ".join(f"c{i} IS NULL" for i in range(len(values))) or "true"
        self.db.run(
            f"CREATE TABLE rows AS SELECT n, file, line, {', '.join([*typed, ''])}"
            f"CASE {' '.join(bad) or 'WHEN true THEN NULL'} END AS bad, {_listed(told)} AS unfit "
            f"FROM raw WHERE NOT ({blank})"
        )
        self.db.run("DROP TABLE raw")
        return kinds

    def _settled(
        self, place: int, declared: Kind | None, is_key: bool, cells: Cells
    ) -> tuple[Kind, str]:
        """The kind of a column and the SQL of its values."""
        cell, name = f"c{place}", self.names[place]
        if cells is Cells.TYPED:
            if declared in (None, self._columns[name]):
                return self._columns[name], cell
            return declared, types.value(declared, f"CAST({cell} AS VARCHAR)")
        if declared is None and not self._has_values(place):
            kind = self._emptied(place, is_key)
        elif cells is Cells.TEXTS:
            guesses = types.guesses(cell, _KEYS if is_key else types.GUESSED)
            kind = declared or self._first(place, [*guesses, (TEXT, _ALWAYS)])
        else:
            kind = declared or self._of_json(place, JSON if cells is Cells.JSON else TEXT)
        as_written = kind.json or kind.type == pa.list_(pa.string())
        if cells is Cells.TEXTS or as_written:
            return kind, types.value(kind, cell)
        return kind, types.value(kind, _unquoted(cell))

    def _has_values(self, place: int) -> bool:
        return bool(self.db.rows(f"SELECT 1 FROM raw WHERE c{place} IS NOT NULL LIMIT 1"))

    def _emptied(self, place: int, is_key: bool) -> Kind:
        """The kind of before of a column that has no values now. A key without values is no row,
        and nobody takes that for what was there."""
        before = None if is_key else self._before.get(self.names[place])
        if before is None:
            self.unsaid.add(self.names[place])
        return before or TEXT

    def _of_json(self, place: int, mixed: Kind) -> Kind:
        """The kind of a column of JSON texts, told by the characters they begin with first."""
        cell = f"c{place}"
        rest = (mixed, _ALWAYS)
        told = self.db.rows(
            f"SELECT DISTINCT CASE WHEN {cell}[1] IN ('\"', '[', '{{', 't', 'f') THEN {cell}[1] "
            f"ELSE '0' END FROM raw WHERE {cell} IS NOT NULL"
        )
        marks = "".join(sorted(str(mark) for (mark,) in told))
        if marks == '"':
            stamps = types.guesses(_unquoted(cell), _STAMPS)
            return self._first(place, [*stamps, (TEXT, _ALWAYS), rest])
        if marks == "0":
            return self._first(place, [*types.guesses(cell, _NUMBERS), rest])
        if set(marks) <= {"t", "f"}:
            return self._first(place, [(Kind(pa.bool_()), _ALWAYS), rest])
        if marks == "[":
            texts = Kind(pa.list_(pa.string()))
            fits = f"{types.value(texts, cell)} IS NOT NULL"
            return self._first(place, [(texts, fits), (JSON, _ALWAYS)])
        return JSON if set(marks) & {"[", "{"} else mixed

    def _first(self, place: int, guesses: Sequence[tuple[Kind, str]]) -> Kind:
        """The kind of before, where it is one of these and every value fits it, else the first that
        every value fits; the last one always is. A few rows are asked first, for they rule out
        most."""
        cell, before = f"c{place}", self._before.get(self.names[place])
        left = sorted(guesses, key=lambda guess: guess[0] != before)
        for of in (f"(SELECT * FROM raw LIMIT {_SAMPLE_ROWS})", "raw"):
            if left[0][1] == _ALWAYS:
                break
            asked = ", ".join(f"coalesce(bool_and({fits}), true)" for _, fits in left)
            ((*fit,),) = self.db.rows(f"SELECT {asked} FROM {of} WHERE {cell} IS NOT NULL")
            left = [guess for guess, yes in zip(left, fit, strict=True) if yes]
        return left[0][0]


def _said(place: int, cells: Cells) -> str:
    """SQL of what a cell says; a quoted empty one of a file of texts says nothing where its column
    is no text."""
    return f"nullif(c{place}, '')" if cells is Cells.TEXTS else f"c{place}"


def _start(place: int, cells: Cells) -> str:
    """SQL of the first characters of a cell."""
    is_json = cells in (Cells.JSON, Cells.WORKBOOK)
    text = _unquoted(f"c{place}") if is_json else f"CAST(c{place} AS VARCHAR)"
    return f"left({text}, {SHOWN})"


def _listed(told: Sequence[str]) -> str:
    """SQL of a list of those that there are."""
    cells = ", ".join(told) or "CAST(NULL AS STRUCT(place INTEGER, said VARCHAR))"
    return f"CASE WHEN bad IS NOT NULL THEN list_filter([{cells}], lambda x: x IS NOT NULL) END"


def _unquoted(cell: str) -> str:
    """SQL of the text of a JSON text; a number and whatever else is no text stays as it is."""
    return f"CASE WHEN {cell}[1] = '\"' THEN json_extract_string({cell}, '$') ELSE {cell} END"


def _kind(field: pa.Field) -> Kind:
    metadata = field.metadata or {}
    return Kind(field.type, json=b"json" in metadata, writable=b"nested" not in metadata)
