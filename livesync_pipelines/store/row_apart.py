"""Rows that both ends show differently, though nobody is asked: where an end normalises what is
written to it, the ends are left to differ, and that is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from livesync_pipelines.core.row_values import differs, plain
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import row_base, row_blocks
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.row_names import RowNames

_APART = (
    " from livesync.row_base b where (%(s)s::text is null or b.sync_id = %(s)s)"
    " and b.source_mark is distinct from b.target_mark and not exists (select from"
    " livesync.conflicts c where c.sync_id = b.sync_id and c.key = b.key"
    " and c.state <> 'settled') and not exists (select from livesync.bad_cells x"
    " where x.sync_id = b.sync_id and x.key = b.key)"
)


class Apart(NamedTuple):
    """How many rows an end lacks (`alone`), and how many both have and show differently
    (`normalised`); not those of which an open conflict or a cell that does not fit tells."""

    alone: int
    normalised: int


def counts(connection: Connection, sync_id: str | None = None) -> dict[str, Apart]:
    """By sync, of one or of all; a sync without such rows is left out."""
    found = connection.execute(
        "select b.sync_id, count(*) filter (where b.source_mark is null or b.target_mark is null),"
        f" count(*) filter (where b.source_mark <> b.target_mark){_APART} group by 1".encode(),
        {"s": sync_id},
    )
    return {name: Apart(alone, normalised) for name, alone, normalised in found}


def left_out(connection: Connection, sync_id: str) -> tuple[int, int]:
    """How many rows of a sync wait for they cannot be read or written, and how many cells of others
    are kept apart for they do not fit."""
    found = connection.execute(
        "select (select count(*) from livesync.item_failures where sync_id = %(s)s),"
        " (select count(*) from livesync.bad_cells where sync_id = %(s)s)",
        {"s": sync_id},
    ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def named(connection: Connection, sync_id: str, *, limit: int) -> list[dict[str, Any]]:
    """The first rows that both ends show differently, as people write their keys, each field as
    `of_row` tells it."""
    query = f"select b.key{_APART} and b.source_mark <> b.target_mark order by b.key limit %(n)s"
    found = connection.execute(query.encode(), {"s": sync_id, "n": limit}).fetchall()
    names = RowNames(connection)
    return [
        {"key": names.shown(sync_id, key), **field}
        for (key,) in found
        for field in of_row(connection, sync_id, key)
    ]


def of_row(connection: Connection, sync_id: str, key: str) -> Iterator[dict[str, Any]]:
    """Fields of a row of which an end shows something else than was agreed: `field`, what was
    `agreed`, what `source` and `target` show, and which of them `normalises` (both may)."""
    held = row_base.by_key(connection, sync_id, [key])
    if not len(held):
        return
    ((_, data),) = row_blocks.of(connection, sync_id, held["block"].to_pylist())
    schema = row_blocks.schema_of(row_blocks.unpacked(data))
    row = row_blocks.agreed(connection, sync_id, held, schema)
    for name in schema.names:
        agreed = row[f"{row_blocks.AGREED}{name}"]
        shown = {side: row[f"{side}:{name}"] for side in Side}
        normalises = [str(side) for side in Side if _differ(shown[side], agreed)]
        if normalises and _differ(shown[Side.SOURCE], shown[Side.TARGET]):
            told = {str(side): plain(column)[0] for side, column in shown.items()}
            yield {
                "field": name,
                "agreed": plain(agreed)[0],
                **told,
                "normalises": normalises,
            }


def _differ(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    return bool(differs(one, other)[0].as_py())
