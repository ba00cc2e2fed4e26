"""Cuts one stretch of a text, too long for a chunk, and keeps whole what a reader wants whole."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from .chunk_cuts import (
    CODE,
    PROSE,
    RANK_BITS,
    Find,
    blank_lines,
    cut,
    force,
    place,
    refine,
    too_long,
)
from .chunk_outline import Heading, Outline, Span
from .chunk_tables import Piece, table_pieces, tables

_TO_NEXT_WORDS = re.compile(r"(?:[ \t]*+\n)*+")
"""From the end of a line over the blank lines below it."""


class Sizes(NamedTuple):
    """In characters."""

    max_chars: int
    min_chars: int


def stretch_pieces(text: str, low: int, high: int, lines: Outline, sizes: Sizes) -> Iterator[Piece]:
    """Tables that are too long by rows, and what is between them as prose.

    A few words in front of such a table stay with its first rows.
    """
    small: list[Span] = []
    for table in tables(text, low, high, lines.fences):
        if table.end - table.start <= sizes.max_chars:
            small.append((table.start, table.end))
            continue
        first, *rest = table_pieces(text, table, *sizes)
        if first.end - low <= sizes.max_chars and table.start - low < sizes.min_chars:
            first = Piece(low, first.end)
        elif low < table.start:
            yield from _prose_pieces(text, low, table.start, lines, small, sizes)
        yield first
        yield from rest
        low, small = table.end, []
    if low < high:
        yield from _prose_pieces(text, low, high, lines, small, sizes)


def _prose_pieces(
    text: str, low: int, high: int, lines: Outline, small_tables: list[Span], sizes: Sizes
) -> Iterator[Piece]:
    """Between blocks, first at headings; then within blocks, but not in fences and tables; then
    at the edges of those; and what is still too long wherever it must be, in fences between lines."""
    headings, fences = lines.headings, lines.fences
    headings = headings[bisect_left(headings, (low,)) : bisect_left(headings, (high,))]
    fences = fences[bisect_left(fences, (low,)) : bisect_left(fences, (high,))]
    blocks = sorted([*fences, *small_tables]) if small_tables else fences
    titles = [_with_blank_lines(text, h) for h in headings if h.end - h.start < sizes.min_chars]
    kept = sorted([*blocks, *titles]) if titles and blocks else titles or blocks
    bounds = [low, high]
    places = _outside(kept, blank_lines)(text, low, high) + _headings(text, low, headings, titles)
    cut(text, bounds, places, max_chars=sizes.max_chars, gap=sizes.min_chars)
    if too_long(text, bounds, sizes.max_chars):
        finer = [_outside(kept, find) for find in PROSE[1:]]
        refine(text, bounds, finer, max_chars=sizes.max_chars, gap=sizes.min_chars)
        whole = [(start, end) for start, end in blocks if end - start <= sizes.max_chars]
        refine(text, bounds, [_edges(whole)], max_chars=sizes.max_chars, gap=1)
        _break_up(text, bounds, fences, sizes)
    return map(Piece, bounds[:-1], bounds[1:])


def _break_up(text: str, bounds: list[int], fences: list[Span], sizes: Sizes) -> None:
    for low, high in too_long(text, bounds, sizes.max_chars):
        inner = [low, high]
        finds = CODE if _touching(fences, low, high) else PROSE
        refine(text, inner, finds, max_chars=sizes.max_chars, gap=sizes.min_chars)
        bounds.extend(inner[1:-1])
    bounds.sort()
    force(text, bounds, sizes.max_chars)


def _headings(text: str, low: int, headings: list[Heading], titles: list[Span]) -> list[int]:
    """Places before headings, the higher the better; none between a heading and the next."""
    below = {end for _, end in titles}
    return [
        (7 - h.level) << RANK_BITS | place(text, h.start)
        for h in headings
        if h.start > low and h.start not in below
    ]


def _with_blank_lines(text: str, heading: Heading) -> Span:
    below = _TO_NEXT_WORDS.match(text, heading.end)
    return heading.start, below.end() if below else heading.end


def _outside(kept: list[Span], find: Find) -> Find:
    """The same, but with no place inside of `kept`."""
    if not kept:
        return find

    def outside(text: str, low: int, high: int) -> list[int]:
        found: list[int] = []
        at = low
        for start, end in _touching(kept, low, high):
            if start > at:
                found += find(text, at, start)
            at = max(at, end)
        return found + find(text, at, high) if at < high else found

    return outside


def _edges(blocks: list[Span]) -> Find:
    """Places before and after each block."""

    def edges(text: str, low: int, high: int) -> list[int]:
        around: set[int] = set()
        for start, end in _touching(blocks, low, high):
            below = _TO_NEXT_WORDS.match(text, end)
            around.update((start, below.end() if below else end))
        return [place(text, at) for at in around if low < at < high]

    return edges


def _touching(spans: list[Span], low: int, high: int) -> list[Span]:
    """Those that hold a part of the text from `low` to `high`."""
    first = bisect_left(spans, (low,))
    if first and spans[first - 1][1] > low:
        first -= 1
    return spans[first : bisect_left(spans, (high,))]
