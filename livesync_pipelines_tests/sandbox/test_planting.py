"""What is in the pretend Drive before anybody comes."""

from __future__ import annotations

import io

from docx import Document
from openpyxl import load_workbook

from livesync_pipelines.sandbox.google.exports import DOCX, exported
from livesync_pipelines.sandbox.google.files import DOCUMENT, FOLDER, SPREADSHEET
from livesync_pipelines.sandbox.google.planting import planted
from livesync_pipelines.sandbox.google.workbooks import XLSX
from livesync_pipelines.sandbox.world import World

from .google_client import drive_of
from .served import a_sandbox
from .test_drive_reading import names


def _contents(seed: int) -> list[tuple[str, str, bytes]]:
    files = planted(World(seed=seed), 30).tree.files.values()
    return sorted((file.id, file.name, file.content) for file in files)


def test_the_same_seed_plants_the_same_and_another_seed_something_else() -> None:
    assert _contents(1) == _contents(1) != _contents(2)


def test_as_many_documents_are_planted_as_were_asked_for() -> None:
    world = World()
    with a_sandbox(world, planted(world, 60)) as sandbox:
        drive = drive_of(sandbox)
        found = names(drive, q=f"mimeType != '{FOLDER}'", pageSize=1_000)
        told = sandbox.control("GET", "/truth/google")["files"]
        drive.close()
    handbook = [file for file in told if file["path"].startswith("My Drive/Handbook/Chapter")]
    documents = [file for file in handbook if file["mimeType"] != FOLDER]
    assert len(documents) == 60
    assert {file["name"] for file in documents} <= set(found)


def test_ten_thousand_files_are_listed_in_eleven_pages() -> None:
    world = World()
    with a_sandbox(world, planted(world, 10_000)) as sandbox:
        drive = drive_of(sandbox)
        assert len(names(drive, q="trashed = false", pageSize=1_000)) == 10_403
        drive.close()
        assert sandbox.count("GET /google/drive/v3/files") == 11


def test_an_exported_document_and_sheet_are_true_office_files() -> None:
    document = Document(io.BytesIO(exported(DOCUMENT, b"# Ferns & moss\n\nWater them.", DOCX)))
    assert [part.text for part in document.paragraphs] == ["Ferns & moss", "", "Water them."]
    book = load_workbook(
        io.BytesIO(exported(SPREADSHEET, b'plant,note\nfern,"a, <b>"\n3,TRUE\n', XLSX))
    )
    rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    assert rows == [["plant", "note"], ["fern", "a, <b>"], [3, True]]
