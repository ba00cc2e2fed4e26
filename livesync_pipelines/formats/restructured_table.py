"""The four kinds of tables in reStructuredText."""

from __future__ import annotations

import csv
import re

from .markdown import table
from .restructured_inline import inline

_GRID = re.compile(r"\+(?:[-=]+\+)+$")
_SIMPLE = re.compile(r"=+(?: +=+)+$")
_ROW = re.compile(r"\*\s+-\s?")


def is_grid(lines: list[str], at: int) -> bool:
    return bool(_GRID.match(lines[at]))


def is_simple(lines: list[str], at: int) -> bool:
    return bool(_SIMPLE.match(lines[at]))


def grid_table(lines: list[str], at: int) -> tuple[int, str]:
    """Columns are where the first border has its corners. A cell over several columns is put in
    the first of them."""
    end = at
    while end < len(lines) and lines[end][:1] in ("+", "|"):
        end += 1
    corners = [i for i, sign in enumerate(lines[at]) if sign == "+"]
    rows: list[list[str]] = []
    current = [""] * (len(corners) - 1)
    for line in lines[at + 1 : end]:
        if line[:1] == "+" and set(line) <= set("+-= |"):
            rows.append(current)
            current = [""] * (len(corners) - 1)
        else:
            _add_line(current, line, corners)
    return end, table([[inline(cell.strip()) for cell in row] for row in rows])


def _add_line(row: list[str], line: str, corners: list[int]) -> None:
    first = 0
    for column in range(len(corners) - 1):
        edge = corners[column + 1]
        if edge >= len(line) or line[edge] in "|+":
            row[first] += line[corners[first] + 1 : edge].strip() + " "
            first = column + 1


def simple_table(lines: list[str], at: int) -> tuple[int, str]:
    """A row that has nothing in its first column continues the one before."""
    spans = [found.span() for found in re.finditer(r"=+", lines[at])]
    end = _last_border(lines, at)
    rows: list[list[str]] = []
    for line in lines[at + 1 : end]:
        if not line or _SIMPLE.match(line) or set(line) <= set("- "):
            continue
        cells = [
            line[start : spans[i + 1][0] if i + 1 < len(spans) else None].strip()
            for i, (start, _) in enumerate(spans)
        ]
        if rows and not cells[0]:
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return end + 1, table([[inline(cell) for cell in row] for row in rows])


def _last_border(lines: list[str], at: int) -> int:
    """The first border that is followed by an empty line or the end; else the last border."""
    border = at
    for i in range(at + 1, len(lines)):
        if is_simple(lines, i):
            border = i
            if i + 1 >= len(lines) or not lines[i + 1]:
                break
    return border


def csv_table(content: list[str], header: str) -> str:
    lines = [header, *content] if header else content
    rows = csv.reader([line for line in lines if line], skipinitialspace=True)
    return table([[inline(cell) for cell in row] for row in rows])


def list_table(content: list[str], _header: str) -> str:
    """`* - a` opens a row, `  - b` is the next cell, deeper lines continue it."""
    rows: list[list[str]] = []
    for line in content:
        opened = _ROW.match(line)
        if opened:
            rows.append([line[opened.end() :]])
        elif rows and re.match(r"\s{1,3}-(\s|$)", line):
            rows[-1].append(line.strip()[1:].strip())
        elif rows and line:
            rows[-1][-1] += " " + line.strip()
    return table([[inline(cell) for cell in row] for row in rows])
