"""Spreadsheets as XLSX, and workbooks that become spreadsheets."""

from __future__ import annotations

import csv
import html
import io
import re
from zipfile import BadZipFile

from python_calamine import CalamineError, CalamineWorkbook

from livesync_pipelines.sandbox.google.packages import OFFICE, package, relations

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?")
_BOOLEANS = {"TRUE": "1", "FALSE": "0"}
_PACKED = b"PK\x03\x04"


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def written(text: str) -> bytes:
    """A workbook of one sheet. What looks like a number or a truth value in CSV is one, as Google
    takes it."""
    rows = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows_of(text))
    space = f'xmlns="{OFFICE}/spreadsheetml/2006/main"'
    related = f'xmlns:r="{OFFICE}/officeDocument/2006/relationships"'
    sheets = '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets>'
    parts = {
        "xl/workbook.xml": f"<workbook {space} {related}>{sheets}</workbook>",
        "xl/worksheets/sheet1.xml": (
            f"<worksheet {space}><sheetData>{rows}</sheetData></worksheet>"
        ),
        "xl/_rels/workbook.xml.rels": relations("worksheet", "worksheets/sheet1.xml"),
    }
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
    kinds = {"xl/worksheets/sheet1.xml": sheet}
    return package("xl/workbook.xml", f"{XLSX}.main+xml", parts, kinds)


def is_workbook(content: bytes) -> bool:
    return content.startswith(_PACKED)


def first_sheet(workbook: bytes) -> str:
    """Its values as CSV. Raises `ValueError` for what is no workbook."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
        rows = book.get_sheet_by_index(0).to_python()
    except (CalamineError, BadZipFile, IndexError) as error:
        raise ValueError("no workbook") from error
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows([[_word(cell) for cell in row] for row in rows])
    return made.getvalue()


def _cell(text: str) -> str:
    if _NUMBER.fullmatch(text):
        return f"<c><v>{text}</v></c>"
    if text in _BOOLEANS:
        return f'<c t="b"><v>{_BOOLEANS[text]}</v></c>'
    return f'<c t="inlineStr"><is><t xml:space="preserve">{html.escape(text)}</t></is></c>'


def _word(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    return f"{cell:g}" if isinstance(cell, float) and cell.is_integer() else str(cell)
