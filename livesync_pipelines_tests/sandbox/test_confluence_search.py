"""The pretend Confluence: its search, and what people do in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from livesync_pipelines.sandbox.confluence.site import API_TOKEN

from ..connectors.confluence_world import Wiki, a_wiki
from .served import ADA, BEN


@pytest.fixture
def wiki() -> Iterator[Wiki]:
    with a_wiki() as made:
        yield made


def get(wiki: Wiki, path: str, **asked: str | int) -> httpx.Response:
    """What `/wiki{path}` answers Ada."""
    url, signed = f"/confluence/wiki{path}", (ADA, API_TOKEN)
    return wiki.sandbox.client.get(url, params=asked, auth=signed)


def found(wiki: Wiki, cql: str, limit: int = 25) -> list[str]:
    """The ids that a search finds on its first page."""
    answer = get(wiki, "/rest/api/search", cql=cql, limit=limit)
    assert answer.status_code == 200, answer.text
    return [one["content"]["id"] for one in answer.json()["results"]]


def test_cql_knows_minutes_and_no_seconds(wiki: Wiki) -> None:
    old = wiki.site.create("page", wiki.garden, "Old")
    wiki.sandbox.control("POST", "/clock", {"advance_s": 90})
    new = wiki.site.create("blogpost", wiki.garden, "New")
    both = 'lastmodified >= "2026-01-05 09:00" and space in (GARDEN) order by lastmodified'
    assert found(wiki, both, limit=1) == [old.id]
    assert found(wiki, f"{both} desc", limit=1) == [new.id]
    assert found(wiki, 'lastmodified >= "2026-01-05 09:01" and type in (page, blogpost)') == [
        new.id
    ]
    assert found(wiki, 'lastmodified > "2026-01-05 09:01"') == []
    assert found(wiki, "lastmodified >= now('-1m') order by lastmodified asc") == [old.id, new.id]
    wiki.sandbox.control("POST", "/clock", {"advance_s": 60})
    assert found(wiki, 'lastmodified >= now("-1m")') == [new.id]


def test_cql_joins_what_is_asked_and_counts_all_that_it_finds(wiki: Wiki) -> None:
    shed = wiki.site.open_space("SHED", "Shed")
    wet, dry = (wiki.site.create("page", wiki.garden, title).id for title in ("Wet", "Dry"))
    file = wiki.site.create("attachment", shed, "a.txt", data=b"x").id
    wiki.site.label(wet, "wet")
    either = '(type in (page) and label = "wet") or type = attachment'
    assert found(wiki, f"{either} order by lastmodified") == [wet, file]
    assert found(wiki, f'space in ("GARDEN") and ({either})') == [wet]
    assert found(wiki, "label = wet and type = attachment or type = page") == [wet, dry]
    asked = {"cql": "type in (page, attachment)", "expand": "content.version"}
    answer = get(wiki, "/rest/api/search", **asked, limit=1).json()
    assert (answer["totalSize"], answer["results"][0]["content"]["version"]["number"]) == (3, 1)
    assert "history" not in answer["results"][0]["content"]


@pytest.mark.parametrize(
    "cql",
    [
        "",
        "nonsense",
        "type = ",
        "type in (page",
        "(type = page",
        "type = page)",
        "type = page or",
        "type ! page",
        "title = Ferns",
        "type = page order by title",
        'lastmodified >= now("1m")',
        'lastmodified >= "yesterday"',
        "lastmodified page",
        'type = "page',
    ],
)
def test_cql_that_is_not_known_is_refused(wiki: Wiki, cql: str) -> None:
    assert get(wiki, "/rest/api/search", cql=cql).status_code == 400


def test_the_search_lags_behind_as_far_as_it_is_told_to(wiki: Wiki) -> None:
    page = wiki.site.create("page", wiki.garden, "Ferns")
    console(wiki, "index", lag_s=60)
    assert found(wiki, "type = page") == []
    wiki.sandbox.control("POST", "/clock", {"advance_s": 60})
    assert found(wiki, "type = page") == [page.id]
    wiki.site.purge(page.id)
    assert found(wiki, "type = page") == [page.id]
    console(wiki, "index", lag_s=0)
    assert found(wiki, "type = page") == []


def test_pages_are_listed_by_their_ids(wiki: Wiki) -> None:
    ids = [wiki.site.create("page", wiki.garden, title).id for title in "ABC"]
    shown = get(wiki, "/api/v2/pages", id=f"{ids[0]},{ids[2]},77").json()["results"]
    assert [one["id"] for one in shown] == [ids[0], ids[2]]


def console(wiki: Wiki, act: str, **said: object) -> Any:
    """What `/console/{act}` answers."""
    answer = wiki.sandbox.client.post(f"/confluence/console/{act}", json=said)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_people_do_in_the_browser_can_be_done_over_http(wiki: Wiki) -> None:
    page_id = wiki.site.create("page", wiki.garden, "Ferns").id
    assert console(wiki, "label", id=page_id, labels=["wet"])["labels"] == ["wet"]
    said = console(wiki, "comment", id=page_id, storage="<p>Nice</p>")
    file = console(wiki, "attach", id=page_id, title="a.txt", text="Soil")
    assert (said["parent"], file["parent"]) == (page_id, page_id)
    assert console(wiki, "edit", id=said["id"], storage="<p>Nicer</p>")["version"] == 2
    assert console(wiki, "edit", id=file["id"], text="Wet soil")["version"] == 2
    assert wiki.site.contents[file["id"]].data == b"Wet soil"
    shed = console(wiki, "space", key="SHED")
    assert console(wiki, "move", id=page_id, space="SHED")["space"] == "SHED"
    assert wiki.site.contents[said["id"]].space_id == shed["id"], "what hangs on it comes along"
    assert console(wiki, "restrict", id=page_id, readers=[BEN])["seenBy"] == [BEN]
    assert len(console(wiki, "restrict", id=page_id, readers=None)["seenBy"]) == 3
    for status in ("archived", "trashed", "current"):
        assert console(wiki, "turn", id=page_id, status=status)["status"] == status
    console(wiki, "purge", id=page_id)
    assert wiki.site.contents == {}


@pytest.mark.parametrize(
    ("act", "said", "why"),
    [
        ("label", {"id": "77", "labels": []}, "there is no content 77"),
        ("label", {"id": "PAGE"}, "'labels' is not said"),
        ("turn", {"id": "PAGE", "status": "lost"}, "a status is one of current"),
        ("move", {"id": "PAGE", "space": "NOWHERE"}, "there is no space NOWHERE"),
        ("restrict", {"id": "PAGE", "readers": ["eve@example.com"]}, "nobody here is called eve"),
        ("comment", {"id": "FILE", "storage": ""}, "no page and no blog post"),
        ("index", {"lag_s": "long"}, "could not convert"),
        ("label", [], "takes an object"),
    ],
)
def test_what_cannot_be_done_by_hand_is_refused_with_a_reason(
    wiki: Wiki, act: str, said: Any, why: str
) -> None:
    page = wiki.site.create("page", wiki.garden, "Ferns")
    file = wiki.site.create("attachment", wiki.garden, "a.txt", parent=page.id, data=b"x")
    ids = {"PAGE": page.id, "FILE": file.id}
    if isinstance(said, dict) and "id" in said:
        said = {**said, "id": ids.get(said["id"], said["id"])}
    before = dict(wiki.site.contents)
    answer = wiki.sandbox.client.post(f"/confluence/console/{act}", json=said)
    assert answer.status_code == 400
    assert why in answer.json()["error"]
    assert wiki.site.contents == before
