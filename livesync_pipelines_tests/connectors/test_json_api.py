"""A JSON API as documents: what of its answers is an item, and where its pages end."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors import _json_api_pages as pages
from livesync_pipelines.connectors.json_api import LOOK_PAGES, JsonApiSelection
from livesync_pipelines.model.errors import Broken, LiveSyncError, Reauthorise, Unavailable
from livesync_pipelines.model.records import Body
from livesync_pipelines_tests.connectors.json_api_world import TOKEN, Served, things
from livesync_pipelines_tests.contracts.memory import FakeMemory, entries_of
from livesync_pipelines_tests.net.site import Site

BY_PAGE = {"by": "page"}
BY_CURSOR = {"by": "cursor", "at": "next", "param": "after"}


@pytest.fixture
def api() -> Iterator[Served]:
    with Site() as site:
        yield Served(site)


def numbered(api: Served, *shown: list[dict[str, Any]]) -> None:
    for number, items in enumerate((*shown, []), start=1):
        api.says(f"items?page={number}", items)


def test_an_answer_that_is_a_list_needs_no_more_words(api: Served) -> None:
    api.says("items", things(1, "b"))
    bodies = api.bodies()
    assert list(bodies) == ["1", "b"]
    assert bodies["1"].content == b'{\n  "id": 1,\n  "name": "thing 1"\n}'
    assert (bodies["1"].name, bodies["1"].url) == ("item.json", api.site.url("/api/items"))


def test_the_address_of_a_connection_may_be_that_of_a_listing(api: Served) -> None:
    api.site.put("/api", "[]")
    api.listed(path="")
    assert [call.target for call in api.site.calls] == ["/api"]


def test_a_document_is_what_the_selection_makes_of_an_item(api: Served) -> None:
    item = {
        "key": {"id": 7},
        "fields": {"title": "Ferns", "parts": ["They like *shade*.", None, "And rain."]},
        "web": "https://garden.example/7",
        "at": "2026-11-23T10:00:00+01:00",
        "tags": ["wet", "green"],
        "state": "open",
        "owner": None,
    }
    api.says("v2/items", {"data": {"items": [item]}})
    body = api.bodies(
        path="v2/items",
        items="data.items",
        id="key.id",
        text="fields.parts",
        title="fields.title",
        link="web",
        modified="at",
        attributes={"tags": "join(', ', tags)", "state": "state", "owner": "owner"},
    )["7"]
    assert body.content == b"They like *shade*.\n\nAnd rain."
    assert (body.name, body.title, body.url) == ("item.md", "Ferns", "https://garden.example/7")
    assert body.modified_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert body.attributes == {"tags": "wet, green", "state": "open"}


def test_only_an_edit_of_what_is_read_is_a_new_version(api: Served) -> None:
    def version(**said: Any) -> str:
        api.says("items", [{"id": 1, "text": "words", "looks": 1, "title": "T", **said}])
        return api.bodies(text="text", title="title")["1"].version

    first = version()
    assert version(looks=2) == first
    assert len({first, version(text="other"), version(title="U"), version(title=None)}) == 4


def test_numbers_are_shown_as_they_were_sent(api: Served) -> None:
    sent = b'[{"id": 12345678901234567890123, "exact": 0.1234567890123456789, "half": 0.50}]'
    api.says("items", sent)
    (found,) = api.bodies().values()
    assert found.key == "12345678901234567890123"
    assert b'"exact": 0.1234567890123456789' in found.content
    assert b'"half": 0.5' in found.content


@pytest.mark.parametrize("by", ["link", "url", "cursor", "page", "offset"])
def test_every_page_is_read_however_the_next_one_is_found(api: Served, by: str) -> None:
    said: dict[str, Any] = {"by": by}
    if by == "link":
        link = f'<{api.site.url("/api/items?at=2")}>; rel="next", </x>; rel="prev"'
        api.says("items?size=2", {"data": things(1, 2)}, link=link)
        api.says("items?at=2", {"data": things(3)})
    elif by == "url":
        said |= {"at": "links.next"}
        api.says("items?size=2", {"data": things(1, 2), "links": {"next": "items?at=2"}})
        api.says("items?at=2", {"data": things(3), "links": {"next": None}})
    elif by == "cursor":
        said |= BY_CURSOR | {"by": by}
        api.says("items?size=2", {"data": things(1, 2), "next": 17})
        api.says("items?size=2&after=17", {"data": things(3), "next": ""})
    else:
        first, second, third = (1, 2, 3) if by == "page" else (0, 2, 3)
        for place, items in ((first, things(1, 2)), (second, things(3)), (third, [])):
            api.says(f"items?size=2&{by}={place}", {"data": items})
    assert api.keys(items="data", params={"size": 2}, pages=said) == ["1", "2", "3"]


def test_the_credentials_go_along_and_to_this_server_alone(api: Served) -> None:
    api.says("items", {"data": things(1), "next": "http://127.0.0.2/api/items"})
    with pytest.raises(Broken, match="leads to another server") as told:
        api.listed(items="data", pages={"by": "url", "at": "next"})
    assert [call.headers["authorization"] for call in api.site.calls] == [f"Bearer {TOKEN}"]
    assert "Nothing was taken for deleted" in (told.value.hint or "")


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"headers": {"X-Key": "k"}}, {"x-key": "k", "authorization": f"Bearer {TOKEN}"}),
        (
            {"token": None, "user": "ada", "password": "p"},
            {"authorization": "Basic " + b64encode(b"ada:p").decode()},
        ),
        ({"token": None}, {}),
    ],
)
def test_there_are_three_ways_to_say_who_calls(
    api: Served, said: dict[str, Any], sent: dict[str, str]
) -> None:
    account = pages.account_of(api.connection(**said))
    assert {name.lower(): value for name, value in account.headers().items()} == sent
    assert TOKEN not in repr(account)
    assert not account.renewed()


@pytest.mark.parametrize(
    "said",
    [
        {"url": "https://ada:secret@api.example.com"},
        {"url": "https://api.example.com?key=secret"},
        {"url": "ftp://api.example.com"},
        {"url": "http://api.example.com", "token": "t"},
        {"url": "https://api.example.com", "user": "ada"},
        {"url": "https://api.example.com", "token": "t", "user": "ada", "password": "p"},
        {"url": "https://api.example.com", "headers": {"bad name": "x"}},
    ],
)
def test_a_connection_that_cannot_work_or_shows_a_secret_is_refused(
    api: Served, said: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        type(api.connection()).model_validate(said)


@pytest.mark.parametrize(
    "said",
    [
        {"items": "data["},
        {"items": "data | first(@)"},
        {"text": "join(',')"},
        {"path": "items?key=1"},
        {"pages": {"by": "magic"}},
        {"pages": {"by": "cursor", "at": "next"}},
        {"attributes": {"tags": "join("}},
    ],
)
def test_a_selection_that_means_nothing_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JsonApiSelection.model_validate(said)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"rows": []}, r"has no list at `items: data` \(it has rows\)"),
        ({"data": None}, r"has no list at `items: data`"),
        (b"<html>log in</html>", "answered with something that is no JSON"),
        (b'{"data": [NaN]}', "answered with something that is no JSON"),
        (b"", "answered with something that is no JSON"),
    ],
)
def test_an_answer_that_is_no_listing_deletes_nothing(
    api: Served, answer: Any, message: str
) -> None:
    api.says("items", answer)
    with pytest.raises(Broken, match=message) as told:
        api.listed(items="data")
    assert told.value.where.endswith("/api/items")
    assert "Nothing was taken for deleted" in (told.value.hint or "")


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Reauthorise), (403, Broken), (404, Broken), (500, Unavailable)]
)
def test_an_api_that_refuses_is_an_error(
    api: Served, status: int, kind: type[LiveSyncError]
) -> None:
    api.says("items", [], status=status)
    with pytest.raises(kind) as told:
        api.listed()
    assert kind is not Reauthorise or "Correct `token`" in (told.value.hint or "")


def test_pages_without_an_end_are_an_error(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 9):
        api.says(f"items?page={number}", things(1, 2))
    with pytest.raises(Broken, match="shows the same page twice"):
        api.listed(pages=BY_PAGE)
    api.says("items", {"data": [], "next": "a"})
    api.says("items?after=a", {"data": [], "next": "b"})
    api.says("items?after=b", {"data": [], "next": "a"})
    with pytest.raises(Broken, match="has no end"):
        api.listed(items="data", pages=BY_CURSOR)
    monkeypatch.setattr(pages, "MOST_PAGES", 2)
    numbered(api, things(1), things(2), things(3))
    with pytest.raises(Broken, match="has no end"):
        api.listed(pages=BY_PAGE)


def test_what_moves_to_a_page_that_was_read_is_not_taken_for_gone(api: Served) -> None:
    """While it is listed, an item of the first page is removed, so that the first one of the second
    moves up and is shown by none."""
    memory = FakeMemory()
    numbered(api, things(1, 2), things(3, 4))
    api.listed(memory, pages=BY_PAGE)
    with api.documents(pages=BY_PAGE) as connector:
        listing = connector.listing(memory)
        shown = [next(listing)]
        numbered(api, things(2, 3), things(4))
        shown += listing
    keys = [key for page in shown for key in page.entries["key"].to_pylist()]
    assert sorted(keys) == ["1", "2", "3", "4"]
    assert shown[-1].complete


def test_what_no_page_shows_is_looked_for_once_more_and_only_then(api: Served) -> None:
    memory = FakeMemory()
    numbered(api, things(1, 2), things(3))
    api.listed(memory, pages=BY_PAGE)
    api.site.calls.clear()
    api.listed(memory, pages=BY_PAGE)
    assert len(api.asked()) == 3
    numbered(api, things(1, 2))
    api.site.calls.clear()
    api.listed(memory, pages=BY_PAGE)
    assert set(memory.keys()) == {"1", "2", "3"}
    assert len(api.asked()) == 4


@pytest.mark.parametrize(
    "nameless", [{"name": "x"}, {"id": None}, {"id": ""}, {"id": [1]}, 5, None]
)
def test_while_an_item_has_no_id_nothing_is_gone(api: Served, nameless: Any) -> None:
    api.says("items", [*things(1), nameless])
    listed = api.listed()
    (failure,) = (failure for page in listed for failure in page.failures)
    assert (failure.key, failure.code) == ("page 1, item 2", "no_id")
    assert not listed[-1].complete


@pytest.mark.parametrize(
    ("item", "code", "select"),
    [
        ({"id": 1, "text": {"a": 1}}, "unreadable", {"text": "text"}),
        ({"id": 1, "at": "yesterday"}, "unreadable", {"modified": "at"}),
        ({"id": 1, "tags": [1]}, "unreadable", {"attributes": {"tags": "join(',', tags)"}}),
        ({"id": 1, "text": "x" * 10_001}, "too_large", {"text": "text"}),
    ],
)
def test_what_cannot_be_read_is_the_failure_of_its_item_alone(
    api: Served, item: Any, code: str, select: dict[str, Any]
) -> None:
    api.says("items", [item, {"id": 2, "text": "well", "tags": ["a"]}])
    listed = api.listed(**select)
    assert [failure.code for page in listed for failure in page.failures] == [code]
    assert [key for page in listed for key in page.bodies] == ["2"]
    assert listed[-1].complete


@pytest.mark.parametrize("odd", [r'"\ud800"', "[" * 300 + "]" * 300])
def test_what_cannot_be_kept_as_json_is_the_failure_of_its_item(api: Served, odd: str) -> None:
    api.says("items", f'[{{"id": 1, "a": {odd}}}, {{"id": 2, "a": 1}}]'.encode())
    (listed, _) = api.listed()
    assert [(one.key, one.code) for one in listed.failures] == [("1", "unreadable")]
    assert list(listed.bodies) == ["2"]


def test_of_two_items_with_one_id_the_first_is_taken(api: Served) -> None:
    api.says("items", [{"id": 1, "text": "first"}, {"id": "1", "text": "second"}])
    assert api.bodies(text="text")["1"].content == b"first"


def test_one_item_is_found_again_with_no_more_pages_than_that_needs(api: Served) -> None:
    numbered(api, things(1, 2), things(3))
    entries = [entry for page in api.listed(pages=BY_PAGE) for entry in entries_of(page)]
    api.site.calls.clear()
    with api.documents(pages=BY_PAGE) as connector:
        (body,) = connector.fetch(entries[:1])
    assert isinstance(body, Body)
    assert api.asked() == ["items?page=1"]


def test_a_probe_sees_whatever_a_listing_shows(api: Served) -> None:
    marks = []
    with api.documents(pages=BY_PAGE) as connector:
        for shown in ([things(1), things(2)], [things(1), things(2)], [things(1), things(3)]):
            numbered(api, *shown)
            marks.append(connector.probe(FakeMemory()))
    assert marks[0] == marks[1] != marks[2]


def test_of_many_pages_a_probe_cannot_tell(api: Served) -> None:
    numbered(api, *(things(n) for n in range(LOOK_PAGES + 5)))
    with api.documents(pages=BY_PAGE) as connector, pytest.raises(Unavailable):
        connector.probe(FakeMemory())
    assert len(api.asked()) == LOOK_PAGES + 1
