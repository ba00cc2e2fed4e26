"""A JSON API as a table of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from livesync_pipelines.connectors import ROW_ENDS
from livesync_pipelines.connectors.json_api import LOOK_PAGES
from livesync_pipelines.connectors.json_api_rows import JsonApiRows
from livesync_pipelines.connectors.rows import WritesRows
from livesync_pipelines.model.errors import Broken
from livesync_pipelines_tests.connectors.json_api_world import Served, things
from livesync_pipelines_tests.connectors.row_files import failures, rows
from livesync_pipelines_tests.net.site import Reply, Site

BY_PAGE = {"by": "page"}


@pytest.fixture
def api() -> Iterator[Served]:
    with Site() as site:
        yield Served(site)


def numbered(api: Served, *shown: list[dict[str, Any]]) -> None:
    for number, items in enumerate((*shown, []), start=1):
        api.says(f"items?page={number}", items)


def test_items_are_rows_with_the_types_of_their_values(api: Served) -> None:
    found = [
        {"id": 2, "name": "moss", "price": 2, "tags": ["a"], "hardy": True, "at": {"bed": 3}},
        {"id": 1, "price": 2.5, "tags": None, "hardy": False, "at": {"bed": 1}, "more": "x"},
    ]
    api.says("items", {"data": found})
    with api.rows(items="data") as end:
        assert rows(end, "id", "name", "price", "hardy", "more") == [
            {"id": 1, "name": None, "price": 2.5, "hardy": False, "more": "x"},
            {"id": 2, "name": "moss", "price": 2.0, "hardy": True, "more": None},
        ]
        assert [row["at"] for row in rows(end, "at")] == ['{"bed":1}', '{"bed":3}']
    assert api.asked() == ["items"]


def test_an_api_without_items_is_a_table_without_rows(api: Served) -> None:
    api.says("items", [])
    with api.rows() as end:
        assert rows(end) == []


def test_an_answer_that_is_no_listing_is_no_empty_table(api: Served) -> None:
    api.says("items", {"error": "maintenance"})
    with api.rows() as end, pytest.raises(Broken, match=r"no list at `items: @` \(it has error\)"):
        end.shape()


def test_an_item_that_is_no_row_fails_alone(api: Served) -> None:
    api.says("items", b'[{"id": 1, "n": 0.12345678901234567891}, 5, {"id": 2, "n": 1}, {"n": 3}]')
    with api.rows() as end:
        assert rows(end) == [{"id": 2, "n": 1}]
        told = {failure.key: failure.reason for failure in failures(end)}
    assert len(told) == 3
    assert any("would be rounded" in reason for reason in told.values())
    assert any("item 2" in key or "item 2" in reason for key, reason in told.items())


@pytest.mark.parametrize("odd", [r'"\ud800"', "[" * 300 + "]" * 300])
def test_what_cannot_be_kept_as_json_fails_alone(api: Served, odd: str) -> None:
    api.says("items", f'[{{"id": 1, "a": {odd}}}, {{"id": 2, "a": 1}}]'.encode())
    with api.rows() as end:
        assert rows(end) == [{"id": 2, "a": 1}]
        assert len(failures(end)) == 1


def test_items_that_move_between_pages_while_they_are_read_are_all_there_once(api: Served) -> None:
    """One is removed after page 1 was read, so that what was the first of page 2 is shown by
    neither."""
    numbered(api, things(2, 3), things(4, 5))
    first = Reply(body=json.dumps(things(1, 2)).encode())
    second = Reply(body=json.dumps(things(2, 3)).encode())
    api.site.queue("/api/items?page=1", [first, second])
    with api.rows(pages=BY_PAGE) as end:
        assert [row["id"] for row in rows(end)] == [1, 2, 3, 4, 5]
    assert api.asked() == [f"items?page={n}" for n in (1, 2, 3)] * 2


def test_the_mark_is_another_one_only_where_the_rows_are(api: Served) -> None:
    marks = []
    for shown in ([things(1), things(2)], [things(1), things(2)], [things(1), things(3)]):
        numbered(api, *shown)
        with api.rows(pages=BY_PAGE) as end:
            marks.append(end.mark())
            asked = len(api.asked())
            rows(end)
            assert len(api.asked()) == asked
    assert marks[0] == marks[1] != marks[2]


def test_of_many_pages_there_is_no_mark_and_the_rows_are_read_all_the_same(api: Served) -> None:
    numbered(api, *(things(n) for n in range(LOOK_PAGES + 2)))
    with api.rows(pages=BY_PAGE) as end:
        assert end.mark() is None
        assert len(rows(end)) == LOOK_PAGES + 2


def test_without_its_key_no_item_is_a_row(api: Served) -> None:
    api.says("items", things(1, 2))
    with api.rows(key=["number"]) as end:
        assert rows(end) == []
        assert ["number" in failure.reason for failure in failures(end)] == [True, True]


def test_it_is_found_by_name_and_can_only_be_read() -> None:
    assert ROW_ENDS["json_api"] is JsonApiRows
    assert not issubclass(JsonApiRows, WritesRows)
