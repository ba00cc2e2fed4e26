"""Tables, made ready for a converter that knows neither layout tables nor cells over many rows."""

from __future__ import annotations

from collections.abc import Iterable

from selectolax.lexbor import LexborHTMLParser, LexborNode

from .limits import ExtractLimits, too_many_cells

HEADINGS = "h1,h2,h3,h4,h5,h6"
_MAX_SPAN = 1_000


def read_through(page: LexborHTMLParser, root: LexborNode) -> None:
    """Makes divisions of the cells of tables that only put things side by side."""
    for table in _layout_tables(root):
        rows = _rows(table)
        captions = [part for part in table.iter() if part.tag == "caption"]
        for cell in [*captions, *(cell for row in rows for cell in row.iter())]:
            division = page.create_node("div")
            for child in list(cell.iter(include_text=True)):
                division.insert_child(child, move=True)
            cell.replace_with(division, move=True)
        for part in [*rows, *table.iter(), table]:
            if part.tag != "div":
                part.unwrap()


def repeat_cells(root: LexborNode, limits: ExtractLimits) -> None:
    """A cell over several rows is repeated in each: a row may be read alone, far from the first.

    Raises `Unreadable` when there are more cells than allowed.
    """
    left = limits.max_cells
    for table in root.css("table"):
        carried: dict[int, tuple[int, LexborNode]] = {}
        for row in _rows(table):
            left -= _repeat_in(row, carried)
            if left < 0:
                raise too_many_cells(limits)


def _repeat_in(row: LexborNode, carried: dict[int, tuple[int, LexborNode]]) -> int:
    """How many columns the row has, with the cells carried down from those above it."""
    column = 0
    for cell in list(row.iter()):
        while column in carried:
            cell.insert_before(_next(carried, column))
            column += 1
        rows = _span(cell, "rowspan")
        if rows > 1:
            del cell.attrs["rowspan"]
            carried[column] = (rows - 1, cell)
        column += _span(cell, "colspan")
    while column in carried:
        row.insert_child(_next(carried, column))
        column += 1
    return column


def _layout_tables(root: LexborNode) -> Iterable[LexborNode]:
    """Those that say so, and those with headings, code or tables in their cells. (`:has` would
    look through nested tables once for each of them.)"""
    tables = {node.mem_id: node for node in root.css("table[role=presentation]")}
    for node in root.css(f"table :is({HEADINGS},pre,table)"):
        above = node.parent
        while above is not None and above.tag != "table":
            above = above.parent
        if above is not None:
            tables[above.mem_id] = above
    return tables.values()


def _rows(table: LexborNode) -> list[LexborNode]:
    """Not those of tables inside it. The parser puts every row into a `tbody` or its like."""
    return [row for part in table.iter() for row in part.iter() if row.tag == "tr"]


def _next(carried: dict[int, tuple[int, LexborNode]], column: int) -> LexborNode:
    rows_left, cell = carried.pop(column)
    if rows_left > 1:
        carried[column] = (rows_left - 1, cell)
    return cell


def _span(cell: LexborNode, attribute: str) -> int:
    value = cell.attributes.get(attribute) or ""
    return min(max(int(value), 1), _MAX_SPAN) if value.isdecimal() and len(value) < 10 else 1


def inside_out(root: LexborNode, selector: str) -> list[LexborNode]:
    """What matches, once each, the inner before the outer: they can be taken out in this order."""
    return list({node.mem_id: node for node in reversed(root.css(selector))}.values())
