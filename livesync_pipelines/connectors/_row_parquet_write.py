"""Parquet written again with other values in some rows: the schema of the file and what is in its
other columns stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from livesync_pipelines.connectors._row_judging import Judged
from livesync_pipelines.connectors._row_parquet import BATCH, open_parquet, told
from livesync_pipelines.connectors._row_stage import IS_JSON
from livesync_pipelines.connectors._row_types import Kind


class ParquetWriter:
    def made(self, kinds: Mapping[str, Kind], into: IO[bytes]) -> None:
        schema = pa.schema([_field(name, kind) for name, kind in kinds.items()])
        pq.write_table(schema.empty_table(), into)

    def rewritten(
        self, file: IO[bytes], judged: Judged, kinds: Mapping[str, Kind], into: IO[bytes]
    ) -> None:
        opened = open_parquet(file)
        schema = _typed(opened, _types(judged.changed) | _types(judged.added))
        for name, kind in kinds.items():
            if name not in schema.names:
                schema = schema.append(_field(name, kind))
        changed, added = _native(judged.changed, schema), _native(judged.added, schema)
        first = 1
        with pq.ParquetWriter(into, schema, compression=_compression(opened)) as writer:
            for batch in opened.iter_batches(BATCH):
                lines = pa.array(range(first, first + len(batch)), pa.int64())
                first += len(batch)
                table = _widened(pa.Table.from_batches([batch]), schema)
                writer.write_table(_edited(table, lines, changed, judged))
            writer.write_table(_widened(added, schema))

    def refused(self, rows: pa.Table, file: IO[bytes]) -> dict[int, str]:
        """Values that the types in the file do not hold, where those are narrower than ours."""
        schema, found = _typed(open_parquet(file), _types(rows)), dict[int, str]()
        for name in rows.column_names:
            if name not in schema.names:
                continue
            kind, column = schema.field(name).type, rows[name].combine_chunks()
            if not _holds(column, kind):
                why = f"column {name} is {kind} in the file, which cannot hold it"
                places = range(len(column))
                found |= {i: why for i in places if not _holds(column.slice(i, 1), kind)}
        return found

    def shown(self, rows: pa.Table, file: IO[bytes]) -> pa.Table:
        return told(_native(rows, _typed(open_parquet(file), _types(rows)))).cast(rows.schema)


def _typed(opened: pq.ParquetFile, types: Mapping[str, pa.DataType]) -> pa.Schema:
    """The schema of the file; a column that has no type, for nothing was ever in it, has one of
    these."""
    schema = opened.schema_arrow
    for place, field in enumerate(schema):
        if pa.types.is_null(field.type) and field.name in types:
            schema = schema.set(place, field.with_type(types[field.name]))
    return schema


def _types(rows: pa.Table) -> dict[str, pa.DataType]:
    return dict(zip(rows.column_names, rows.schema.types, strict=True))


def _holds(column: pa.Array, kind: pa.DataType) -> bool:
    try:
        column.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _native(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    fields = [schema.field(name) for name in rows.column_names]
    columns = [column.cast(f.type) for column, f in zip(rows.columns, fields, strict=True)]
    return pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in fields]))


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """With nulls in the columns that it lacks, and in those that had no type."""
    columns = [
        table[f.name].cast(f.type) if f.name in table.column_names else pa.nulls(len(table), f.type)
        for f in schema
    ]
    return pa.table(columns, schema=schema)


def _edited(table: pa.Table, lines: pa.Array, changed: pa.Table, judged: Judged) -> pa.Table:
    which = pc.index_in(lines, value_set=judged.lines)
    for name in changed.column_names:
        place = table.schema.get_field_index(name)
        old, fresh = _plain(table[name]), _plain(changed[name]).take(which)
        is_edited = pc.fill_null(judged.edited(name).take(which), False)
        column = pc.if_else(is_edited, fresh, old).cast(table.schema.field(place).type)
        table = table.set_column(place, table.schema.field(place), column)
    return table.filter(pc.invert(pc.is_in(lines, value_set=judged.removed)))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column


def _field(name: str, kind: Kind) -> pa.Field:
    return pa.field(name, kind.type, metadata=IS_JSON if kind.json else None)


def _compression(opened: pq.ParquetFile) -> str:
    groups = opened.metadata
    if not groups.num_row_groups or not groups.num_columns:
        return "SNAPPY"
    name: str = groups.row_group(0).column(0).compression
    return "NONE" if name == "UNCOMPRESSED" else name
