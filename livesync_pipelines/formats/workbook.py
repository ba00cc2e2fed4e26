"""Workbooks (XLSX, XLSM, XLSB, XLS, ODS): a heading and a table for each sheet."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator

from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from .archive import Archive, core_properties
from .limits import Job, Reading, Unreadable, too_many_cells
from .markdown import heading, table

Value = (
    int
    | float
    | str
    | bool
    | datetime.time
    | datetime.date
    | datetime.datetime
    | datetime.timedelta
)


def read_workbook(archive: Archive, job: Job) -> Reading:
    properties = core_properties(archive)
    title = properties.pop("title", None)
    return Reading(text=sheets(job), title=title, attributes=properties)


def sheets(job: Job) -> str:
    """Hidden sheets are left out: their author does not show them either."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(job.content))
    except PasswordError as error:
        raise Unreadable("encrypted", "A password is needed to open it.") from error
    blocks: list[str] = []
    cells_left = job.limits.max_cells
    for sheet in book.sheets_metadata:
        if (
            sheet.typ is not SheetTypeEnum.WorkSheet
            or sheet.visible is not SheetVisibleEnum.Visible
        ):
            continue
        rows, used = _rows(book, sheet.name, cells_left, job)
        cells_left -= used
        blocks += [heading(2, sheet.name), table(rows)]
    return "\n\n".join(filter(None, blocks))


def _rows(
    book: CalamineWorkbook, name: str, cells_left: int, job: Job
) -> tuple[list[list[str]], int]:
    """The rows that hold anything, and how many cells do."""
    used = 0
    rows: list[list[str]] = []
    for row in _values(book, name):
        filled = sum(value != "" for value in row)
        if filled:
            used += filled
            if used > cells_left:
                raise too_many_cells(job.limits)
            rows.append([_word(value) for value in row])
    return rows, used


def _values(book: CalamineWorkbook, name: str) -> Iterator[list[Value]]:
    return book.get_sheet_by_name(name).iter_rows()


def _word(value: Value) -> str:
    """As a person reads it: 3 and not 3.0, midnight as a day, true in lower case."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        is_day = value.time() == datetime.time()
        return value.date().isoformat() if is_day else value.isoformat(" ", "seconds")
    return str(value)
