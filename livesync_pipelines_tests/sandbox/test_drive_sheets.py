"""Google's own client makes spreadsheets of workbooks, and takes them out again."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from googleapiclient.http import MediaInMemoryUpload
from openpyxl import load_workbook

from livesync_pipelines.sandbox.google.workbooks import XLSX

from .google_client import drive_of
from .served import Sandbox
from .test_drive_reading import refused
from .workbooks import Formula, workbook

_SHEET = "application/vnd.google-apps.spreadsheet"
_BEDS: list[list[object]] = [
    ["plant", "height", "twice"],
    ["fern, tall", 30, Formula("=B2*2", 60)],
    ["moss", 0.5, True],
]


@pytest.fixture
def drive(sandbox: Sandbox) -> Iterator[Any]:
    service = drive_of(sandbox)
    yield service
    service.close()


def made(drive: Any, content: bytes) -> str:
    media = MediaInMemoryUpload(content, XLSX)
    body = {"name": "Beds", "mimeType": _SHEET}
    return str(drive.files().create(body=body, media_body=media).execute()["id"])


def test_a_workbook_becomes_a_spreadsheet_with_all_its_sheets(drive: Any) -> None:
    sheet = made(drive, workbook({"Beds": _BEDS, "Prices": [["a", 1.5]]}))
    text = drive.files().export(fileId=sheet, mimeType="text/csv").execute()
    assert text == b'plant,height,twice\r\n"fern, tall",30,60\r\nmoss,0.5,TRUE\r\n', "the first one"
    exported = drive.files().export(fileId=sheet, mimeType=XLSX).execute()
    assert load_workbook(BytesIO(exported)).sheetnames == ["Beds", "Prices"]
    assert load_workbook(BytesIO(exported))["Beds"]["C2"].value == "=B2*2"
    assert load_workbook(BytesIO(exported), data_only=True)["Beds"]["C2"].value == 60


def test_what_is_no_workbook_becomes_no_spreadsheet(drive: Any) -> None:
    sheet = made(drive, workbook({"Beds": _BEDS}))
    broken = MediaInMemoryUpload(b"PK\x03\x04 and no book", XLSX)
    assert refused(drive.files().update(fileId=sheet, media_body=broken)) == (400, "badRequest")
