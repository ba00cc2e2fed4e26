"""Files that are tables: what they have in common, wherever they are and however they are named."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from typing import IO

import pyarrow as pa
from pydantic import Field, field_validator

from livesync_pipelines.connectors import _row_formats as formats
from livesync_pipelines.connectors._row_sorted import SortedRows, Source
from livesync_pipelines.connectors._row_stage import Batch, Cells, Stage
from livesync_pipelines.connectors._row_types import Kind, TypeName, kind_in, kind_of
from livesync_pipelines.connectors._row_values import canonical_json
from livesync_pipelines.connectors.base import FetchLimits, Options
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.core import row_keys
from livesync_pipelines.model.errors import BadInput, Broken, NotFound, Unavailable
from livesync_pipelines.model.records import Entry
from livesync_pipelines.model.rows import Column, Holds, RowPage, Shape

MAX_BYTES = 5 * 2**30
"""The longest file that is read, but for workbooks: it goes to the disk, not into memory."""


class ColumnsSelection(Options):
    """What the columns of a table are that does not say it itself.

    - `key`: the columns that tell rows apart.
    - `types`: of columns whose cells mean something else than they look like: boolean, integer,
      float, decimal(p,s), text, binary (base64), date, time, timestamp, timestamptz, list, json.
    - `modified`, `actor`: the columns that say when and by whom a row was last changed.
    """

    key: list[str] = Field(min_length=1)
    types: dict[str, TypeName] = Field(default={})
    modified: str | None = None
    actor: str | None = None


class TableSelection(ColumnsSelection):
    """How files are read as a table.

    - `delimiter` of a CSV (told by its first lines, if not given), `sheet` of a workbook (its
      first). `encoding` of a CSV: any text encoding that Python knows, as cp1252; without one, it
      must be UTF-8, or UTF-16 with a byte-order mark. `header: false`: the columns are called
      `column1`, `column2`, ...
    """

    sheet: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    header: bool = True
    encoding: str | None = None

    @field_validator("encoding")
    @classmethod
    def _is_of_text(cls, value: str | None) -> str | None:
        try:
            "a".encode(value or "utf-8")
        except (LookupError, ValueError):
            raise ValueError(f"{value!r} is no text encoding; say utf-8, cp1252, ...") from None
        return value

    def format_of(self, name: str, *, max_bytes: int) -> formats.Format:
        """As what a file of this name is read; `max_bytes` as there. Raises `ValueError` where it
        is no table, or not one to read so."""
        if self.encoding and formats.suffix_of(name) not in ("csv", "tsv"):
            raise ValueError("encoding is for CSV and TSV; other formats say it themselves")
        return formats.format_of(
            name,
            delimiter=self.delimiter,
            header=self.header,
            sheet=self.sheet,
            encoding=self.encoding,
            max_bytes=max_bytes,
        )


class FileTable(RowEnd):
    """A table of files, read as a whole into a private database when it is first asked, and again
    once a file is another than then. Types that are not declared are those that a column had before
    while every cell fits them, else the first that fits every cell."""

    def __init__(
        self, connection: Options, selection: ColumnsSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._said = selection
        self._kinds: dict[str, Kind] = {name: kind_of(t) for name, t in selection.types.items()}
        self._before: dict[str, Kind] = {}
        self._held: dict[str, Kind] = {}
        self._told: Shape | None = None
        self._files_now: Sequence[Entry] = ()
        self._sorted: SortedRows | None = None

    def mark(self) -> str | None:
        """Of the files as they are now."""
        listed = [f"{entry.key}\0{entry.version}" for entry in self._files()]
        return blake2b("\0".join(listed).encode(), digest_size=16).hexdigest()

    @property
    @abstractmethod
    def _where(self) -> str:
        """The folder, the bucket or the like, for a person."""

    @property
    @abstractmethod
    def _called(self) -> str:
        """What is selected, for a person."""

    @abstractmethod
    def _files(self) -> list[Entry]:
        """What is there of it now. Raises a `LiveSyncError` where nobody can tell."""

    @abstractmethod
    def _name(self, entry: Entry) -> str:
        """The name of a file."""

    @abstractmethod
    def _format_of(self, entry: Entry) -> formats.Format:
        """As what a file is read, which is the same for all."""

    @abstractmethod
    def _open(self, entry: Entry) -> IO[bytes]:
        """The bytes of this very version; raises `Unavailable` where it is not that any more."""

    @abstractmethod
    def _check(self, entry: Entry, file: IO[bytes]) -> None:
        """Raises `Unavailable` where the file has changed since it was opened."""

    def remember(self, before: Shape) -> None:
        self._before = {column.name: kind_in(column) for column in before.columns}

    def hold(self, written: Shape) -> None:
        self._held |= {column.name: kind_in(column) for column in written.columns}
        self._kinds = self._held | self._kinds
        self._sorted, self._told = None, None

    def shape(self) -> Shape | None:
        rows = self._current()
        self._told = rows.shape if rows else None
        if self._told is not None:
            self.remember(self._told)
        return self._told

    def scan(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
        yield from self._present().pages(columns, after)

    def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage:
        return self._present().read(columns, keys)

    def close(self) -> None:
        self._sorted = None

    def _present(self) -> SortedRows:
        """The rows now. A file that is not there is an error, and no table without rows."""
        rows = self._current()
        if rows is None:
            raise NotFound(
                f"there is no file {self._called} in {self._where}",
                hint="Mend `rows`, or put the file back; no row was taken for deleted.",
                where=self._where,
            )
        if self._told is not None and self._told != rows.shape:
            raise Unavailable(
                f"the columns of {self._called} have changed during the run", where=self._where
            )
        return rows

    def _current(self) -> SortedRows | None:
        files = self._files()
        if not files:
            self._sorted = None
        elif self._sorted is None or _marks(files) != _marks(self._files_now):
            self._sorted = None
            self._sorted = self._read_all(files)
        self._files_now = files
        return self._sorted

    def _read_all(self, files: Sequence[Entry]) -> SortedRows:
        form, stage = self._format_of(files[0]), Stage(self._before)
        for place, entry in enumerate(files):
            with closing(self._open(entry)) as file:
                try:
                    for batch in form.read(file):
                        stage.add(place, self._canonical(batch, form.cells))
                except (BadInput, Broken) as error:
                    self._check(entry, file)
                    raise self._named(error, entry) from error
                self._check(entry, file)
        if form.grows:
            stage.widen([*self._said.key, *self._kinds])
        self._check_names(stage.names)
        kinds = stage.settle(self._kinds, self._said.key, form.cells)
        shape = self._shape(dict(zip(stage.names, kinds, strict=True)), stage.unsaid, form.holds)
        source = Source([self._name(entry) for entry in files], form.unit)
        return SortedRows(stage.db, shape, source, size_bytes=stage.size_bytes)

    def _canonical(self, batch: Batch, kind: Cells) -> Batch:
        """With one spelling for the JSON in columns that are declared to hold it."""
        cells = batch.cells
        if kind in (Cells.TEXTS, Cells.WORKBOOK):
            for place, name in enumerate(cells.column_names):
                if name in self._kinds and self._kinds[name].json:
                    cells = cells.set_column(place, name, canonical_json(cells[name]))
        return Batch(cells, batch.lines, batch.faults)

    def _named(self, error: BadInput | Broken, entry: Entry) -> BadInput | Broken:
        message = f"{self._name(entry)}: {error.message}"
        return type(error)(message, hint=error.hint, where=self._where)

    def _check_names(self, names: Sequence[str]) -> None:
        said = self._said
        stamps = {"modified": said.modified, "actor": said.actor}
        wanted = {"key": said.key, **{option: [n] for option, n in stamps.items() if n is not None}}
        for option, columns in wanted.items():
            lacking = [name for name in columns if name not in names]
            if lacking:
                raise BadInput(
                    f"{self._called} has no column {', '.join(lacking)}; it has {', '.join(names)}",
                    hint=f"Mend `{option}`, or `delimiter` if these are not its columns.",
                    where=self._where,
                )

    def _shape(self, kinds: Mapping[str, Kind], unsaid: Collection[str], holds: Holds) -> Shape:
        for name in self._said.key:
            if kinds[name].json or not row_keys.usable(kinds[name].type):
                raise BadInput(
                    f"the key column {name} of {self._called} is {kinds[name]}, and no such "
                    "value can tell rows apart",
                    hint=f"Declare it: `types: {{{name}: text}}`, or choose another key.",
                    where=self._where,
                )
        columns = tuple(
            Column(
                name=n,
                type=k.type,
                json=k.json,
                nullable=n not in self._said.key,
                writable=k.writable,
                typed=n not in unsaid,
            )
            for n, k in kinds.items()
        )
        said = self._said
        return Shape(
            columns=columns,
            key=tuple(said.key),
            modified=said.modified,
            actor=said.actor,
            holds=holds,
        )


def _marks(files: Sequence[Entry]) -> list[tuple[str, str]]:
    return [(entry.key, entry.version) for entry in files]
