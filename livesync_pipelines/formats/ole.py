"""OLE containers: old Excel files, encrypted Office files, and what is not read here."""

from __future__ import annotations

from .limits import Job, Reading, Unreadable
from .workbook import sheets

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_WORKBOOKS = ("Workbook".encode("utf-16-le"), "Book\0".encode("utf-16-le"))


def read(job: Job) -> Reading:
    if _ENCRYPTED in job.content:
        raise Unreadable("encrypted", "A password is needed to open it.")
    if any(name in job.content for name in _WORKBOOKS):
        return Reading(text=sheets(job), attributes={}, media_type="application/vnd.ms-excel")
    raise Unreadable(
        "unsupported", "It is an Office file of before 2007; save it in today's format."
    )
