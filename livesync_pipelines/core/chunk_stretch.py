"""Cuts one stretch of a text, too long for a chunk, and keeps whole what a reader wants whole."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from .chunk_cuts import (
    CODE,
    PROSE,
    RANK_BITS,
    Find,
    Sizes,
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

_LONG_TITLE = 500
"""Longer ones are cut like any other line."""


def stretch_pieces(text: str, low: int, high: int, lines: Outline, sizes: Sizes) -> Iterator[Piece]:
    """Tables that are too long by rows, and what is between them as prose.

    A few words in front of such a table stay with its first rows.
    """
    small: list[Span] = []
    for table in tables(text, low, high, lines.fences):
        if table.end - table.start <= sizes.max_chars:
            small.append((table.start, table.end))
            continue
        first, *rest = table_pieces(text, table, sizes)
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
    at the edges of those; and what is still too long wherever it must be, code between lines."""
    max_chars, min_chars = sizes
    # Nothing is cut closer to an end than this, so nothing there has to be looked at.
    near, far = max(low + 1, low + min_chars - 2), high - min_chars + 1
    titles, places = _titles(text, lines.headings, near, far)
    blocks = sorted([*_touching(lines.fences, near, far), *small_tables])
    kept = sorted([*blocks, *titles]) if titles else blocks
    bounds = [low, high]
    cut(text, bounds, _joined(_outside(kept, blank_lines), places), sizes)
    if too_long(text, bounds, max_chars):
        refine(text, bounds, [_outside(kept, find) for find in PROSE[1:]], sizes)
        fences = _touching(lines.fences, low, high)
        blocks = sorted([*fences, *small_tables])
        whole = [(start, end) for start, end in blocks if end - start <= max_chars]
        refine(text, bounds, [_edges(whole)], Sizes(max_chars, 1))
        _break_up(text, bounds, fences, sizes)
    return map(Piece, bounds[:-1], bounds[1:])


def _break_up(text: str, bounds: list[int], fences: list[Span], sizes: Sizes) -> None:
    for low, high in too_long(text, bounds, sizes.max_chars):
        inner = [low, high]
        refine(text, inner, CODE if _touching(fences, low, high) else PROSE, sizes)
        bounds += inner[1:-1]
    bounds.sort()
    force(text, bounds, sizes.max_chars)


def _titles(
    text: str, headings: list[Heading], near: int, far: int
) -> tuple[list[Span], list[int]]:
    """Headings with the blank lines below them, where no cut may be; and the places in front of
    them, the higher the better, but none between a heading and the next."""
    first = bisect_left(headings, (near,))
    if first:
        before = headings[first - 1].end
        first -= before >= near or text[before:near].isspace()
    spans, places, words = [], [], -1
    for heading in headings[first : bisect_left(headings, (far,))]:
        start, end, level, _ = heading
        if start >= near and start != words:
            places.append((7 - level) << RANK_BITS | place(text, start))
        words = _next_words(text, end)
        if end - start < _LONG_TITLE:
            spans.append((start, words))
    return spans, places


def _next_words(text: str, at: int) -> int:
    below = _TO_NEXT_WORDS.match(text, at)
    return below.end() if below else at


def _joined(find: Find, places: list[int]) -> Find:
    return (lambda text, low, high: find(text, low, high) + places) if places else find


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
            around.update((start, _next_words(text, end)))
        return [place(text, at) for at in around if low < at < high]

    return edges


def _touching(spans: list[Span], low: int, high: int) -> list[Span]:
    """Those that hold a part of the text from `low` to `high`."""
    first = bisect_left(spans, (low,))
    if first and spans[first - 1][1] > low:
        first -= 1
    return spans[first : bisect_left(spans, (high,))]
