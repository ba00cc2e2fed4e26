"""Putting Markdown together: headings, tables, lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_LIKE_MARKUP = re.compile(r"^(#{1,6} |```|~~~)", re.MULTILINE)


def heading(level: int, text: str) -> str:
    return f"{'#' * max(1, min(level, 6))} {one_line(text)}"


def one_line(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """A table cell: one line, pipes escaped; a line break inside becomes `<br>`."""
    if "|" in text:
        text = text.replace("\\|", "|").replace("|", "\\|")
    if "\n" in text or "\r" in text:
        text = "<br>".join(line for part in text.splitlines() if (line := part.strip()))
    return text.strip()


def table(rows: Iterable[Sequence[str]]) -> str:
    """A pipe table of rows whose first is the header. Short rows are filled up; columns and
    rows that are empty throughout are left out. No rows, no text."""
    kept = [cleaned for row in rows if any(cleaned := [cell(value) for value in row])]
    if not kept:
        return ""
    width = max(map(len, kept))
    filled = [row + [""] * (width - len(row)) for row in kept]
    used = [any(row[column] for row in filled) for column in range(width)]
    if not all(used):
        filled = [[v for v, use in zip(row, used, strict=True) if use] for row in filled]
    lines = [f"| {' | '.join(row)} |" for row in filled]
    lines.insert(1, f"|{' --- |' * sum(used)}")
    return "\n".join(lines)


def unmistakable(text: str) -> str:
    """Text of which no line looks like a heading or a fence."""
    if "#" in text or "```" in text or "~~~" in text:
        return _LIKE_MARKUP.sub(r"\\\1", text)
    return text


def indented(text: str, by: str) -> str:
    """Every line but the first and the empty ones moved right."""
    return text.replace("\n", "\n" + by).replace(f"\n{by}\n", "\n\n") if "\n" in text else text


def joined(blocks: Iterable[str]) -> str:
    return "\n\n".join(block for block in blocks if block)
