"""Lines of a page as paragraphs, headings, lists and code. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from .markdown import heading, unmistakable
from .text import fenced

_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
_NUMBERED = re.compile(r"^0\s|\s0$")
_BULLET = re.compile(r"^[•●◦▪‣■–]\s*")
_SOFT_HYPHEN = re.compile(r"[\x02\ufffe\u00ad]\n?")
_WORD = re.compile(r"\w+")
_LEADERS = re.compile(r"(?:\.\s?){4,}|…{2,}")
_MAX_HEADING_CHARS = 150


@dataclass(slots=True)
class Line:
    """`across` and `up` are where it starts on its page, in points from the lower left."""

    text: str
    across: float = 0.0
    up: float = 0.0
    size: float = 0.0
    is_code: bool = False


def blocks(pages: list[list[Line]], outline: list[tuple[int, str]]) -> tuple[str, str | None]:
    """The Markdown, and the title as the first page shows it."""
    pages = _without_running_heads(pages)
    levels = _Levels(pages, outline)
    done: list[str] = []
    for page in pages:
        done += _page_blocks(page, levels)
    title = _title(pages[0], levels.body_size) if pages else None
    return _SOFT_HYPHEN.sub("", "\n\n".join(done)), title


def _title(page: list[Line], body_size: float) -> str | None:
    """The largest words of the first page, if they are much larger than the text and few."""
    size = max((line.size for line in page), default=0.0)
    if not body_size or size < 1.3 * body_size:
        return None
    text = " ".join(line.text for line in page if line.size == size)
    return text if len(text) <= _MAX_HEADING_CHARS else None


class _Levels:
    """Which lines are headings: those that the outline names; without an outline, short lines
    in letters clearly larger than most, the four largest sizes being levels one to four."""

    def __init__(self, pages: list[list[Line]], outline: list[tuple[int, str]]) -> None:
        self._named = {_key(title): level for level, title in reversed(outline) if _key(title)}
        sizes: Counter[float] = Counter()
        for page in pages:
            for line in page:
                sizes[line.size] += len(line.text)
        self.body_size = sizes.most_common(1)[0][0] if sizes else 0.0
        larger = sorted(
            {s for s in sizes if self.body_size and s > 1.15 * self.body_size}, reverse=True
        )
        self._sizes = {size: min(level, 4) for level, size in enumerate(larger, 1)}

    def of(self, line: Line) -> int:
        """1 to 6, or 0 for a line that is no heading."""
        text = line.text
        if len(text) > _MAX_HEADING_CHARS or line.is_code or _LEADERS.search(text):
            return 0
        if self._named:
            if line.size and line.size < self.body_size:
                return 0
            return self._named.get(_key(text), 0)
        if text.endswith((".", ",", ";")) or not any(map(str.isalpha, text)):
            return 0
        return self._sizes.get(line.size, 0)


def _key(text: str) -> str:
    """Its words without a number before them: outlines often have none."""
    words = _WORD.findall(text.lower())
    while len(words) > 1 and words[0].isdecimal():
        del words[0]
    return " ".join(words)


def _page_blocks(page: list[Line], levels: _Levels) -> list[str]:
    done: list[str] = []
    step = _line_step(page)
    previous: Line | None = None
    kind_before = ""
    for line in page:
        level = levels.of(line)
        kind = f"h{level}" if level else "code" if line.is_code else "text"
        is_next = previous is not None and kind == kind_before and _continues(previous, line, step)
        text = _indented(line, page) if line.is_code else _bulleted(line.text)
        if level:
            if is_next and previous is not None and previous.size == line.size:
                done[-1] += " " + text
            else:
                done.append(heading(level, line.text))
        elif is_next:
            done[-1] = _extended(done[-1], text, is_code=line.is_code)
        else:
            done.append(fenced(text) if line.is_code else text)
        previous, kind_before = line, kind
    return done


def _bulleted(text: str) -> str:
    return unmistakable(_BULLET.sub("- ", text))


def _indented(line: Line, page: list[Line]) -> str:
    """Code with the spaces that its place stands for; a letter is three fifths of its size."""
    if not line.size:
        return line.text
    left = min(other.across for other in page if other.is_code)
    return " " * min(round((line.across - left) / (0.6 * line.size)), 80) + line.text


def _extended(block: str, text: str, *, is_code: bool) -> str:
    if is_code:
        fence = block[: len(block) - len(block.lstrip("`"))]
        return f"{block[: -len(fence)]}{text}\n{fence}"
    return f"{block}\n{text}"


def _continues(previous: Line, line: Line, step: float) -> bool:
    """No wider gap than between other lines; lines without a place always go on."""
    if not step:
        return True
    gap = previous.up - line.up
    return -0.5 * step < gap < (2.6 if line.is_code else 1.35) * step


def _line_step(page: list[Line]) -> float:
    """The usual distance between lines: the most common one, in half points."""
    gaps = Counter(
        round(2 * (above.up - below.up))
        for above, below in pairwise(page)
        if 2 < above.up - below.up < 60
    )
    return gaps.most_common(1)[0][0] / 2 if gaps else 0.0


def _without_running_heads(pages: list[list[Line]]) -> list[list[Line]]:
    """Without the lines at the top and bottom that most pages share, but for their numbers."""
    if len(pages) < 4:
        return pages
    seen: Counter[str] = Counter()
    for page in pages:
        seen.update({_DIGITS.sub("0", line.text) for line in (*page[:2], *page[-2:])})
    often = max(2, 0.4 * len(pages))
    running = {
        text
        for text, count in seen.items()
        if count > often or not text.strip("0 -–|/.") or (count > 1 and _NUMBERED.search(text))
    }
    return [
        [line for i, line in enumerate(page) if not _is_running(line, i, page, running)]
        for page in pages
    ]


def _is_running(line: Line, place: int, page: list[Line], running: set[str]) -> bool:
    return (place < 2 or place >= len(page) - 2) and _DIGITS.sub("0", line.text) in running
