"""DOCX, PPTX and EPUB."""

from __future__ import annotations

from .conftest import Read
from .files import book_file, slides_file, word_file, zipped

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def words(body: str, **parts: str) -> bytes:
    """A document of nothing but a body, as other programs write it."""
    document = f"<w:document {W}><w:body>{body}</w:body></w:document>"
    return zipped({"word/document.xml": document, **{f"word/{k}.xml": v for k, v in parts.items()}})


def test_a_word_file_keeps_headings_lists_and_tables(read: Read) -> None:
    result = read(word_file(), "a.docx")
    assert result.text == (
        "# Welcome\n\nFirst words.\n\n## Rules\n\n- Be kind\n- Be brief\n\n1. Then rest\n\n"
        "| Name | Age |\n| --- | --- |\n| A\\|B | 7<br>8 |\n\nAfter the table."
    )
    assert result.title == "Handbook"
    assert result.attributes["author"] == "Grace Hopper"


def test_what_was_deleted_with_tracking_is_gone_and_what_was_inserted_is_there(read: Read) -> None:
    text = (
        "<w:p><w:r><w:t>We </w:t></w:r>"
        "<w:del><w:r><w:delText>never </w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>always </w:t></w:r></w:ins><w:r><w:t>pay.</w:t></w:r></w:p>"
    )
    assert read(words(text), "a.docx").text == "We always pay."


def test_headings_are_known_by_their_style_in_any_language(read: Read) -> None:
    """Word translates the id of a style, not its name."""
    styles = (
        f'<w:styles {W}><w:style w:type="paragraph" w:styleId="berschrift2">'
        '<w:name w:val="heading 2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Eigene"><w:name w:val="Eigene"/>'
        '<w:basedOn w:val="berschrift2"/></w:style></w:styles>'
    )
    paragraph = '<w:p><w:pPr><w:pStyle w:val="Eigene"/></w:pPr><w:r><w:t>Teil</w:t></w:r></w:p>'
    assert read(words(paragraph, styles=styles), "a.docx").text == "## Teil"


def test_footnotes_follow_the_text(read: Read) -> None:
    text = '<w:p><w:r><w:t>True</w:t><w:footnoteReference w:id="2"/></w:r></w:p>'
    notes = (
        f'<w:footnotes {W}><w:footnote w:id="2"><w:p><w:r><w:t>Mostly.</w:t></w:r></w:p>'
        "</w:footnote></w:footnotes>"
    )
    assert read(words(text, footnotes=notes), "a.docx").text == "True[1]\n\n1. Mostly."


def test_a_cell_merged_downwards_is_repeated(read: Read) -> None:
    """A row of a table is read alone, far from the cell that was merged into it."""
    merged = "<w:tcPr><w:vMerge/></w:tcPr>"

    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc>{properties}<w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

    rows = [cell("City") + cell("Street"), cell("Ulm") + cell("A"), cell("", merged) + cell("B")]
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert read(words(table), "a.docx").text.splitlines()[2:] == ["| Ulm | A |", "| Ulm | B |"]


def test_every_slide_is_a_section(read: Read) -> None:
    result = read(slides_file(), "a.pptx")
    assert result.text == (
        "## Plan\n\n- First\n  - Second\n\nNotes: Say it slowly.\n\n"
        "## Numbers\n\n| Year | Sum |\n| --- | --- |\n| 2024 | 3 |"
    )
    assert result.title == "Plan"


def test_a_book_is_read_in_its_own_order(read: Read) -> None:
    """The order is that of the spine, not of the files; its table of contents is left out."""
    result = read(book_file(), "a.epub")
    assert result.text == "# One\n\nLight.\n\n# Two\n\nHouse."
    assert (result.title, result.attributes["author"]) == ("The Lighthouse", "Ada Byron")
    assert result.media_type == "application/epub+zip"
