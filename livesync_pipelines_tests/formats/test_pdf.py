"""PDF."""

from __future__ import annotations

import io

from reportlab.pdfgen.canvas import Canvas

from .conftest import Fail, Read
from .files import pdf_file

WORDS = [(10.0, f"Line {i} of the text, long enough to be most of it.") for i in range(12)]


def test_larger_letters_are_headings(read: Read) -> None:
    page = [(20.0, "Annual Report"), *WORDS, (14.0, "Outlook"), *WORDS]
    result = read(pdf_file([page]), "a.pdf")
    headings = [line for line in result.text.splitlines() if line.startswith("#")]
    assert headings == ["# Annual Report", "## Outlook"]
    assert result.title == "Annual Report"
    assert (result.attributes["author"], result.attributes["pages"]) == ("Grace Hopper", "1")


def test_the_outline_says_which_lines_are_headings(read: Read) -> None:
    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.setFont("Helvetica", 11)
    for up, line in ((700, "1 Basics"), (680, "Some words."), (660, "1.1 Detail"), (640, "More.")):
        canvas.drawString(60, up, line)
    for level, title in enumerate(("Basics", "1.1 Detail")):
        canvas.bookmarkPage(title)
        canvas.addOutlineEntry(title, title, level=level)
    canvas.save()
    text = read(target.getvalue(), "a.pdf").text
    assert text == "# 1 Basics\n\nSome words.\n\n## 1.1 Detail\n\nMore."


def test_running_heads_and_page_numbers_are_left_out(read: Read) -> None:
    pages = [[(10.0, "ACME Secret"), *WORDS, (10.0, f"Page {n} of 6")] for n in range(1, 7)]
    text = read(pdf_file(pages), "a.pdf").text
    assert "ACME" not in text
    assert "Page" not in text
    assert text.count("Line 3") == 6


def test_letters_of_one_width_are_code(read: Read) -> None:
    """Their indent is where they stand: a PDF seldom holds the spaces."""
    page = [*WORDS, (10.0, "  def f():"), (10.0, "      return 1"), *WORDS]
    assert "```\ndef f():\n    return 1\n```" in read(pdf_file([page]), "a.pdf").text


def test_a_stated_title_wins(read: Read) -> None:
    content = pdf_file([[(20.0, "Draft"), *WORDS]], title="The Real Title")
    assert read(content, "a.pdf").title == "The Real Title"


def test_a_password_is_asked_for(fail: Fail) -> None:
    assert fail(pdf_file([[(12, "secret")]], password="x"), "a.pdf").code == "encrypted"


def test_half_a_pdf_is_malformed(fail: Fail) -> None:
    """Where its index at the end is missing and cannot be built again."""
    assert fail(pdf_file([WORDS])[:300], "a.pdf").code == "malformed"


def test_pictures_of_text_are_no_text(fail: Fail) -> None:
    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.rect(10, 10, 100, 100, fill=1)
    canvas.save()
    assert fail(target.getvalue(), "scan.pdf").code == "unsupported"


def test_blank_pages_are_an_empty_text(read: Read) -> None:
    assert read(pdf_file([[]]), "a.pdf").text == ""
