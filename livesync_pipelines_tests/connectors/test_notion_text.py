"""Notion's blocks as Markdown: each type, nested, as a reader of the page would see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from livesync_pipelines.sandbox.notion.planting import text

from .notion_world import Desk, a_desk

URL = "https://example.com/a"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def marked(words: str, **annotations: bool) -> dict[str, Any]:
    return {"text": {"content": words}, "annotations": annotations}


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        (text("Words"), "Words"),
        (text("A\nB"), "A  \nB"),
        (text("5 < 6 & 7"), "5 < 6 & 7"),
        (text("One", "heading_1"), "# One"),
        (text("Three", "heading_3", is_toggleable=True, children=[text("In")]), "### Three\n\nIn"),
        (text("Four", "heading_4"), "#### Four"),
        (text("Said", "quote"), "> Said"),
        (text("Mind", "callout", icon={"type": "emoji", "emoji": "💡"}), "> 💡 Mind"),
        (text("More", "toggle", children=[text("Inside")]), "More\n\nInside"),
        (text("x < 1", "code", language="python"), "```python\nx < 1\n```"),
        ({"equation": {"expression": "e=mc^2"}}, "$$e=mc^2$$"),
        ({"divider": {}}, "---"),
        ({"bookmark": {"url": URL}}, f"[{URL}]({URL})"),
        ({"embed": {"url": URL, "caption": [marked("Look")]}}, f"[Look]({URL})"),
        ({"image": {"external": {"url": URL}, "caption": [marked("Fern")]}}, f"[Fern]({URL})"),
        ({"file": {"file": {"url": URL}, "name": "f.zip"}}, "f.zip"),
        ({"video": {"file": {"url": URL}}}, ""),
        ({"synced_block": {"synced_from": None, "children": [text("Twice")]}}, "Twice"),
        ({"tab": {"children": [text("Left"), text("Right")]}}, "Left\n\nRight"),
        (text("Button", "template"), "Button"),
        ({"meeting_notes": {"title": [marked("Plan")], "children": [text("B")]}}, "**Plan**\n\nB"),
        ({"breadcrumb": {}}, ""),
        ({"table_of_contents": {}}, ""),
        ({"unsupported": {}}, ""),
    ],
)
def test_a_block_is_read(desk: Desk, block: dict[str, Any], wanted: str) -> None:
    assert desk.text([block]) == wanted


def test_lists_are_one_list_each_and_keep_their_depth(desk: Desk) -> None:
    found = desk.text(
        [
            text("A", "bulleted_list_item", children=[text("B", "numbered_list_item")]),
            text("C", "bulleted_list_item"),
            text("D", "numbered_list_item"),
            text("E", "numbered_list_item"),
            text("F", "to_do", checked=True),
            text("G", "to_do"),
        ]
    )
    assert "- A\n" in found
    assert "1. B" in found
    assert "- C" in found
    assert "1. D\n2. E" in found
    assert "[x] F" in found
    assert "[ ] G" in found


def test_columns_are_read_from_left_to_right(desk: Desk) -> None:
    columns = [{"column": {"children": [text(side)]}} for side in ("Left", "Right")]
    assert desk.text([{"column_list": {"children": columns}}]) == "Left\n\nRight"


def test_a_table_is_one_with_its_header(desk: Desk) -> None:
    rows = [
        {"table_row": {"cells": [[marked(cell)] for cell in row]}}
        for row in (("Plant", "Depth"), ("Fern", "0 | 1"))
    ]
    said = {"table_width": 2, "has_column_header": True, "children": rows}
    found = desk.text([{"table": said}])
    assert found.splitlines()[0] == "| Plant | Depth |"
    assert found.splitlines()[2] == "| Fern | 0 \\| 1 |"


def test_words_keep_their_marks_links_and_mentions(desk: Desk) -> None:
    rich = [
        marked("bold", bold=True),
        marked(" "),
        marked("both", bold=True, italic=True),
        marked(" "),
        marked("old", strikethrough=True),
        marked(" "),
        marked("x = 1", code=True),
        marked(" "),
        {"text": {"content": "link", "link": {"url": URL}}},
        marked(" "),
        {"mention": {"user": {"id": desk.space.somebody}}, "plain_text": "@Ada Acacia"},
        marked(" "),
        {"mention": {"date": {"start": "2026-01-05", "end": "2026-01-07"}}},
        marked(" "),
        {"equation": {"expression": "a+b"}},
    ]
    found = desk.text([{"paragraph": {"rich_text": rich}}])
    for part in ("**bold**", "~~old~~", "`x = 1`", f"[link]({URL})", "@Ada Acacia", "$a+b$"):
        assert part in found
    assert "2026-01-05 → 2026-01-07" in found


def test_a_link_to_a_page_is_its_address_and_a_page_below_is_not_named(desk: Desk) -> None:
    page_id = desk.home.id
    found = desk.text([{"link_to_page": {"type": "page_id", "page_id": page_id}}])
    assert f"https://www.notion.so/{page_id.replace('-', '')}" in found
    above = desk.space.page("Above", parent=desk.home.id, blocks=[text("Words.")])
    desk.space.page("A secret title", parent=above.id)
    body = desk.read()[above.id]
    assert "secret" not in repr(body)
