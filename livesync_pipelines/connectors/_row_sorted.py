"""Staged rows in the order of their keys: pages, what is wrong with which, rows by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from livesync_pipelines.connectors._row_buckets import boundaries, by_key
from livesync_pipelines.connectors._row_database import PrivateDatabase
from livesync_pipelines.connectors._row_types import Kind
from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.core import row_keys
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.rows import Partial, RowPage, Shape, Unfit

_PLACES = 5
_SAMPLE_ROWS = 8_000
_Failed = tuple[str, ItemFailure, int | None]
"""An encoded key, empty where there is none, what is wrong with it, and the number of the row of
which only cells are wrong."""


@dataclass(frozen=True, slots=True)
class Source:
    """How failures call the files: their names, and what a row's place is (`line`, `row`)."""

    names: Sequence[str]
    unit: str

    def place(self, file: int, lines: Sequence[int], count: int = 1) -> str:
        many = "s" if count > 1 else ""
        more = f" and {count - len(lines)} more" if count > len(lines) else ""
        of = f" of {self.names[file]}" if len(self.names) > 1 else ""
        return f"{self.unit}{many} {', '.join(map(str, lines))}{more}{of}"


class SortedRows:
    """The rows of a settled `Stage`, whose database it takes over. A row is good when its key is
    whole and its own and every cell fits its column."""

    def __init__(
        self, db: PrivateDatabase, shape: Shape, source: Source, *, size_bytes: int
    ) -> None:
        """`size_bytes`: of all cells, about."""
        self.shape = shape
        self.db = db
        self._size_bytes = size_bytes
        self._source = source
        self._places = {column.name: f"t{i}" for i, column in enumerate(shape.columns)}
        self.key_columns = [self._places[name] for name in shape.key]
        self._key = ", ".join(self.key_columns)
        self._keyed = " AND ".join(map(_whole, self.key_columns, self.schema(shape.key).types))
        self._judge()

    def _judge(self) -> None:
        """`wrong` holds the keys of which no row is good."""
        self.db.run(
            f"CREATE TABLE suspects AS SELECT {self._key} FROM rows WHERE {self._keyed} "
            f"GROUP BY {self._key} HAVING count(*) > 1 OR min(bad) IS NOT NULL"
        )
        self.db.run(
            f"CREATE TABLE wrong AS SELECT {self._key}, count(*) AS count, min(bad) AS bad, "
            f"list(line ORDER BY n)[1:{_PLACES}] AS lines, min(file) AS file, min(n) AS n "
            f"FROM rows SEMI JOIN suspects USING ({self._key}) GROUP BY {self._key}"
        )
        some_wrong = bool(self.db.rows("SELECT 1 FROM wrong LIMIT 1"))
        without = f" ANTI JOIN wrong USING ({self._key})" if some_wrong else ""
        self.good = f"(SELECT * FROM rows{without} WHERE {self._keyed})"
        """SQL of the good rows: n, file, line, and a column for each of the shape."""
        unkeyed = self.db.rows(f"SELECT 1 FROM rows WHERE NOT ({self._keyed}) LIMIT 1")
        self.all_keyed = not unkeyed and not self.db.rows("SELECT 1 FROM faults LIMIT 1")
        """Whether the key of every line is known: else one that seems absent may be there."""

    def selected(self, columns: Sequence[str]) -> str:
        """SQL of these columns, in this order, by position."""
        return ", ".join(self._places[name] for name in columns)

    def schema(self, columns: Sequence[str]) -> pa.Schema:
        whole = self.shape.schema
        return pa.schema([whole.field(name) for name in columns])

    def pages(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
        """Good rows by key, each page with the failures of its range; what has no key is told
        first. The last page is `last` only where every line's key is known."""
        pieces = self._pieces(columns, after)
        held = next(pieces, RowPage(rows=self.schema(columns).empty_table()))
        for piece in pieces:
            yield held
            held = piece
        yield replace(held, last=self.all_keyed)

    def _pieces(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
        empty = self.schema(columns).empty_table()
        failures = _Ahead(chain(self._unkeyed(), self._wrong(after)))
        for table in self._sorted(columns, after):
            last = row_keys.encode(table.slice(len(table) - 1), self.shape.key)[0].as_py()
            due = failures.until(last)
            while len(some := tuple(islice(due, PAGE_ROWS))) == PAGE_ROWS:
                yield self._page(empty, some)
            yield self._page(table.select(list(columns)), some)
        while some := tuple(islice(failures.until(None), PAGE_ROWS)):
            yield self._page(empty, some)

    def _page(self, rows: pa.Table, failed: Sequence[_Failed]) -> RowPage:
        numbers = [number for _, _, number in failed if number is not None]
        return RowPage(
            rows=rows,
            failures=tuple(failure for _, failure, _ in failed),
            partial=self._partial(rows.column_names, numbers) if numbers else None,
        )

    def _partial(self, columns: Sequence[str], numbers: Sequence[int]) -> Partial:
        """The rows of these numbers, and which of their cells do not fit."""
        asked = pa.table({"place": range(len(numbers)), "n": pa.array(numbers, pa.int64())})
        found = self.db.joined(
            f"SELECT {self.selected(columns)}, unfit FROM rows JOIN asked USING (n) "
            "ORDER BY asked.place",
            asked=asked,
        )
        unfit = tuple(tuple(map(self._unfit, cells)) for cells in found["unfit"].to_pylist())
        rows = self._typed(found.drop_columns(["unfit"]), columns)
        return Partial(rows=rows, unfit=unfit)

    def _unfit(self, cell: Mapping[str, Any]) -> Unfit:
        column = self.shape.columns[cell["place"]]
        return Unfit(column.name, cell["said"], f"is no {Kind(column.type, column.json)}")

    def _sorted(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[pa.Table]:
        """These columns and those of the key, by key, in tables of a page at most."""
        after_this, values = self._after(after)
        some = f"(SELECT * FROM {self.good} WHERE {after_this})"
        sample = f"SELECT {self._key} FROM {some} USING SAMPLE reservoir({_SAMPLE_ROWS} ROWS)"
        keys = [self._typed(page, self.shape.key) for page in self.db.pages(sample, values)]
        begin = boundaries(keys, self.shape.key, self._size_bytes)
        names = list(dict.fromkeys([*self.shape.key, *columns]))
        pages = self.db.pages(f"SELECT {self.selected(names)} FROM {some}", values)
        rows = (self._typed(page, names) for page in pages)
        for table in by_key(rows, self.shape.key, begin):
            for first in range(0, len(table), PAGE_ROWS):
                yield table.slice(first, PAGE_ROWS)

    def _typed(self, table: pa.Table, names: Sequence[str]) -> pa.Table:
        """What was selected, under the names and in the types of the shape."""
        return table.rename_columns(list(names)).cast(self.schema(names))

    def _after(self, after: Sequence[object] | None) -> tuple[str, Sequence[object]]:
        if after is None:
            return "true", ()
        return f"({self._key}) > ({', '.join('?' for _ in after)})", after

    def _wrong(self, after: Sequence[object] | None) -> Iterator[_Failed]:
        after_this, values = self._after(after)
        pages = self.db.pages(
            f"SELECT {self._key}, file, lines, count, bad, n FROM wrong WHERE {after_this} "
            f"ORDER BY {self._key}",
            values,
        )
        for page in pages:
            yield from self._failed(page)

    def _failed(self, wrong: pa.Table) -> Iterator[_Failed]:
        """What is told of some rows of the table `wrong`."""
        parts = self._typed(wrong.select(self.key_columns), self.shape.key)
        keys = row_keys.encode(parts, self.shape.key).to_pylist()
        told = wrong.select(["file", "lines", "count", "bad", "n"]).to_pylist()
        for key, row in zip(keys, told, strict=True):
            place = self._source.place(row["file"], row["lines"], row["count"])
            if row["count"] > 1:
                reason = f"{place} have the same key: it must be on one of them only"
                yield key, ItemFailure(key, "duplicate_key", reason), None
            else:
                reason = f"{place}: {self._misfit(row['bad'])}"
                yield key, ItemFailure(key, "bad_value", reason), row["n"]

    def _unkeyed(self) -> Iterator[_Failed]:
        for page in self.db.pages(
            "SELECT file, line, code, reason FROM faults ORDER BY file, line"
        ):
            for row in page.to_pylist():
                place = self._source.place(row["file"], [row["line"]])
                yield "", ItemFailure(place, row["code"], row["reason"]), None
        found = self.db.pages(
            f"SELECT file, line, bad, {self._key} FROM rows WHERE NOT ({self._keyed}) ORDER BY n"
        )
        for page in found:
            for row in page.to_pylist():
                place = self._source.place(row["file"], [row["line"]])
                yield "", ItemFailure(place, "no_key", self._keyless(row)), None

    def _keyless(self, row: dict[str, object]) -> str:
        """What is wrong with the first column of the key that is not as a key must be."""
        for name, place in zip(self.shape.key, self.key_columns, strict=True):
            if row[place] in (None, ""):
                mine = row["bad"] == int(place[1:])
                return self._misfit(int(place[1:])) if mine else f"the key column {name} is empty"
        return "its key holds a control character"

    def _misfit(self, place: int) -> str:
        column = self.shape.columns[place]
        return f"column {column.name} must hold {Kind(column.type, column.json)}, and does not"

    def why_not(self, lines: Sequence[int]) -> str:
        """Why rows that stand there, or some of them, cannot be told or written."""
        place = self._source.place(0, lines, len(lines))
        return f"{place}: this key is there more than once, or a cell does not fit its column"

    def misfits(self) -> dict[str, str]:
        """The columns that some cell does not fit, each with the first such place."""
        found = self.db.rows(
            "SELECT bad, min(file), min(line) FROM rows WHERE bad IS NOT NULL GROUP BY bad"
        )
        names = [column.name for column in self.shape.columns]
        return {names[bad]: self._source.place(file, [line]) for bad, file, line in found}

    def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage:
        """The good ones of these rows; one that is there and is not good is a failure, for it must
        not be taken for absent."""
        asked = keys.select(list(self.shape.key)).cast(self.schema(self.shape.key))
        asked = asked.rename_columns(self.key_columns)
        wrong = self.db.joined(
            f"SELECT {self._key}, file, lines, count, bad, n FROM wrong "
            f"SEMI JOIN asked USING ({self._key})",
            asked=asked,
        )
        rows = self.db.joined(
            f"SELECT {self.selected(columns)} FROM {self.good} SEMI JOIN asked USING ({self._key})",
            asked=asked,
        )
        page = self._page(self._typed(rows, columns), tuple(self._failed(wrong)))
        return replace(page, last=True)


class _Ahead:
    """Failures in the order of keys, taken up to a key."""

    def __init__(self, failures: Iterator[_Failed]) -> None:
        self._failures = failures
        self._next = next(failures, None)

    def until(self, key: str | None) -> Iterator[_Failed]:
        """Those up to this key; None: all that are left."""
        while self._next is not None and (key is None or self._next[0] <= key):
            yield self._next
            self._next = next(self._failures, None)


def _whole(column: str, kind: pa.DataType) -> str:
    """SQL of whether a column of the key holds what can be part of a key."""
    if kind != pa.string():
        return f"{column} IS NOT NULL"
    return f"coalesce({column} <> '' AND NOT regexp_matches({column}, '[\\x00\\x01]'), false)"
