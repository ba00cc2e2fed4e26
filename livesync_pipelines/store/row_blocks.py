"""The values of rows, a page at a time: Arrow tables that the ledger tells of and vouches for.

A block holds a line for each row that its page changed: `key`, `op`, `before` (the block that held
the row until then), and the values that both ends agreed on, each column as `=NAME`. Lines that are
too old to be kept leave their block (see `row_compaction`); a ledger entry `restated` then tells of
what is left of it. Where an end
shows something else than was agreed, because it normalises, that stands under `source:NAME` or
`target:NAME`, and where a field of the row was never agreed upon, `?NAME` is true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.model.errors import Broken
from livesync_pipelines.store.database import Connection

AGREED, MISSING = "=", "?"
SHOWN_BY = ("source:", "target:")
RESTATED = "restated"
"""The `op` of an entry that vouches for what is left of older blocks: their digests by number, null
for one of which nothing is."""
_AT_ONCE = 64
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")


def packed(table: pa.Table) -> bytes:
    """A table as bytes (an Arrow IPC stream)."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_PACKED) as writer:
        writer.write_table(table.combine_chunks())
    data: bytes = sink.getvalue().to_pybytes()
    return data


def unpacked(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()


def heads(data: bytes, names: Sequence[str]) -> pa.Table:
    """These columns of a block; no others are unpacked."""
    with pa.ipc.open_stream(data) as reader:
        chosen = sorted(reader.schema.get_field_index(name) for name in names)
    options = pa.ipc.IpcReadOptions(included_fields=chosen)
    with pa.ipc.open_stream(data, options=options) as reader:
        return reader.read_all()


def digest(data: bytes) -> bytes:
    """What the ledger says of a block."""
    return blake2b(data, digest_size=16).digest()


def put(
    connection: Connection,
    sync_id: str,
    block: int,
    lines: pa.Table,
    *,
    operation_id: UUID,
    now: datetime,
) -> bytes:
    """Store a block; returns its digest."""
    data = packed(lines)
    told = digest(data)
    connection.execute(
        "insert into livesync.row_blocks (sync_id, block, operation_id, at, line_count, digest,"
        " data) values (%s, %s, %s, %s, %s, %s, %b)",
        (sync_id, block, operation_id, now, len(lines), told, data),
    )
    return told


def renumber(connection: Connection, sync_id: str, block: int, new: int) -> bytes:
    """Give a block another number; returns its digest."""
    found = connection.execute(
        "update livesync.row_blocks set block = %s where sync_id = %s and block = %s"
        " returning digest",
        (new, sync_id, block),
    ).fetchone()
    assert found is not None
    return bytes(found[0])


def restate(connection: Connection, sync_id: str, block: int, left: pa.Table) -> bytes | None:
    """Keep only these lines of a block; returns its digest, None where nothing is left of it."""
    if not len(left):
        connection.execute(
            "delete from livesync.row_blocks where sync_id = %s and block = %s", (sync_id, block)
        )
        return None
    data = packed(left)
    told = digest(data)
    connection.execute(
        "update livesync.row_blocks set line_count = %s, digest = %s, data = %b"
        " where sync_id = %s and block = %s",
        (len(left), told, data, sync_id, block),
    )
    return told


def of(connection: Connection, sync_id: str, blocks: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The bytes of these blocks, a few at a time; one that is gone is left out."""
    wanted = sorted(set(blocks))
    for start in range(0, len(wanted), _AT_ONCE):
        yield from connection.execute(
            "select block, data from livesync.row_blocks where sync_id = %s and block = any(%s)"
            " order by block",
            (sync_id, wanted[start : start + _AT_ONCE]),
            binary=True,
        ).fetchall()


def agreed(connection: Connection, sync_id: str, held: pa.Table, schema: pa.Schema) -> pa.Table:
    """The agreed values of these rows (`key`, `block`), in their order: `schema` under the names
    that blocks have, with `source:NAME`, `target:NAME` and `?NAME` beside each."""
    return kept(connection, sync_id, held, schema)[0]


def kept(
    connection: Connection, sync_id: str, held: pa.Table, schema: pa.Schema
) -> tuple[pa.Table, pa.Array]:
    """As `agreed`, and by row whether its block still has it; all its values are null else."""
    full = _full(schema)
    if not len(held):
        return full.empty_table(), pa.array([], pa.bool_())
    pieces, keys = [full.empty_table()], [pa.array([], pa.string())]
    blocks = held["block"].combine_chunks()
    for block, data in of(connection, sync_id, pc.unique(blocks).to_pylist()):
        lines = unpacked(data)
        wanted = held["key"].combine_chunks().filter(pc.equal(blocks, block))
        found = lines.filter(pc.is_in(lines["key"], value_set=wanted))
        pieces.append(_filled(found, schema))
        keys.append(found["key"].combine_chunks())
    place = pc.index_in(held["key"].combine_chunks(), value_set=pa.concat_arrays(keys))
    return pa.concat_tables(pieces).combine_chunks().take(place), place.is_valid()


def _full(schema: pa.Schema) -> pa.Schema:
    columns = [(f"{mark}{f.name}", f.type) for mark in (AGREED, *SHOWN_BY) for f in schema]
    return pa.schema([*columns, *((f"{MISSING}{f.name}", pa.bool_()) for f in schema)])


def _filled(lines: pa.Table, schema: pa.Schema) -> pa.Table:
    """With a column for everything. What a block does not know, because the mapping was another
    then, was never agreed upon."""
    columns: dict[str, pa.Array] = {}
    for field in schema:
        name = f"{AGREED}{field.name}"
        known = _is_known(lines, field)
        value = lines[name] if known else pa.nulls(len(lines), field.type)
        columns[name] = value
        for end in SHOWN_BY:
            mine = f"{end}{field.name}"
            columns[mine] = lines[mine] if known and mine in lines.column_names else value
        missing = f"{MISSING}{field.name}"
        told = lines[missing] if known and missing in lines.column_names else None
        columns[missing] = pa.array([not known] * len(lines)) if told is None else told
    full = _full(schema)
    return pa.table({name: columns[name] for name in full.names}, schema=full)


def with_origins(lines: pa.Table, schema: pa.Schema) -> pa.Table:
    """Lines that say of each agreed value from which columns of the source it is, as `schema` does
    in the metadata of its fields."""
    told = {f"{AGREED}{field.name}": field.metadata for field in schema if field.metadata}
    fields = [f.with_metadata(told[f.name]) if f.name in told else f for f in lines.schema]
    return lines.cast(pa.schema(fields))


def _is_known(lines: pa.Table, field: pa.Field) -> bool:
    """Whether lines hold this very field: what came from other columns of the source was not agreed
    of these. (Where nobody says where it came from, it is taken for the same.)"""
    name = f"{AGREED}{field.name}"
    if name not in lines.column_names:
        return False
    held = lines.schema.field(name)
    alike = not held.metadata or not field.metadata or held.metadata == field.metadata
    return bool(alike and held.type == field.type)


def schema_of(lines: pa.Table) -> pa.Schema:
    """Of the agreed values that a block holds."""
    names = [name for name in lines.column_names if name.startswith(AGREED)]
    return pa.schema([(n.removeprefix(AGREED), lines.schema.field(n).type) for n in names])


def as_agreed(values: pa.Table, schema: pa.Schema) -> pa.Table:
    """Values that both ends show, in the form that `agreed` gives."""
    names = [f"{AGREED}{name}" for name in values.column_names]
    return _filled(values.rename_columns(names), schema)


def values(filled: pa.Table, schema: pa.Schema, mark: str = AGREED) -> pa.Table:
    """Of what `agreed` gives, the values under one mark, under their own names."""
    return pa.table({f.name: filled[f"{mark}{f.name}"] for f in schema})


_VOUCHED = f"""
with restated as (
    select distinct on (block) block::bigint, digest
    from livesync.ledger, jsonb_each_text(after -> 'blocks') told (block, digest)
    where sync_id = %(sync_id)s and op = '{RESTATED}' order by block, seq desc)
select l.seq, case when r.block is null then l.after ->> 'digest' else r.digest end, b.data
from livesync.ledger l left join restated r on r.block = l.seq
left join livesync.row_blocks b on b.sync_id = l.sync_id and b.block = l.seq
where l.sync_id = %(sync_id)s and l.op = 'rows'
and (%(blocks)s::bigint[] is null or l.seq = any(%(blocks)s::bigint[])) order by l.seq
"""


def first_altered(connection: Connection, sync_id: str) -> int | None:
    """The first ledger entry whose block is gone, or is not the one that the ledger tells of."""
    with connection.cursor("blocks_told") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_VOUCHED.encode(), {"sync_id": sync_id, "blocks": None})
        for seq, told, data in cursor:
            if _is_altered(told, data):
                return int(seq)
    return None


def sound(
    connection: Connection, sync_id: str, blocks: Sequence[int]
) -> Iterator[tuple[int, bytes]]:
    """As `of`. Raises `Broken` at one that is not as the ledger tells."""
    for start in range(0, len(blocks), _AT_ONCE):
        wanted = list(blocks[start : start + _AT_ONCE])
        asked = {"sync_id": sync_id, "blocks": wanted}
        for block, told, data in connection.execute(_VOUCHED.encode(), asked, binary=True):
            if _is_altered(told, data):
                raise Broken(
                    f"The values of the rows of entry {block} are not those that the ledger of "
                    f"sync '{sync_id}' tells of.",
                    hint="Somebody altered them in the database; compare it with a backup.",
                    where=f"sync {sync_id}, seq {block}",
                )
            if data is not None:
                yield block, data


def _is_altered(told: str | None, data: bytes | None) -> bool:
    return told != (None if data is None else digest(data).hex())


def numbers(connection: Connection, sync_id: str) -> list[int]:
    """The blocks that tell of the ends that the sync has now, oldest first."""
    found = connection.execute(
        "select block from livesync.row_blocks join livesync.syncs using (sync_id)"
        " where sync_id = %s and block > rows_since order by block",
        (sync_id,),
    )
    return [block for (block,) in found]
