"""Rows on their way to and from a database: what can be said of them without asking it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.connectors.rows import PAGE_ROWS, SHOWN
from livesync_pipelines.core.canon import canonical, keeps_numbers
from livesync_pipelines.core.row_keys import encode
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.rows import Partial, RowPage, Unfit

Refusal = tuple[str, str]
"""The code and the reason of an `ItemFailure`."""

NO_KEY: Refusal = ("no_key", "its key is empty or holds a control character")
TWICE: Refusal = ("same_key", "more than one row has this key")


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as they were read, ascending by key, and by their place those that are not usable, or
    of which cells are not (these are null)."""

    rows: pa.Table
    refused: Mapping[int, Refusal] = field(default_factory=dict)
    unfit: Mapping[int, tuple[Unfit, ...]] = field(default_factory=dict)

    @property
    def unusable(self) -> set[int]:
        return {*self.refused, *self.unfit}


def canonical_json(text: str | bytes) -> str | None:
    """None for what is no JSON, or holds a number that a JSON number of ours cannot."""
    raw = text.encode() if isinstance(text, str) else text
    try:
        value = orjson.loads(raw)
        return canonical(value).decode() if keeps_numbers(raw) else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def canonical_column(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """JSON as canonical JSON, and which of the texts could not be (they are null)."""
    told = [None if text is None else canonical_json(text) for text in texts.to_pylist()]
    column = pa.array(told, pa.string())
    return column, pc.and_(pc.is_null(column), pc.is_valid(texts))


def pages(
    batches: Iterable[Batch], schema: pa.Schema, key: Sequence[str], *, unique: bool
) -> Iterator[RowPage]:
    """The pages of a scan. `unique`: the table itself sees to it that no two rows share a key."""
    held = RowPage(rows=schema.empty_table())
    for batch in batches if unique else _singled(batches, key):
        for start in range(0, len(batch.rows), PAGE_ROWS):
            if len(held.rows) or held.failures:
                yield held
            held = _page(batch, start, schema, key)
    yield replace(held, last=True)


def page_of(batch: Batch, key: Sequence[str]) -> RowPage:
    """Rows that were asked for by key."""
    return replace(_page(batch, 0, batch.rows.schema, key, count=len(batch.rows)), last=True)


def _page(
    batch: Batch, start: int, schema: pa.Schema, key: Sequence[str], count: int = PAGE_ROWS
) -> RowPage:
    rows = batch.rows.slice(start, count)
    refused = {
        place - start: why
        for place, why in batch.refused.items()
        if start <= place < start + len(rows)
    }
    unfit = {
        place - start: cells
        for place, cells in batch.unfit.items()
        if start <= place < start + len(rows)
    }
    keyless = {
        **dict.fromkeys(places(without_key(rows, key)), NO_KEY),
        **{p: _why(cell) for p, cells in unfit.items() for cell in cells if cell.column in key},
    }
    refused = {**keyless, **refused}
    unfit = {place: cells for place, cells in unfit.items() if place not in refused}
    refused |= {place: _why(cells[0]) for place, cells in unfit.items()}
    kept = rows if not refused else rows.filter(_others(len(rows), refused))
    return RowPage(
        rows=kept.select(schema.names),
        failures=failures(rows, key, refused),
        partial=_partial(rows.select(schema.names), unfit) if unfit else None,
    )


def _why(cell: Unfit) -> Refusal:
    return "unreadable", f"{cell.column} {cell.reason}"


def _partial(rows: pa.Table, unfit: Mapping[int, tuple[Unfit, ...]]) -> Partial:
    order = sorted(unfit)
    return Partial(
        rows=rows.take(pa.array(order, pa.int64())), unfit=tuple(unfit[place] for place in order)
    )


def together(pieces: Sequence[Partial]) -> Partial | None:
    """One after the other; None where there is none."""
    if not pieces:
        return None
    unfit = tuple(cells for piece in pieces for cells in piece.unfit)
    return Partial(rows=pa.concat_tables([piece.rows for piece in pieces]), unfit=unfit)


def _others(count: int, refused: Iterable[int]) -> pa.Array:
    """A mask of all rows but these."""
    gone = pa.array(sorted(refused), pa.int64())
    return pc.invert(pc.is_in(pa.array(range(count), pa.int64()), gone))


def _singled(batches: Iterable[Batch], key: Sequence[str]) -> Iterator[Batch]:
    """Batches in which rows that share a key are refused, also over the border of two."""
    held: Batch | None = None
    for batch in batches:
        if not len(batch.rows):
            continue
        refused = dict.fromkeys(_shared(batch.rows, key), TWICE)
        if held is not None:
            border = [held.rows.slice(len(held.rows) - 1), batch.rows.slice(0, 1)]
            if _shared(pa.concat_tables(border), key):
                refused[0] = TWICE
                held = replace(held, refused={len(held.rows) - 1: TWICE, **held.refused})
            yield held
        held = replace(batch, refused={**refused, **batch.refused})
    if held is not None:
        yield held


def _shared(rows: pa.Table, key: Sequence[str]) -> set[int]:
    """The places of neighbours with the same key."""
    same = pa.array([True] * (len(rows) - 1), pa.bool_())
    for name in key:
        column = rows[name].combine_chunks()
        same = pc.and_(same, pc.fill_null(pc.equal(column[1:], column[:-1]), False))
    return {place + step for place in places(same) for step in (0, 1)}


def without_key(rows: pa.Table, key: Sequence[str]) -> pa.Array:
    """A mask of the rows whose key no `core.row_keys` can tell."""
    mask = pa.array([False] * len(rows), pa.bool_())
    for name in key:
        column = rows[name].combine_chunks()
        bad = pc.is_null(column)
        if column.type == pa.string():
            marks = pc.fill_null(pc.match_substring_regex(column, "[\x00\x01]"), False)
            bad = pc.or_(bad, marks)
        mask = pc.or_(mask, bad)
    return mask


def places(mask: pa.Array) -> list[int]:
    """Where a mask is true."""
    found: list[int] = pc.indices_nonzero(mask).to_pylist()
    return found


def failures(
    rows: pa.Table, key: Sequence[str], refused: Mapping[int, Refusal]
) -> tuple[ItemFailure, ...]:
    """The refused rows: by their encoded key, or by what stands in the key columns."""
    if not refused:
        return ()
    order = sorted(refused)
    picked = rows.select(list(key)).take(pa.array(order, pa.int64()))
    encoded = encode(picked, key).to_pylist()
    return tuple(
        ItemFailure(told if told is not None else _spelled(picked, i, key), *refused[place])
        for i, (place, told) in enumerate(zip(order, encoded, strict=True))
    )


def _spelled(rows: pa.Table, place: int, key: Sequence[str]) -> str:
    said = (f"{name}={rows[name][place].as_py()!r}" for name in key)
    return ", ".join(said)[:SHOWN]
