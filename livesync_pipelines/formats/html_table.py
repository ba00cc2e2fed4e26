"""Where the cells of an HTML table are, and whether it is one."""

from __future__ import annotations

from collections.abc import Callable

from .html_tree import HEADINGS, Element

_NOT_IN_CELLS = HEADINGS | {"table", "pre"}
_MAX_SPAN = 200
_BLANK = "\u200b"


def rows_of(element: Element) -> tuple[list[Element], list[Element]]:
    """The rows, and the captions, of this table and not of those inside it."""
    rows: list[Element] = []
    captions: list[Element] = []
    for child in element.children:
        if isinstance(child, str):
            continue
        if child.tag == "tr":
            rows.append(child)
        elif child.tag == "caption":
            captions.append(child)
        else:
            rows += [r for r in child.children if isinstance(r, Element) and r.tag == "tr"]
    return rows, captions


def _cells_of(row: Element) -> list[Element]:
    return [c for c in row.children if isinstance(c, Element) and c.tag in ("td", "th")]


def is_layout(element: Element, rows: list[Element]) -> bool:
    """That the table only puts things side by side: then its cells are read one after another."""
    if element.attributes.get("role") in ("presentation", "none"):
        return True
    if max((len(_cells_of(row)) for row in rows), default=0) < 2:
        return True
    return any(e.tag in _NOT_IN_CELLS for e in element.elements())


def grid(rows: list[Element], text_of: Callable[[Element], str]) -> list[list[str]]:
    """The cells in place: a cell over several rows is repeated in each, one over several
    columns is followed by empty ones. A table whose first column is its header gets an empty
    header row."""
    carried: dict[int, tuple[int, str]] = {}
    lines: list[list[str]] = []
    for row in rows:
        line: list[str] = []
        for cell in _cells_of(row):
            _fill_carried(line, carried)
            text = text_of(cell)
            over = min(number_in(cell, "rowspan"), _MAX_SPAN)
            if over > 1:
                carried[len(line)] = (over - 1, text)
            line += [text, *[""] * (min(number_in(cell, "colspan"), _MAX_SPAN) - 1)]
        _fill_carried(line, carried)
        lines.append(line)
    if lines and _is_list_of_properties(rows):
        lines.insert(0, [_BLANK] * max(map(len, lines)))
    return lines


def number_in(element: Element, attribute: str) -> int:
    """A number of at least one; what is no number is one."""
    value = element.attributes.get(attribute)
    return max(int(value), 1) if value and value.isdecimal() and len(value) < 10 else 1


def _is_list_of_properties(rows: list[Element]) -> bool:
    """Every row starts with its own header cell, and only that."""
    return all(
        len(cells) > 1 and cells[0].tag == "th" and all(c.tag == "td" for c in cells[1:])
        for cells in map(_cells_of, rows)
    )


def _fill_carried(line: list[str], carried: dict[int, tuple[int, str]]) -> None:
    while len(line) in carried:
        column = len(line)
        rows_left, text = carried.pop(column)
        if rows_left > 1:
            carried[column] = (rows_left - 1, text)
        line.append(text)
