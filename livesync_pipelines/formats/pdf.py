"""PDF: text by page; headings from the outline, or from the size of the letters."""

from __future__ import annotations

import ctypes
import re
from contextlib import closing

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from .limits import ExtractLimits, Job, Reading, Unreadable, too_many_chars
from .markdown import one_line
from .pdf_layout import Line, blocks

_WRONG_PASSWORD = {pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY}
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?)?(?:(Z)|([+-]\d\d)'?(\d\d)?)?")
_NO_TITLE = re.compile(r"untitled|microsoft word - |\S+\.(?:docx?|indd|tex|dvi|pdf|pptx?)$", re.I)
_FIXED_PITCH = 1
_FIXED_NAMES = re.compile(rb"mono|courier|consol|cmtt|code|typewriter", re.IGNORECASE)


def read(job: Job) -> Reading:
    try:
        document = pdfium.PdfDocument(job.content)
    except pdfium.PdfiumError as error:
        if error.err_code in _WRONG_PASSWORD:
            raise Unreadable("encrypted", "A password is needed to open it.") from error
        raise Unreadable("malformed", "Its PDF structure is broken or truncated.") from error
    with closing(document):
        pages = _pages(document, job.limits)
        outline = _outline(document)
        text, title = blocks(pages, outline)
        if not text:
            _refuse_pictures(document)
        attributes = _attributes(document)
    stated = attributes.pop("title", "")
    attributes["pages"] = str(len(pages))
    if stated and not _NO_TITLE.match(stated):
        title = stated
    return Reading(text=text, title=title, attributes=attributes)


def _pages(document: pdfium.PdfDocument, limits: ExtractLimits) -> list[list[Line]]:
    pages: list[list[Line]] = []
    left = limits.max_chars
    for number in range(len(document)):
        with closing(document[number]) as page, closing(page.get_textpage()) as text_page:
            text = text_page.get_text_range()
            left -= len(text)
            if left < 0:
                raise too_many_chars(limits)
            pages.append(_lines(text_page, text))
    return pages


def _lines(page: pdfium.PdfTextPage, text: str) -> list[Line]:
    """The lines of a page with their place and font, asked of one letter in each."""
    has_places = len(text.encode("utf-16-le", "surrogatepass")) == 2 * page.count_chars()
    lines: list[Line] = []
    at = 0
    for raw in text.split("\r\n"):
        words = one_line(raw.replace("\x00", ""))
        if words:
            letter = at + len(raw) - len(raw.lstrip())
            lines.append(_placed(page, words, letter, raw) if has_places else Line(words))
        at += len(raw) + 2 + sum(sign > "\uffff" for sign in raw)
    return lines


def _placed(page: pdfium.PdfTextPage, words: str, letter: int, raw: str) -> Line:
    across, up = ctypes.c_double(), ctypes.c_double()
    pdfium_c.FPDFText_GetCharOrigin(page.raw, letter, across, up)
    size = pdfium_c.FPDFText_GetFontSize(page.raw, letter)
    last = letter + len(raw.strip()) - 1
    is_code = _is_fixed(page, letter) and _is_fixed(page, last)
    return Line(raw.strip() if is_code else words, across.value, up.value, round(size, 1), is_code)


def _is_fixed(page: pdfium.PdfTextPage, letter: int) -> bool:
    name = ctypes.create_string_buffer(64)
    flags = ctypes.c_int()
    pdfium_c.FPDFText_GetFontInfo(page.raw, letter, name, 64, flags)
    return bool(flags.value & _FIXED_PITCH) or bool(_FIXED_NAMES.search(name.value))


def _outline(document: pdfium.PdfDocument) -> list[tuple[int, str]]:
    """(level from 1, title) of each bookmark."""
    return [(mark.level + 1, one_line(mark.get_title())) for mark in document.get_toc(max_depth=6)]


def _refuse_pictures(document: pdfium.PdfDocument) -> None:
    """Blank pages are an empty text; pages with something on them that is no text are not."""
    for number in range(len(document)):
        with closing(document[number]) as page:
            if pdfium_c.FPDFPage_CountObjects(page.raw):
                reason = "Its pages are pictures without text; no text recognition is done."
                raise Unreadable("unsupported", reason)


def _attributes(document: pdfium.PdfDocument) -> dict[str, str]:
    said = {key.lower(): one_line(value) for key, value in document.get_metadata_dict().items()}
    attributes = {
        key: said[key] for key in ("title", "author", "subject", "keywords") if said.get(key)
    }
    for name, key in (("creationdate", "created"), ("moddate", "modified")):
        if date := _iso_date(said.get(name, "")):
            attributes[key] = date
    return attributes


def _iso_date(value: str) -> str:
    """D:20250208122313+01'00' as 2025-02-08T12:23:13+01:00; what is not said is left out."""
    found = _DATE.match(value)
    if not found:
        return ""
    year, month, day, hour, minute, second, utc, offset, offset_minutes = found.groups()
    date = f"{year}-{month or '01'}-{day or '01'}"
    if hour is None:
        return date
    zone = "Z" if utc else f"{offset}:{offset_minutes or '00'}" if offset else ""
    return f"{date}T{hour}:{minute}:{second or '00'}{zone}"
