"""Where a text that is too long is cut: at the places whose own words rank highest.

Every place where a cut is possible has a priority made of its kind and a hash of the words around
it, never of its position. Places are taken in order of priority; one is cut if the piece that it
lies in is still too long and neither half becomes too small. That is what recursive halving at
the best place would do, so an edit changes the pieces around it and leaves the rest as they were.

A place is one integer, to be sorted fast: rank, hash (32 bits), offset (40 bits).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Find = Callable[[str, int, int], list[int]]
"""(text, from, to) to the places after the first, up to the second."""


class Sizes(NamedTuple):
    """In characters."""

    max_chars: int
    min_chars: int


OFFSET_BITS = 40
RANK_BITS = 72
_OFFSET = (1 << OFFSET_BITS) - 1

_BEFORE, _AFTER = 32, 96
"""Characters on either side of a place that decide its priority."""


def place(text: str, at: int) -> int:
    """The place `at`, ranked by the words around it."""
    words = text[at - _BEFORE if at > _BEFORE else 0 : at + _AFTER]
    return crc32(words.encode("utf-8", "surrogatepass")) << OFFSET_BITS | at


def cut(text: str, bounds: list[int], find: Find, sizes: Sizes) -> None:
    """Add cuts to `bounds`, the two ends of a piece, until no part is longer than `max_chars` or
    no place is left. No part gets shorter than `min_chars`; where there is much to cut, both
    sides of a cut stay above half of `max_chars`, as long as that can be had."""
    max_chars, min_chars = sizes
    low, high = bounds
    # A match that is broken off at the window's end ends a character too far to be taken.
    window = max(low, low + min_chars - 2), high - min_chars + 1
    order = sorted(find(text, *window), reverse=True)
    over = 1
    for wide in (max_chars // 2, 0):
        for ranked in order:
            at = ranked & _OFFSET
            index = bisect_left(bounds, at)
            low, high = bounds[index - 1], bounds[index]
            before, after = at - low, high - at
            length = before + after
            if length <= max_chars:
                continue
            room = max(min_chars, min(length - max_chars, wide))
            if before < room or after < room or inside_character(text, at):
                continue
            bounds.insert(index, at)
            over += (before > max_chars) + (after > max_chars) - 1
            if not over:
                return


def refine(text: str, bounds: list[int], finds: Iterable[Find], sizes: Sizes) -> None:
    """Cut what is too long with each way of finding places in turn, from coarse to fine."""
    for find in finds:
        pieces = too_long(text, bounds, sizes.max_chars)
        if not pieces:
            return
        for low, high in pieces:
            inner = [low, high]
            cut(text, inner, find, sizes)
            bounds += inner[1:-1]
        bounds.sort()


def too_long(text: str, bounds: list[int], max_chars: int) -> list[tuple[int, int]]:
    """The pieces whose words do not fit; blank ends do not count."""
    return [
        (a, b)
        for a, b in pairwise(bounds)
        if b - a > max_chars and len(text[a:b].rstrip()) > max_chars
    ]


def force(text: str, bounds: list[int], max_chars: int) -> None:
    """What is still too long has nothing to hold on to: cut it every `max_chars`."""
    for low, high in too_long(text, bounds, max_chars):
        at = low
        while high - at > max_chars:
            at = _character_start(text, at + max_chars, at + max_chars // 2)
            bounds.append(at)
    bounds.sort()


def _after(pattern: str) -> Find:
    search = re.compile(pattern).finditer

    def find(text: str, low: int, high: int) -> list[int]:
        return [place(text, match.end()) for match in search(text, low, high)]

    return find


_CELLS = _after(r"\|[ \t]*")
_BLANK_LINES_BEFORE_CODE = _after(r"\n(?:[ \t]*+\n)++(?=\S)")
_LINES_AT_MARGIN = _after(r"\n(?=\S)")
_LINES_OF_THEIR_OWN = _after(r"\n(?:(?<=[.!?:;)\]}>{\"'|。！？…]\n)(?=\S)|(?=[^\w\s]|\d))")
_SENTENCES = _after(r"[.!?…][\"')\]”’»]*+\s++|[。！？｡][」』）”’]*+\s*+")
_LINES = _after(r"\n(?:[ \t]*+\n)*+")
_CLAUSES = _after(r"[,;:]\s++|[，、；：]")

blank_lines = _after(r"\n(?:[ \t]*+\n)++")


def _words(text: str, low: int, high: int) -> list[int]:
    return list(_peaks(text, low, high, words=True))


def _characters(text: str, low: int, high: int) -> list[int]:
    return list(_peaks(text, low, high, words=False))


PROSE: tuple[Find, ...] = (
    blank_lines,
    _LINES_OF_THEIR_OWN,
    _SENTENCES,
    _LINES,
    _CLAUSES,
    _words,
    _characters,
)
CODE: tuple[Find, ...] = (
    _BLANK_LINES_BEFORE_CODE,
    _LINES_AT_MARGIN,
    _LINES,
    _words,
    _characters,
)
ROW: tuple[Find, ...] = (_CELLS, _SENTENCES, _CLAUSES, _words, _characters)


_SLAB = 1 << 18
_NEAR = 16
_WINDOW = 8
_ODD = [0x9E3779B1 * (2 * k + 1) ** 3 & 0xFFFFFFFF | 1 for k in range(2 * _WINDOW)]
_SPACES = np.array([9, 10, 11, 12, 13, 32, 0xA0, 0x1680, 0x202F, 0x205F, 0x3000], dtype=np.uint32)

_Codes = NDArray[np.uint32]


def _peaks(text: str, low: int, high: int, *, words: bool) -> Iterator[int]:
    """Places without any mark: where a rolling hash of the characters exceeds all nearby.

    With `words` only beginnings of words are looked at. About one place in 30 characters; none
    where the text repeats itself, as it does not matter there.
    """
    margin = _NEAR + _WINDOW
    if high - low < margin:
        return
    for start in range(low, high, _SLAB):
        left = max(0, start - margin)
        stop = min(high, start + _SLAB)
        part = text[left : stop + margin].encode("utf-32-le", "surrogatepass")
        codes = np.frombuffer(part, dtype="<u4").astype(np.uint32, copy=False)
        if len(codes) <= 2 * margin:
            continue
        hashes = _rolling(codes)
        if words:
            inner = codes[_WINDOW - 1 : len(codes) - _WINDOW]
            blank = (inner <= 32) | np.isin(inner, _SPACES)
            hashes[~blank[:-1] | blank[1:]] = 0
        for at in np.flatnonzero(_is_peak(hashes)).tolist():
            offset = left + margin + at
            if max(low, start - 1) < offset < stop:
                yield int(hashes[at + _NEAR]) << OFFSET_BITS | offset


def _rolling(codes: _Codes) -> _Codes:
    """One hash of the eight characters on either side of every position that has them."""
    size = len(codes) - 2 * _WINDOW
    total = np.zeros(size, dtype=np.uint32)
    for shift, odd in enumerate(_ODD):
        total += codes[shift : shift + size] * np.uint32(odd)
    total ^= total >> np.uint32(15)
    total *= np.uint32(0x85EBCA6B)
    total ^= total >> np.uint32(13)
    return total


def _is_peak(hashes: _Codes) -> NDArray[np.bool_]:
    """For every position with `_NEAR` others on both sides: greater than all of them."""
    best, step = hashes, 1
    while step < _NEAR:
        best = np.maximum(best[:-step], best[step:])
        step *= 2
    inner = hashes[_NEAR : len(hashes) - _NEAR]
    size = len(inner)
    return (inner > best[:size]) & (inner > best[_NEAR + 1 : _NEAR + 1 + size])


def _character_start(text: str, at: int, lowest: int) -> int:
    for candidate in range(at, max(lowest, at - 64), -1):
        if not inside_character(text, candidate):
            return candidate
    return at


def inside_character(text: str, at: int) -> bool:
    """Whether a cut at `at` would part what a reader sees as one character."""
    here, before = text[at], text[at - 1]
    if here < "\u0300" or before == "\n":
        return False
    if before == "\u200d" or here in "\u200c\u200d\uff9e\uff9f":
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f":
        return True
    if "\U0001f1e6" <= here <= "\U0001f1ff":
        flags = text[max(0, at - 128) : at]
        return (len(flags) - len(flags.rstrip(_FLAG_LETTERS))) % 2 == 1
    if "\udc00" <= here <= "\udfff":
        return "\ud800" <= before <= "\udbff"
    joins = unicodedata.category(here)[0] == "M" or "\u1160" <= here <= "\u11ff"
    return joins or unicodedata.combining(before) == _VIRAMA


_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_VIRAMA = 9
