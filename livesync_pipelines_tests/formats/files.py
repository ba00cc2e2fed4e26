"""Real files, made by the libraries that people make them with."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Protocol

import docx
import openpyxl
import pptx
from pptx.util import Inches
from reportlab.pdfgen.canvas import Canvas

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>The Lighthouse</dc:title><dc:creator>Ada Byron</dc:creator><dc:language>en</dc:language>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="two" href="two.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="one%20.xhtml" media-type="application/xhtml+xml"/>
</manifest>
<spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/></spine>
</package>"""


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def word_file() -> bytes:
    document = docx.Document()
    document.core_properties.title = "Handbook"
    document.core_properties.author = "Grace Hopper"
    document.add_heading("Welcome", 1)
    document.add_paragraph("First words.")
    document.add_heading("Rules", 2)
    document.add_paragraph("Be kind", style="List Bullet")
    document.add_paragraph("Be brief", style="List Bullet")
    document.add_paragraph("Then rest", style="List Number")
    grid = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (*grid.rows[0].cells, *grid.rows[1].cells), ("Name", "Age", "A|B", "7\n8"), strict=True
    ):
        cell.text = text
    document.add_paragraph("After the table.")
    return _saved(document)


def slides_file() -> bytes:
    deck = pptx.Presentation()
    deck.core_properties.author = "Grace Hopper"
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Plan"
    frame = slide.placeholders[1].text_frame
    frame.text = "First"
    deeper = frame.add_paragraph()
    deeper.text, deeper.level = "Second", 1
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    other = deck.slides.add_slide(deck.slide_layouts[5])
    other.shapes.title.text = "Numbers"
    size = Inches(1)
    grid = other.shapes.add_table(2, 2, size, size, size, size).table
    for i, text in enumerate(("Year", "Sum", "2024", "3")):
        grid.cell(i // 2, i % 2).text = text
    return _saved(deck)


def sheet_file(sheets: Mapping[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return _saved(book)


def book_file() -> bytes:
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OEBPS/book.opf": PACKAGE,
            "OEBPS/nav.xhtml": "<html><body><h1>Contents</h1></body></html>",
            "OEBPS/one .xhtml": "<html><body><h1>One</h1><p>Light.</p></body></html>",
            "OEBPS/two.xhtml": "<html><body><h1>Two</h1><p>House.</p></body></html>",
        }
    )


def pdf_file(pages: list[list[tuple[float, str]]], *, title: str = "", password: str = "") -> bytes:
    """Pages of (size of letters in points, line); indented lines are set like code."""
    target = io.BytesIO()
    canvas = Canvas(target, encrypt=password or None)
    canvas.setTitle(title)
    canvas.setAuthor("Grace Hopper")
    for page in pages:
        up = 800.0
        for size, line in page:
            up -= 1.3 * size
            indent = len(line) - len(line.lstrip())
            canvas.setFont("Courier" if indent else "Helvetica", size)
            canvas.drawString(60 + 0.6 * size * indent, up, line.lstrip())
        canvas.showPage()
    canvas.save()
    return target.getvalue()


class _Saveable(Protocol):
    def save(self, target: io.BytesIO, /) -> None: ...


def _saved(document: _Saveable) -> bytes:
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()
