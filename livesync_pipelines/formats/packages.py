"""Zip containers, told apart by what is inside: their names and media types often lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .archive import Archive
from .docx import read_docx
from .epub import read_epub
from .limits import Job, Reading, Unreadable
from .pptx import read_pptx
from .workbook import read_workbook

_OFFICE = "application/vnd.openxmlformats-officedocument"
_SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"

Reader = Callable[[Archive, Job], Reading]

_BY_PART: tuple[tuple[str, Reader, str], ...] = (
    ("META-INF/container.xml", read_epub, "application/epub+zip"),
    ("word/document.xml", read_docx, f"{_OFFICE}.wordprocessingml.document"),
    ("ppt/presentation.xml", read_pptx, f"{_OFFICE}.presentationml.presentation"),
    ("xl/workbook.xml", read_workbook, f"{_OFFICE}.spreadsheetml.sheet"),
    ("xl/workbook.bin", read_workbook, "application/vnd.ms-excel.sheet.binary.macroenabled.12"),
)


def read(job: Job) -> Reading:
    archive = Archive(job.content)
    for part, reader, media_type in _BY_PART:
        if part in archive.names:
            return replace(reader(archive, job), media_type=media_type)
    if "mimetype" in archive.names and archive.read("mimetype").startswith(_SPREADSHEET.encode()):
        return replace(read_workbook(archive, job), media_type=_SPREADSHEET)
    raise Unreadable("unsupported", "It is a zip archive of a kind that is not read here.")
