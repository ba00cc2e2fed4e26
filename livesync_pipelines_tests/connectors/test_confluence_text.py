"""Confluence's two text formats as Markdown."""

from __future__ import annotations

import json

import pytest

from livesync_pipelines.connectors._confluence_adf import adf_markdown
from livesync_pipelines.connectors._confluence_storage import storage_markdown
from livesync_pipelines.formats.limits import Unreadable

BASE = "https://example.atlassian.net/wiki/"


def macro(name: str, body: str = "", **parameters: str) -> str:
    said = "".join(
        f'<ac:parameter ac:name="{key}">{value}</ac:parameter>' for key, value in parameters.items()
    )
    return f'<ac:structured-macro ac:name="{name}">{said}{body}</ac:structured-macro>'


def rich(text: str) -> str:
    return f"<ac:rich-text-body>{text}</ac:rich-text-body>"


def plain(text: str) -> str:
    return f"<ac:plain-text-body><![CDATA[{text}]]></ac:plain-text-body>"


@pytest.mark.parametrize(
    ("storage", "markdown"),
    [
        ("<h2>A&nbsp;b</h2><p>c &amp; d &lt; e&hellip;</p>", "## A b\n\nc & d < e…"),
        (macro("code", plain("a < b && c"), language="c++"), "```c\na < b && c\n```"),
        (macro("noformat", plain("as it is")), "```\nas it is\n```"),
        (macro("info", rich("<p>Mind.</p>")), "> **Info**\n>\n> Mind."),
        (macro("panel", rich("<p>Mind.</p>"), title="Frost"), "> **Frost**\n>\n> Mind."),
        (macro("panel", rich("<p>Mind.</p>")), "> Mind."),
        (macro("expand", rich("<p>Inner.</p>"), title="More"), "**More**\n\nInner."),
        (f"<p>a</p>{macro('toc', maxLevel='2')}<p>b</p>", "a\n\nb"),
        (f"<p>It is {macro('status', title='DONE', colour='Green')}.</p>", "It is **DONE**."),
        (f"<p>See {macro('jira', key='FERN-1')}.</p>", "See FERN-1."),
        (macro("nobody-knows-it", rich("<p>Words.</p>")), "Words."),
        (macro("nobody-knows-it", plain("Words.")), "Words."),
        (macro("children"), ""),
        ('<p><ac:link><ri:page ri:content-title="Moss &amp; co" /></ac:link></p>', "Moss & co"),
        (
            '<p><ac:link><ri:attachment ri:filename="a.pdf" /><ac:plain-text-link-body>'
            "<![CDATA[the plan]]></ac:plain-text-link-body></ac:link></p>",
            "the plan",
        ),
        ('<p>By <ac:link><ri:user ri:account-id="7:a" /></ac:link> x</p>', "By  x"),
        ('<p><ac:image><ri:attachment ri:filename="f.png" /></ac:image></p>', "f.png"),
        ('<p><ac:image ac:alt="A fern"><ri:url ri:value="x" /></ac:image></p>', "A fern"),
        ('<p><a href="/wiki/x">up</a></p>', "[up](https://example.atlassian.net/wiki/x)"),
        ('<p>on <time datetime="2026-11-22" /></p>', "on 2026-11-22"),
        ('<p>ok <ac:emoticon ac:name="tick" ac:emoji-fallback="✅" /></p>', "ok ✅"),
        (
            "<ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>complete"
            "</ac:task-status><ac:task-body>Sow</ac:task-body></ac:task><ac:task><ac:task-status>"
            "incomplete</ac:task-status><ac:task-body>Water</ac:task-body></ac:task>"
            "</ac:task-list>",
            "- [x] Sow\n- [ ] Water",
        ),
        (
            "<table><tbody><tr><th>A</th><th>B</th></tr><tr><td><p>1</p></td><td>2</td></tr>"
            "</tbody></table>",
            "| A | B |\n| --- | --- |\n| 1 | 2 |",
        ),
        (
            "<ac:layout><ac:layout-section><ac:layout-cell><p>In a cell.</p></ac:layout-cell>"
            "</ac:layout-section></ac:layout>",
            "In a cell.",
        ),
        ("<p>not <b>closed", "not **closed**"),
        ("<p>a<!-- nobody sees it -->b</p>", "ab"),
        ("", ""),
    ],
)
def test_storage_format_becomes_markdown(storage: str, markdown: str) -> None:
    assert storage_markdown(storage, BASE).split() == markdown.split()


@pytest.mark.parametrize("depth", [300, 10_000])
def test_what_is_nested_beyond_reason_is_unreadable(depth: int) -> None:
    with pytest.raises(Unreadable):
        storage_markdown("<div>" * depth + "deep", BASE)


def test_no_file_of_this_machine_is_read_through_an_entity() -> None:
    storage = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><p>&e; after</p>'
    assert "root:" not in storage_markdown(storage, BASE)


def node(kind: str, *content: object, **attributes: object) -> dict[str, object]:
    return {"type": kind, "attrs": attributes, "content": list(content)}


def words(text: str, *marks: dict[str, object]) -> dict[str, object]:
    return {"type": "text", "text": text, "marks": list(marks)}


LINK: dict[str, object] = {"type": "link", "attrs": {"href": "https://example.com/"}}


@pytest.mark.parametrize(
    ("content", "markdown"),
    [
        (node("heading", words("Ferns"), level=2), "## Ferns"),
        (node("paragraph", words("a", {"type": "strong"}), words(" <b>")), "**a** \\<b>"),
        (node("paragraph", words("site", LINK)), "[site](https://example.com/)"),
        (node("codeBlock", words("a < b"), language="c"), "```c\na < b\n```"),
        (node("panel", node("paragraph", words("Mind."))), "> Mind."),
        (node("expand", node("paragraph", words("In.")), title="More"), "**More**\n\nIn."),
        (node("bulletList", node("listItem", node("paragraph", words("a")))), "- a"),
        (node("taskList", node("taskItem", words("Sow"), state="DONE")), "- [x] Sow"),
        (
            node("paragraph", node("mention", text="@Ada"), node("status", text="OK")),
            "@Ada**OK**",
        ),
        (node("paragraph", node("date", timestamp="1795305600000")), "2026-11-22"),
        (
            node(
                "table",
                node("tableRow", node("tableHeader", node("paragraph", words("A")))),
                node("tableRow", node("tableCell", node("paragraph", words("1")))),
            ),
            "| A |\n| --- |\n| 1 |",
        ),
    ],
)
def test_the_document_format_becomes_markdown(content: dict[str, object], markdown: str) -> None:
    found = adf_markdown(json.dumps(node("doc", content)), BASE)
    assert found.replace("\\<", "<").split() == markdown.replace("\\<", "<").split()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": "text"}', '"doc"'])
def test_a_document_that_is_none_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        adf_markdown(text, BASE)


def test_a_document_that_is_nested_beyond_reason_is_unreadable() -> None:
    deep = '{"type":"doc","content":[' * 500 + '{"type":"rule"}' + "]}" * 500
    with pytest.raises(Unreadable):
        adf_markdown(deep, BASE)
