"""Databases of Notion as tables of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from pydantic import Field as Said

from livesync_pipelines.connectors._notion_api import Json, NotionApi
from livesync_pipelines.connectors._notion_options import NotionConnection, NotionId
from livesync_pipelines.connectors._notion_pages import whole
from livesync_pipelines.connectors._notion_table import (
    OWN,
    PAGE_ID,
    Field,
    Loaded,
    fields_of,
    loaded,
)
from livesync_pipelines.connectors._notion_write import RowWriter, otherwise
from livesync_pipelines.connectors._row_judging import judge
from livesync_pipelines.connectors._row_types import Kind, kind_in
from livesync_pipelines.connectors.base import FetchLimits, Options
from livesync_pipelines.connectors.notion import SPEC, account_of
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.model.errors import BadInput, NotFound, Unavailable
from livesync_pipelines.model.rows import Column, RowPage, RowReceipt, RowWrites, Shape
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.net.verdict import Gone

_WIDTH = 3
_BY_ID = 100
"""So many rows are asked for one by one; for more of them the whole database is asked."""


class NotionRowsSelection(Options):
    """`database`: the id or the address of a database, or of one of its data sources. `key`: the
    properties that tell rows apart, where it is not the page's own id (`page_id`), which Notion
    gives itself: a row that comes from elsewhere needs another one."""

    database: NotionId
    key: list[str] = Said(default=[PAGE_ID], min_length=1)


class NotionRows(RowEnd):
    """One data source, read as a whole. A date has the type that all dates of its property have
    (days, times, or texts where they are mixed or have ends), and so have formulas and rollups.
    What was days or times stays so: a date of another form fails its row."""

    spec = SPEC
    Connection = NotionConnection
    Selection = NotionRowsSelection

    def __init__(
        self, connection: NotionConnection, selection: NotionRowsSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._said = selection
        self._api = NotionApi(account_of(connection, limits), limits)
        self._before: dict[str, Kind] = {}
        self._held: dict[str, Kind] = {}
        self._fresh: Loaded | None = None
        self._told: Shape | None = None

    def close(self) -> None:
        self._fresh = None
        self._api.close()

    def remember(self, before: Shape) -> None:
        self._before = {column.name: kind_in(column) for column in before.columns}

    def hold(self, written: Shape) -> None:
        self._held = {column.name: kind_in(column) for column in written.columns}

    def shape(self) -> Shape | None:
        source = self._source()
        self._fresh = self._loaded(source, self._all(source)) if source else None
        self._told = self._fresh.rows.shape if self._fresh else None
        if self._told is not None:
            self.remember(self._told)
        return self._told

    def scan(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
        """What `shape` has just seen is shown once, and then asked for again."""
        now, self._fresh = self._fresh or self._again(), None
        yield from now.rows.pages(columns, after)

    def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage:
        return self._now(keys).rows.read(columns, keys)

    def prepare(self, wanted: Shape) -> Sequence[str]:
        """Properties that are lacking are made; a database that is not there is not."""
        source = self._present()
        held = {one.name: one for one in fields_of(source)}
        self._check_holds(held, wanted)
        new = [one for one in wanted.columns if one.name not in held and one.name not in OWN]
        if new:
            RowWriter(self._api, source, ()).add_columns(new)
        self._held |= {one.name: kind_in(one) for one in wanted.columns}
        self._fresh, self._told = None, None
        return [f"added the property {one.name} to {self._where}" for one in new]

    def write(self, writes: RowWrites) -> RowReceipt:
        """Row by row, for Notion has no transactions."""
        source, upserts, key = self._present(), writes.upserts, self._said.key
        keys = [writes.upserts.select(key), writes.deletes.select(key)]
        now = self._now(pa.concat_tables(keys, promote_options="default"))
        judged = judge(now.rows, writes)
        done = RowWriter(self._api, source, fields_of(source)).carry_out(judged, now, key)
        shown = self._loaded(source, iter(whole(self._api, page) for page in done.pages)).rows
        pages = [page.rows for page in shown.pages(upserts.column_names, None)]
        stored = otherwise(pa.concat_tables(pages), upserts, key)
        moved = judged.changed.select(key).take(pa.array(done.moved, pa.int64()))
        return RowReceipt(
            stored=stored.cast(upserts.schema),
            moved=pa.concat_tables([judged.moved, moved], promote_options="default"),
            failures=(*judged.failures, *done.failures),
        )

    def _check_holds(self, held: Mapping[str, Field], wanted: Shape) -> None:
        for column in wanted.columns:
            field = held.get(column.name)
            kind = field.kind if field else OWN.get(column.name)
            if kind is not None and not _fits(kind, column):
                raise BadInput(
                    f"the property {column.name} of {self._where} holds {kind}, and "
                    f"{kind_in(column)} is to be written",
                    hint="Mend the mapping; no property is ever changed or dropped.",
                    where=self._where,
                )

    @property
    def _where(self) -> str:
        return f"database {self._said.database}"

    def _now(self, keys: pa.Table) -> Loaded:
        """The rows with these keys, and maybe others, as they are now."""
        if self._said.key != [PAGE_ID] or len(keys) > _BY_ID:
            return self._again()
        source = self._present()
        found = fan_out(self._page, keys[PAGE_ID].to_pylist(), width=_WIDTH)
        there = (page for page in found if page is not None and _is_row(page, source))
        return self._loaded(source, there)

    def _again(self) -> Loaded:
        source = self._present()
        now = self._loaded(source, self._all(source))
        if self._told is not None and self._told != now.rows.shape:
            raise Unavailable(f"the columns of {self._where} have changed meanwhile")
        return now

    def _loaded(self, source: Json, pages: Iterator[Json]) -> Loaded:
        """What was written decides only where a property does not say what it holds."""
        fields = fields_of(source)
        is_open = {one.name for one in fields if one.is_open}
        declared = {name: kind for name, kind in self._held.items() if name in is_open}
        return loaded(pages, fields, self._said.key, declared=declared, before=self._before)

    def _all(self, source: Json) -> Iterator[Json]:
        for rows in self._api.rows(source["id"]):
            for page in rows:
                yield whole(self._api, page)

    def _page(self, page_id: str) -> Json | None:
        try:
            page = self._api.page(page_id)
        except Gone:
            return None
        return None if page["in_trash"] else whole(self._api, page)

    def _present(self) -> Json:
        """A database that is not there is an error, and no table without rows."""
        source = self._source()
        if source is None:
            raise NotFound(
                f"Notion shows the connection no {self._where}.",
                hint="Share it with the connection (the database's menu, Connections), or mend "
                "`database`. No row was taken for deleted.",
                where=self._where,
            )
        return source

    def _source(self) -> Json | None:
        """None where there is none, or it is in the trash. Raises `BadInput` for a database of
        several data sources."""
        try:
            found = self._api.database(self._said.database)
        except Gone:
            return self._named(self._said.database)
        if found["in_trash"]:
            return None
        sources = found["data_sources"]
        if len(sources) != 1:
            told = ", ".join(f"{one['id']} ({one['name']})" for one in sources)
            raise BadInput(
                f"The {self._where} has {len(sources)} data sources.",
                hint=f"Name one of them as `database`: {told}.",
                where=self._where,
            )
        return self._named(sources[0]["id"])

    def _named(self, source_id: str) -> Json | None:
        try:
            found = self._api.data_source(source_id)
        except Gone:
            return None
        return None if found["in_trash"] else found


def _fits(kind: Kind, column: Column) -> bool:
    """A number of Notion's may be a whole one."""
    whole_number = kind.type == pa.float64() and column.type == pa.int64()
    return whole_number or kind == Kind(column.type, column.json)


def _is_row(page: Json, source: Json) -> bool:
    return bool(page["parent"].get("data_source_id") == source["id"])
