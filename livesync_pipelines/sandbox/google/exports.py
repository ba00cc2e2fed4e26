"""Native documents as other formats, and other formats as native documents.

https://developers.google.com/workspace/drive/api/guides/ref-export-formats, read 2026-11-22. Of the
formats that Google has these are the ones that the sandbox has: each is a true file of its kind.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from livesync_pipelines.sandbox.google.errors import GoogleError
from livesync_pipelines.sandbox.google.files import DOCUMENT, PRESENTATION, SPREADSHEET
from livesync_pipelines.sandbox.google.packages import OFFICE, package
from livesync_pipelines.sandbox.google.workbooks import (
    XLSX,
    first_sheet,
    is_workbook,
    rows_of,
    written,
)

MOST_BYTES = 10 * 1024 * 1024
"""More than this is not exported by the API; the export links have no such limit."""

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_MARKS = re.compile(r"^(?:#{1,6} |[-*] |> )|\*\*|`", re.MULTILINE)
_HEADING = re.compile(r"(#{1,6}) (.*)")


def _same(text: str) -> bytes:
    return text.encode()


def _plain(text: str) -> bytes:
    """With a byte-order mark and CRLF, as Google writes text."""
    return "\ufeff".encode() + _MARKS.sub("", text).replace("\n", "\r\n").encode()


def _crlf(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _tabs(text: str) -> bytes:
    rows = ("\t".join(cell.replace("\t", " ") for cell in row) for row in rows_of(text))
    return "\r\n".join(rows).encode()


def _web(text: str) -> bytes:
    body = []
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        tag = f"h{len(heading[1])}" if heading else "p"
        words = html.escape(heading[2] if heading else line)
        body += [f"<{tag}>{words}</{tag}>"] if words.strip() else []
    return f"<html><head></head><body>{''.join(body)}</body></html>".encode()


def _docx(text: str) -> bytes:
    """One paragraph a line; headings carry Word's style for them."""
    paragraphs = []
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        style = f'<w:pPr><w:pStyle w:val="Heading{len(heading[1])}"/></w:pPr>' if heading else ""
        words = html.escape(heading[2] if heading else line)
        run = f'<w:r><w:t xml:space="preserve">{words}</w:t></w:r>'
        paragraphs.append(f"<w:p>{style}{run}</w:p>")
    body = f"<w:body>{''.join(paragraphs)}</w:body>"
    space = f'xmlns:w="{OFFICE}/wordprocessingml/2006/main"'
    document = f"<w:document {space}>{body}</w:document>"
    return package("word/document.xml", f"{DOCX}.main+xml", {"word/document.xml": document})


EXPORTS: Mapping[str, Mapping[str, Callable[[str], bytes]]] = MappingProxyType(
    {
        DOCUMENT: {
            "text/markdown": _same,
            "text/plain": _plain,
            "text/html": _web,
            DOCX: _docx,
        },
        SPREADSHEET: {"text/csv": _crlf, "text/tab-separated-values": _tabs, XLSX: written},
        PRESENTATION: {"text/plain": _plain},
    }
)
"""How each native kind is written in each format that it is exported to."""

IMPORTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        DOCUMENT: frozenset(("text/markdown", "text/plain")),
        SPREADSHEET: frozenset(("text/csv", XLSX)),
        PRESENTATION: frozenset(("text/plain",)),
    }
)
"""What becomes a native document when it is uploaded as one."""


def exported(kind: str, content: bytes, mime_type: str) -> bytes:
    """A native document of this kind in another format. Raises GoogleError."""
    formats = EXPORTS.get(kind)
    if formats is None:
        why = "Export only supports Docs Editors files."
        raise GoogleError(403, "fileNotExportable", why)
    if mime_type not in formats:
        why = "The requested conversion is not supported."
        raise GoogleError(400, "badRequest", why, where="convertTo")
    if kind == SPREADSHEET and is_workbook(content):
        return content if mime_type == XLSX else formats[mime_type](first_sheet(content))
    return formats[mime_type](content.decode())


def imported(kind: str, content: bytes, mime_type: str) -> bytes:
    """What a native document of this kind keeps of an upload. Raises GoogleError."""
    if mime_type not in IMPORTS[kind]:
        raise GoogleError(400, "badRequest", "Bad Request")
    try:
        if mime_type == XLSX:
            first_sheet(content)
            return content
        text = content.decode("utf-8-sig")
    except ValueError as error:
        raise GoogleError(400, "badRequest", "Bad Request") from error
    return text.replace("\r\n", "\n").encode()
