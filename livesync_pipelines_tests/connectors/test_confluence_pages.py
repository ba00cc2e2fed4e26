"""Documents as pages of Confluence: what becomes of their words, and that nothing else comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from livesync_pipelines.connectors._confluence_form import PageForm, normal
from livesync_pipelines.connectors._confluence_options import ConfluencePagesSelection
from livesync_pipelines.connectors._confluence_render import family_of, page_of
from livesync_pipelines.connectors._confluence_storage import parsed, storage_markdown
from livesync_pipelines.connectors.confluence_files import ConfluencePages
from livesync_pipelines.connectors.files import RendersFiles, ReservesFiles
from livesync_pipelines.connectors.google_drive_files import GoogleDriveFiles
from livesync_pipelines.model.errors import BadInput


def storage(text: str, name: str = "a.md") -> str:
    return page_of(name, text.encode()).storage


def test_a_space_takes_documents_in_a_form_of_its_own_and_a_drive_takes_files() -> None:
    assert issubclass(ConfluencePages, RendersFiles)
    assert issubclass(ConfluencePages, ReservesFiles)
    assert not issubclass(GoogleDriveFiles, RendersFiles)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "One *two* **three** `four`",
            "<p>One <em>two</em> <strong>three</strong> <code>four</code></p>",
        ),
        ("## Two\n\n### Three", "<h2>Two</h2><h3>Three</h3>"),
        ("- a\n- b\n  1. c", "<ul><li>a</li><li><p>b</p><ol><li>c</li></ol></li></ul>"),
        ("> said", "<blockquote><p>said</p></blockquote>"),
        ("a  \nb\n\n---", "<p>a<br />\nb</p><hr />"),
        ("[far](https://a.b/?c=1&d=2)", '<p><a href="https://a.b/?c=1&amp;d=2">far</a></p>'),
        ("[near](b.md) <a href='javascript:x'>js</a> [#](#top)", "<p>near js #</p>"),
        (
            "![Fern](https://a.b/c) ![near](c.png)",
            '<p><ac:image ac:alt="Fern"><ri:url ri:value="https://a.b/c" /></ac:image> near</p>',
        ),
        (
            "| a | b |\n|---|--:|\n| 1 | |",
            "<table><tbody><tr><th>a</th><th>b</th></tr><tr><td>1</td><td /></tr></tbody></table>",
        ),
        ("~~no~~", '<p><span style="text-decoration: line-through;">no</span></p>'),
    ],
)
def test_markdown_keeps_its_form(text: str, wanted: str) -> None:
    assert storage(text) == wanted


@pytest.mark.parametrize(
    ("language", "parameter"),
    [
        ("python", '<ac:parameter ac:name="language">python</ac:parameter>'),
        ("ts", '<ac:parameter ac:name="language">typescript</ac:parameter>'),
        ("brainfog", ""),
    ],
)
def test_code_is_kept_letter_for_letter(language: str, parameter: str) -> None:
    code = "if a < b && c:\n\n    d = ']]>'"
    found = storage(f"```{language}\n{code}\n```")
    assert found.startswith(f'<ac:structured-macro ac:name="code">{parameter}')
    assert code in storage_markdown(found, "")


@pytest.mark.parametrize(
    "text",
    [
        '<ac:structured-macro ac:name="html">x</ac:structured-macro>',
        "<script>alert(1)</script><style>p {}</style>",
        '<p onclick="x()" class="y">words</p>',
        '<iframe src="https://a.b"></iframe>',
        '<a href="https://a.b" onmouseover="x()">far</a>',
        "<![CDATA[ <ac:link/> ]]>",
    ],
)
@pytest.mark.parametrize("name", ["a.md", "a.html", "a.txt"])
def test_no_document_brings_in_macros_scripts_or_attributes(text: str, name: str) -> None:
    found = storage(f"{text}\n\nwords", name)
    root = parsed(found)
    assert root is not None
    assert {one.tag for one in root.iter()} <= {"div", "p", "a"}
    assert {key for one in root.iter() for key in one.attrib} <= {"href"}
    assert "words" in found


@pytest.mark.parametrize(
    ("name", "text", "title", "rest"),
    [
        ("a.md", "# Leave *policy*\n\nText", "Leave policy", ""),
        ("a.md", "# Leave\n\nText", "Leave", ""),
        ("a.md", "---\ntitle: 'Leave'\n---\n# Another\n\nText", "Leave", "<h1>Another</h1>"),
        ("a.md", "---\nname: x\n---\nText", None, ""),
        ("a.md", "Text", None, ""),
        ("a.txt", "Text", None, ""),
        ("a.html", "<title>Leave</title><p>Text", "Leave", ""),
        ("a.html", "<title>Leave | Us</title><h1>Leave</h1><p>Text", "Leave", ""),
    ],
)
def test_a_page_is_called_as_its_document_says(
    name: str, text: str, title: str | None, rest: str
) -> None:
    form = page_of(name, text.encode())
    assert (form.title, form.storage) == (title, f"{rest}<p>Text</p>")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.md", b"# " + b"x" * 256), (".md", b"Text"), ("a.html", b"<div>" * 10_000)],
)
def test_what_cannot_be_a_page_says_why(name: str, content: bytes) -> None:
    with pytest.raises(BadInput, match=name):
        page_of(name, content)


@pytest.mark.parametrize("name", ["a.pdf", "a.png", "a", "a.rst", "md"])
def test_other_files_are_no_documents(name: str) -> None:
    assert family_of(name) is None


@given(st.text(), st.sampled_from(["a.md", "a.txt", "a.html"]))
def test_any_text_is_a_page_that_is_read_as_it_was_written(text: str, name: str) -> None:
    form = page_of(name, text.encode(errors="replace"))
    assert PageForm.read(form.written()) == form
    assert normal(form.storage) == form.storage


def test_what_confluence_adds_is_no_edit_and_everything_else_is() -> None:
    plain = '<p>A &amp; é</p><ac:structured-macro ac:name="toc" />'
    added = (
        '<p local-id="1">A &amp; &eacute;</p>\n<ac:structured-macro ac:schema-version="1"'
        ' ac:macro-id="2" ac:name="toc"></ac:structured-macro>'
    )
    assert normal(added) == normal(plain) == plain
    for other in (plain.replace("A", "B"), plain.replace("toc", "x"), f"<p>{plain}</p>"):
        assert normal(other) != plain


@pytest.mark.parametrize(
    "said",
    [
        "65537",
        65537,
        " 65537 ",
        "https://garden.atlassian.net/wiki/spaces/G/pages/65537/A+title?x=1",
    ],
)
def test_a_page_is_named_by_its_id_or_its_address(said: object) -> None:
    chosen = ConfluencePagesSelection.model_validate({"space": "G", "parent": said})
    assert chosen.parent == "65537"


@pytest.mark.parametrize("said", ["garden", "https://a.b/wiki/spaces/G/pages/x", None])
def test_what_names_no_page_is_refused(said: object) -> None:
    with pytest.raises(ValidationError, match="give the id of a page"):
        ConfluencePagesSelection.model_validate({"space": "G", "parent": said})
