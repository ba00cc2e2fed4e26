"""What a Markdown text is made of: headings, code fences, and the stretches between headings.

All of it is decided locally. Whether a text is cut at a heading depends only on the section
before it, the one after it and the level of the next heading, so an edit elsewhere moves nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Span = tuple[int, int]

_TITLE_CHARS = 200
_MOST_HEADINGS = 200_000
"""More than any book has; the rest of such a text is read as plain lines, in bounded memory."""
_NOWHERE = 7
"""Deeper than any heading."""

_FENCE = r"(`{3,}+(?=[^`\n]*(?:\n|\Z))|~{3,}+)"
_MARK = re.compile(
    r"\n[ \t]*+(?=[#`~=\d*+-])(?:"
    r"(#{1,6})(?:[ \t]+([^\n]*))?(?=\n|\Z)"  # a heading, and its words
    r"|(={2,}+|-{2,}+)[ \t]*(?=\n|\Z)"  # the line below a heading
    rf"|{_FENCE}"  # a code fence
    rf"|(?:[-*+]|\d{{1,9}}[.)])[ \t]+{_FENCE})"  # a code fence behind a bullet
)
_ATX, _WORDS, _UNDERLINE, _BARE_FENCE, _LIST_FENCE = 1, 2, 3, 4, 5
_NOT_A_TITLE = re.compile(r"    |[ \t]*(?:[>#|]|[-*+][ \t]|\d{1,9}[.)][ \t]|[-=*_ \t]+\Z)")


class Heading(NamedTuple):
    """`start` is where its line begins, `end` the end of its last line (an underline's, too)."""

    start: int
    end: int
    level: int
    title: str


class Outline(NamedTuple):
    """Headings and fences in order. A fence spans its marker lines; one never closed, the rest."""

    headings: list[Heading]
    fences: list[Span]


class _Section(NamedTuple):
    start: int
    level: int
    size: int


def outline(text: str) -> Outline:
    """The headings and fences of `text`. A `#` inside a fence is no heading.

    Differs from CommonMark in two places: a heading by underline has one line of words, below a
    blank line; and a fence may be indented as deep as its list is.
    """
    headings: list[Heading] = []
    fences: list[Span] = []
    opened_at, marker, clear = -1, "", 0
    # One line feed is put in front, so that `match.start()` is where the line begins in `text`.
    for match in _MARK.finditer("\n" + text):
        kind = match.lastindex or 0
        if kind >= _BARE_FENCE:
            if opened_at < 0:
                opened_at, marker = match.start(), match[kind]
            elif kind == _BARE_FENCE and _closes(text, match.end() - 1, match[kind], marker):
                clear = _line_end(text, match.end() - 1)
                fences.append((opened_at, clear))
                opened_at = -1
        elif opened_at >= 0 or len(headings) >= _MOST_HEADINGS:
            continue
        elif kind == _UNDERLINE:
            title = _title_above(text, match.start(), clear)
            if title is not None and match.start(kind) == match.start() + 1:
                level = 1 if match[kind][0] == "=" else 2
                headings.append(Heading(title[0], match.end() - 1, level, title[1]))
        elif match.start(_ATX) - match.start() <= 4:
            words = _bare_title(match[_WORDS]) if kind == _WORDS else ""
            headings.append(Heading(match.start(), match.end() - 1, len(match[_ATX]), words))
    if opened_at >= 0:
        fences.append((opened_at, len(text)))
    return Outline(headings, fences)


def stretches(size: int, headings: list[Heading], min_chars: int) -> list[int]:
    """Where a text of `size` characters is cut at headings: offsets from 0 to `size`.

    Every section is a stretch of its own, except those smaller than `min_chars`, whose cut is
    left out: with the sibling or child that follows, or, being the last of its parent, with what
    comes before. A heading with all that is below it counts as one section while it is so small.
    """
    if not headings or size <= min_chars:
        return [0, size]
    cuts = [0]
    sections = _sections(size, headings, min_chars)
    before = sections[0]
    afters = [*sections, _Section(size, -1, 0)][2:]
    for here, after in zip(sections[1:], afters, strict=True):
        joins_next = before.size < min_chars and here.level >= before.level
        joins_last = here.size < min_chars and after.level < here.level
        if not (joins_next or joins_last):
            cuts.append(here.start)
        before = here
    cuts.append(size)
    return cuts


def _sections(size: int, headings: list[Heading], min_chars: int) -> list[_Section]:
    starts = [heading.start for heading in headings]
    levels = [heading.level for heading in headings]
    count = len(starts)
    starts.append(size)
    found = [_Section(0, 0, starts[0])] if starts[0] > 0 else []
    ends = _subtree_ends(levels)
    at = 0
    while at < count:
        end = ends[at] if starts[ends[at]] - starts[at] < min_chars else at + 1
        found.append(_Section(starts[at], levels[at], starts[end] - starts[at]))
        at = end
    return found


def _subtree_ends(levels: list[int]) -> list[int]:
    """For each heading the next one that is not below it; linear, since each is jumped once."""
    count = len(levels)
    ends = [count] * count
    for at in range(count - 1, -1, -1):
        after, level = at + 1, levels[at]
        while after < count and levels[after] > level:
            after = ends[after]
        ends[at] = after
    return ends


def _closes(text: str, at: int, marker: str, opener: str) -> bool:
    same = marker[0] == opener[0] and len(marker) >= len(opener)
    return same and not text[at : _line_end(text, at)].strip()


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _title_above(text: str, underline: int, clear: int) -> tuple[int, str] | None:
    """Start and words of the single line above; None if that is no lone line of words."""
    end = underline - 1
    start = text.rfind("\n", 0, end) + 1 if end > 0 else 0
    if end <= start or start < clear or _NOT_A_TITLE.match(text, start, end):
        return None
    if start and text[text.rfind("\n", 0, start - 1) + 1 : start].strip():
        return None
    return start, text[start:end].strip()[:_TITLE_CHARS]


def _bare_title(words: str) -> str:
    words = words.strip()
    if words.endswith("#"):
        bare = words.rstrip("#")
        if not bare or bare[-1] in " \t":
            words = bare.rstrip()
    return words[:_TITLE_CHARS]
