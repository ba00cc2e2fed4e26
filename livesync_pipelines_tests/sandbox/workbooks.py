"""Workbooks as people upload them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from openpyxl import Workbook

_FORMULA = re.compile(r"<f>([^<]*)</f><v ?/>|<f>([^<]*)</f><v></v>")


@dataclass(frozen=True, slots=True)
class Formula:
    """With the value that it had when the workbook was saved."""

    said: str
    value: float


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """An XLSX file of these sheets."""
    book = Workbook()
    book.remove(book.worksheets[0])
    values: dict[str, float] = {}
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append([cell.said if isinstance(cell, Formula) else cell for cell in line])
            values |= {cell.said[1:]: cell.value for cell in line if isinstance(cell, Formula)}
    plain = BytesIO()
    book.save(plain)
    return _with(plain.getvalue(), values)


def _with(content: bytes, values: Mapping[str, float]) -> bytes:
    """With the values that Excel or Google save beside formulas, and openpyxl does not."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name.startswith("xl/worksheets/"):
                text = _FORMULA.sub(lambda found: _saved(found, values), text.decode()).encode()
            new.writestr(name, text)
    return made.getvalue()


def _saved(found: re.Match[str], values: Mapping[str, float]) -> str:
    said = found[1] or found[2]
    return f"<f>{said}</f><v>{values[said]}</v>"
