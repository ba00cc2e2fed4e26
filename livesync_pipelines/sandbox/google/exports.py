"""Native documents as other formats, and other formats as native documents.

https://developers.google.com/workspace/drive/api/guides/ref-export-formats, read 2026-11-22. Of the
formats that Google has these are the ones that the sandbox has: each is a true file of its kind.
"""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from types import MappingProxyType

from livesync_pipelines.sandbox.google.errors import GoogleError
from livesync_pipelines.sandbox.google.files import DOCUMENT, PRESENTATION, SPREADSHEET

MOST_BYTES = 10 * 1024 * 1024
"""More than this is not exported by the API; the export links have no such limit."""

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_MARKS = re.compile(r"^(?:#{1,6} |[-*] |> )|\*\*|`", re.MULTILINE)
_HEADING = re.compile(r"(#{1,6}) (.*)")
_OFFICE = "http://schemas.openxmlformats.org"
_DATED = (2026, 1, 5, 9, 0, 0)


def _same(text: str) -> bytes:
    return text.encode()


def _plain(text: str) -> bytes:
    """With a byte-order mark and CRLF, as Google writes text."""
    return "\ufeff".encode() + _MARKS.sub("", text).replace("\n", "\r\n").encode()


def _crlf(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _tabs(text: str) -> bytes:
    rows = ("\t".join(cell.replace("\t", " ") for cell in row) for row in _rows(text))
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
    space = f'xmlns:w="{_OFFICE}/wordprocessingml/2006/main"'
    document = f"<w:document {space}>{body}</w:document>"
    return _package("word/document.xml", f"{DOCX}.main+xml", {"word/document.xml": document})


def _xlsx(text: str) -> bytes:
    """One sheet of text cells."""
    rows = "".join(f"<row>{''.join(_cell(cell) for cell in row)}</row>" for row in _rows(text))
    space = f'xmlns="{_OFFICE}/spreadsheetml/2006/main"'
    related = f'xmlns:r="{_OFFICE}/officeDocument/2006/relationships"'
    sheets = '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets>'
    parts = {
        "xl/workbook.xml": f"<workbook {space} {related}>{sheets}</workbook>",
        "xl/worksheets/sheet1.xml": (
            f"<worksheet {space}><sheetData>{rows}</sheetData></worksheet>"
        ),
        "xl/_rels/workbook.xml.rels": _relations("worksheet", "worksheets/sheet1.xml"),
    }
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
    return _package("xl/workbook.xml", kind, parts, {"xl/worksheets/sheet1.xml": sheet})


def _cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{html.escape(text)}</t></is></c>'


def _relations(kind: str, target: str) -> str:
    space = f"{_OFFICE}/package/2006/relationships"
    of = f"{_OFFICE}/officeDocument/2006/relationships/{kind}"
    one = f'<Relationship Id="rId1" Type="{of}" Target="{target}"/>'
    return f'<Relationships xmlns="{space}">{one}</Relationships>'


def _package(
    main: str, kind: str, parts: Mapping[str, str], more: Mapping[str, str] | None = None
) -> bytes:
    """An Office Open XML file whose main part is of this kind; the same parts, the same bytes."""
    kinds = {main: kind, **(more or {})}
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{of}"/>' for name, of in kinds.items()
    )
    types = (
        f'<Types xmlns="{_OFFICE}/package/2006/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )
    whole = {
        "[Content_Types].xml": types,
        "_rels/.rels": _relations("officeDocument", main),
        **parts,
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in whole.items():
            words = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{text}'
            archive.writestr(zipfile.ZipInfo(name, _DATED), words)
    return made.getvalue()


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


EXPORTS: Mapping[str, Mapping[str, Callable[[str], bytes]]] = MappingProxyType(
    {
        DOCUMENT: {
            "text/markdown": _same,
            "text/plain": _plain,
            "text/html": _web,
            DOCX: _docx,
        },
        SPREADSHEET: {"text/csv": _crlf, "text/tab-separated-values": _tabs, XLSX: _xlsx},
        PRESENTATION: {"text/plain": _plain},
    }
)
"""How each native kind is written in each format that it is exported to."""

IMPORTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        DOCUMENT: frozenset(("text/markdown", "text/plain")),
        SPREADSHEET: frozenset(("text/csv",)),
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
    return formats[mime_type](content.decode())


def imported(kind: str, content: bytes, mime_type: str) -> bytes:
    """What a native document of this kind keeps of an upload. Raises GoogleError."""
    if mime_type not in IMPORTS[kind]:
        raise GoogleError(400, "badRequest", "Bad Request")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GoogleError(400, "badRequest", "Bad Request") from error
    return text.replace("\r\n", "\n").encode()
