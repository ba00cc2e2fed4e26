"""Old versions of rows leave their blocks, in small transactions.

What a line of a block says is superseded by the next line of its row, in a newer block. The older
line goes once the newer one is older than is kept, for until then it is what a change that is kept
began from; and so does the line that tells that a row is gone, with all that is older of the row.
So the newest line of a living row never goes, and a rebuild from what is left finds every row where
it is. A block keeps its number and its lines their order; the entry `restated` vouches for what is
left of it, and the entry of the page itself stays as it is. Blocks are gone through from the oldest
on: a row that is gone never stands in an older block than the one that tells so.

Before a piece is committed, it is asked whether any living row stood in what went, and whether a
rebuild would now find another state than there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.model.errors import Broken
from livesync_pipelines.store import compaction, row_blocks, row_rebuild
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.row_commit import FORGOTTEN, are_gone

PIECE = 200
"""How many blocks one transaction takes at most."""
PIECE_LINES = 200_000
"""And how many lines they have together, unless one alone has more."""
WHOLE = 50_000
"""Where all blocks of a sync have no more lines, the whole of it is rebuilt to see that it holds;
else the rows that are gone for good."""

_OLD = f"""
with waiting as (
    select b.block, b.line_count, l.at, b.block <= s.rows_since as is_elsewhere,
        l.after ?| array['removed', '{FORGOTTEN}'] as is_restorable
    from livesync.row_blocks b join livesync.syncs s on s.sync_id = b.sync_id
    join livesync.ledger l on l.sync_id = b.sync_id and l.seq = b.block
    where b.sync_id = %(sync_id)s and not b.cleaned)
select block, line_count, is_elsewhere from waiting
where at < %(before)s and (not is_restorable or block < coalesce(
    (select min(block) from waiting where at >= %(gone_before)s), {2**63 - 1}))
order by block limit {PIECE}
"""

_LIVING = """
select b.key, b.block from livesync.row_base b
join unnest(%s::text[], %s::bigint[]) went (key, block) on b.key = went.key
and b.block = went.block where b.sync_id = %s order by b.key limit 1
"""

_WENT = pa.schema([("key", pa.string()), ("block", pa.int64()), ("is_gone", pa.bool_())])


@dataclass(slots=True)
class Cut:
    """How many `blocks` were gone through, and how many `lines` of these and older ones went.
    `is_busy`: an operation of the sync is in flight; what is left goes the next time."""

    blocks: int = 0
    lines: int = 0
    is_busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Old:
    """What is to go: keys of rows by the block that has them; `blocks`: what has then been gone
    through."""

    dead: pa.Table
    blocks: Sequence[int]
    before: datetime
    now: datetime


def cut(
    connection: Connection, sync_id: str, *, before: datetime, gone_before: datetime, now: datetime
) -> Cut:
    """Go through the next blocks older than `before`, those in which rows went through those older
    than `gone_before`; what they have superseded leaves the older ones. Nothing is left to do when
    the answer names no blocks.

    It is looked for without holding up anybody; the fence moves as in `compaction.cut`. Raises
    `Broken`, and keeps the piece, when a block is not the one that the ledger tells of, or a
    rebuild would find another state than there is.
    """
    ages = {"sync_id": sync_id, "before": before, "gone_before": gone_before}
    found = _fitting(connection.execute(_OLD.encode(), ages).fetchall())
    if not found:
        return Cut()
    blocks = [block for block, _, _ in found]
    elsewhere = [block for block, _, is_elsewhere in found if is_elsewhere]
    dead = _dead(connection, sync_id, blocks, elsewhere)
    old = _Old(dead=dead, blocks=blocks, before=before, now=now)
    done = Cut()
    for piece in _pieces(connection, sync_id, sorted({*blocks, *dead["block"].to_pylist()})):
        with connection.transaction():
            if not compaction.take(connection, sync_id):
                done.is_busy = True
                return done
            done.lines += _cut(connection, sync_id, piece, old)
    done.blocks = len(blocks)
    return done


def _fitting(found: Sequence[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    """The first of these blocks that have no more than so many lines together."""
    taken, lines = list[tuple[int, int, bool]](), 0
    for each in found:
        lines += each[1]
        if taken and lines > PIECE_LINES:
            break
        taken.append(each)
    return taken


def _dead(
    connection: Connection, sync_id: str, blocks: Sequence[int], elsewhere: Sequence[int]
) -> pa.Table:
    """What these blocks have superseded (`key`, `block`), themselves the rows that are gone. Of
    those that tell of other ends than the sync has now, all."""
    pieces = [_WENT.empty_table()]
    for block, data in row_blocks.sound(connection, sync_id, blocks):
        lines = row_blocks.heads(data, ("key", "op", "before"))
        known = lines.filter(pc.is_valid(lines["before"]))
        gone = lines if block in elsewhere else lines.filter(are_gone(lines))
        pieces.append(_went(known["key"], known["before"], are_gone(known)))
        pieces.append(_went(gone["key"], _number(block, len(gone)), are_gone(gone)))
    return pa.concat_tables(pieces)


def _number(block: int, count: int) -> pa.Array:
    return pa.nulls(count, pa.int64()).fill_null(block)


def _went(keys: pa.Array, blocks: pa.Array, are_gone: pa.Array) -> pa.Table:
    return pa.table([keys, blocks, are_gone], schema=_WENT)


def _pieces(connection: Connection, sync_id: str, blocks: Sequence[int]) -> Iterator[list[int]]:
    """These blocks, as many at a time as one transaction takes; also those that are not there."""
    found = connection.execute(
        "select block, line_count from livesync.row_blocks where sync_id = %s and block = any(%s)",
        (sync_id, list(blocks)),
    )
    sizes: dict[int, int] = dict(found.fetchall())
    piece, lines = list[int](), 0
    for block in blocks:
        lines += sizes.get(block, 0)
        if piece and (len(piece) == PIECE or lines > PIECE_LINES):
            yield piece
            piece, lines = [], sizes.get(block, 0)
        piece.append(block)
    yield piece


@dataclass(slots=True)
class _Piece:
    """What one transaction has taken: lines, and by block the digest of what is left of it."""

    went: list[pa.Table] = field(default_factory=list)
    digests: dict[str, str | None] = field(default_factory=dict)


def _cut(connection: Connection, sync_id: str, blocks: Sequence[int], old: _Old) -> int:
    """Take what is to go of these blocks, in the caller's transaction; returns how many lines."""
    piece = _Piece()
    for block, data in row_blocks.sound(connection, sync_id, blocks):
        _take_lines(connection, sync_id, block, data, old, piece)
    connection.execute(
        "update livesync.row_blocks set cleaned = true where sync_id = %s and block = any(%s)",
        (sync_id, sorted({*blocks} & {*old.blocks})),
    )
    if not piece.digests:
        return 0
    went = pa.concat_tables(piece.went)
    _refuse_loss(connection, sync_id, went)
    told = {
        "blocks": piece.digests,
        "lines": len(went),
        "older_than": compaction.spelled(old.before),
    }
    compaction.append(connection, sync_id, row_blocks.RESTATED, told, old.now)
    return len(went)


def _take_lines(
    connection: Connection, sync_id: str, block: int, data: bytes, old: _Old, piece: _Piece
) -> None:
    keys = old.dead["key"].filter(pc.equal(old.dead["block"], block))
    if not len(keys):
        return
    lines = row_blocks.unpacked(data)
    goes = pc.is_in(lines["key"], value_set=keys)
    dead = lines.filter(goes)
    if not len(dead):  # another cleaning was quicker
        return
    left = row_blocks.restate(connection, sync_id, block, lines.filter(pc.invert(goes)))
    piece.digests[str(block)] = left.hex() if left else None
    piece.went.append(_went(dead["key"], _number(block, len(dead)), are_gone(dead)))


def _refuse_loss(connection: Connection, sync_id: str, went: pa.Table) -> None:
    """Raises `Broken` where a rebuild from what is left would not find the state that there is."""
    keys, blocks = went["key"].to_pylist(), went["block"].to_pylist()
    for key, block in connection.execute(_LIVING.encode(), (keys, blocks, sync_id)):
        raise _loss(sync_id, f"Row {key} stands in entry {block}", f"seq {block}")
    lines = connection.execute(
        "select coalesce(sum(line_count), 0) from livesync.row_blocks where sync_id = %s",
        (sync_id,),
    ).fetchone()
    is_small = lines is not None and lines[0] <= WHOLE
    gone = None if is_small else went["key"].filter(went["is_gone"]).to_pylist()
    apart = row_rebuild.apart(connection, sync_id, gone) if is_small or gone else []
    if apart:
        raise _loss(sync_id, f"A rebuild would find row {apart[0]} otherwise", f"row {apart[0]}")


def _loss(sync_id: str, reason: str, where: str) -> Broken:
    return Broken(
        f"Old versions of rows of sync '{sync_id}' are kept: without them the state would be "
        f"lost. {reason}.",
        hint=f"Compare it with its ledger: `livesync ledger rebuild {sync_id} --check`.",
        where=f"sync {sync_id}, {where}",
    )
