"""A sheet of a workbook as rows. The workbook is held in memory, so its size has a limit."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO, ClassVar

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from livesync_pipelines.connectors._row_csv import check_names
from livesync_pipelines.connectors._row_stage import Batch, Cells
from livesync_pipelines.core.canon import canonical
from livesync_pipelines.formats.archive import Archive
from livesync_pipelines.formats.limits import Unreadable
from livesync_pipelines.formats.workbook import Value
from livesync_pipelines.model.errors import BadInput, Broken
from livesync_pipelines.model.rows import ANYTHING, Holds

_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Xlsx:
    """The format, as a selection says it: which sheet (None: the first that shows), and whether
    its first row with anything in it names the columns (else they are `column1`, ...)."""

    sheet: str | None
    header: bool
    max_bytes: int
    cells: ClassVar[Cells] = Cells.WORKBOOK
    unit: ClassVar[str] = "row"
    grows: ClassVar[bool] = False
    holds: ClassVar[Holds] = ANYTHING

    def read(self, file: IO[bytes]) -> Iterator[Batch]:
        rows = enumerate(_sheet(self._book(file), self.sheet).iter_rows(), 1)
        filled = ((number, row) for number, row in rows if any(cell != "" for cell in row))
        first = next(filled, None)
        if first is None:
            raise BadInput("the sheet is empty", hint="Name another in `sheet`.")
        names = [str(cell) for cell in first[1]]
        if not self.header:
            names = [f"column{i + 1}" for i in range(len(names))]
            yield _batch(names, [first])
        check_names(names)
        while some := list(islice(filled, _BATCH)):
            yield _batch(names, some)
        yield _batch(names, [])

    def _book(self, file: IO[bytes]) -> CalamineWorkbook:
        content = file.read(self.max_bytes + 1)
        if len(content) > self.max_bytes:
            raise BadInput(
                f"the workbook has more than {self.max_bytes} bytes",
                hint="Export it as CSV, which can be as long as it likes.",
            )
        try:
            return CalamineWorkbook.from_filelike(Archive(content).checked())
        except Unreadable as error:
            raise Broken(error.reason, hint="Open and save it again.") from error
        except CalamineError as error:
            raise Broken("it is no workbook, or a broken one", hint="Save it again.") from error


def _sheet(book: CalamineWorkbook, name: str | None) -> CalamineSheet:
    shown = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ is SheetTypeEnum.WorkSheet
        and (sheet.visible is SheetVisibleEnum.Visible or sheet.name == name)
    ]
    if not shown or (name is not None and name not in shown):
        raise BadInput(
            f"there is no sheet {name}" if name else "there is no sheet that shows",
            hint=f"Name one of {', '.join(book.sheet_names)} in `sheet`.",
        )
    return book.get_sheet_by_name(name or shown[0])


def _batch(names: Sequence[str], rows: Sequence[tuple[int, Sequence[Value]]]) -> Batch:
    columns = {
        name: pa.array([_json(row[place]) for _, row in rows], pa.string())
        for place, name in enumerate(names)
    }
    return Batch(pa.table(columns), pa.array([number for number, _ in rows], pa.int64()))


def _json(value: Value) -> str | None:
    """A cell as JSON text: a workbook has no integers, so that whole numbers are some."""
    if value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        value = value.isoformat()
    return canonical(str(value) if isinstance(value, datetime.timedelta) else value).decode()
