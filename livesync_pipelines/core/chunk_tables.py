"""Pipe tables that are too long for one chunk: cut between rows, by the rows' keys."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

from .chunk_cuts import OFFSET_BITS, RANK_BITS, ROW, Sizes, force, refine
from .chunk_outline import Span

_SEPARATOR = re.compile(r"\n[ \t]*+(?=[|:-])[|: \t-]++(?=\n|\Z)")
_LINE_WITHOUT_BAR = re.compile(r"\n[^|\n]*+(?=\n|\Z)")
_ROW = re.compile(r"\n([ \t]*+\|?[^|\n]*+)")


class Table(NamedTuple):
    """Offsets: `start` of the header row, `body` of the first row below the separator, `end`."""

    start: int
    body: int
    end: int


class Piece(NamedTuple):
    """A chunk to be: `text[start:end]`, and the header to repeat in front of it."""

    start: int
    end: int
    header: str = ""


def tables(text: str, low: int, high: int, fences: list[Span]) -> list[Table]:
    """The pipe tables that begin within `low` and `high`, outside of `fences`.

    A table is a line with a bar, a separator line with a bar, and all lines with a bar below.
    """
    found: list[Table] = []
    if text.find("|", low, high) < 0:
        return found
    clear, fence = low, 0
    for match in _SEPARATOR.finditer(text, low, high):
        at = match.start()
        while fence < len(fences) and fences[fence][1] < at:
            fence += 1
        fenced = fence < len(fences) and fences[fence][0] < at
        if at < clear or fenced or "|" not in match[0] or "-" not in match[0]:
            continue
        start = text.rfind("\n", clear, at) + 1 or clear
        if text.find("|", start, at) < 0:
            continue
        last = _LINE_WITHOUT_BAR.search(text, match.end(), high)
        clear = last.start() if last else high
        found.append(Table(start, min(match.end() + 1, clear), clear))
    return found


def table_pieces(text: str, table: Table, sizes: Sizes) -> list[Piece]:
    """The table in pieces of whole rows, each but the first to repeat the header.

    A header of more than half a chunk is not repeated; a row that does not fit by itself is cut
    between cells, sentences, words.
    """
    header = text[table.start : table.body]
    if len(header) > sizes.max_chars // 2:
        header = ""
    body = table.body if header else table.start
    budget = sizes.max_chars - len(header)
    min_chars = max(1, min(sizes.min_chars, budget // 4))
    bounds = [body, table.end]
    refine(text, bounds, (_rows, *ROW), Sizes(budget, min_chars))
    force(text, bounds, budget)
    rest = [Piece(a, b, header) for a, b in pairwise(bounds[1:])]
    return [Piece(table.start, bounds[1]), *rest]


def _rows(text: str, low: int, high: int) -> list[int]:
    """Places at the starts of rows, ranked by the first cell; between equals, by the row."""
    rows = [(m.start() + 1, m[1]) for m in _ROW.finditer(text, low, high)]
    keys = [crc32(_stored(cell.strip())) for _, cell in rows]
    if len(set(keys)) == len(keys):
        return [key << RANK_BITS | at for key, (at, _) in zip(keys, rows, strict=True)]
    ends = [at for at, _ in rows[1:]] + [high]
    return [
        key << RANK_BITS | crc32(_stored(text[at:end])) << OFFSET_BITS | at
        for key, (at, _), end in zip(keys, rows, ends, strict=True)
    ]


def _stored(words: str) -> bytes:
    return words.encode("utf-8", "surrogatepass")
