"""The pretend Notion, used by notion-client as if it were the real one; what it answers fits the
types that Notion publishes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
from notion_client.errors import APIResponseError
from notion_client.helpers import collect_paginated_api

from livesync_pipelines.sandbox.notion.planting import planted, text
from livesync_pipelines.sandbox.notion.workspace import Thing, Workspace
from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from livesync_pipelines.sandbox.world import World

from .notion_client import misfits, notion_of
from .served import ADA, Sandbox, a_sandbox

BLOCKS: list[dict[str, Any]] = [
    text("Words"),
    text("One", "heading_1"),
    text("Four", "heading_4", is_toggleable=True),
    text("Dot", "bulleted_list_item", children=[text("Deeper", "numbered_list_item")]),
    text("Do", "to_do", checked=True),
    text("More", "toggle", children=[text("Inside")]),
    text("Said", "quote"),
    text("Mind", "callout"),
    text("print()", "code", language="python"),
    {"equation": {"expression": "e=mc^2"}},
    {"divider": {}},
    {"breadcrumb": {}},
    {"table_of_contents": {}},
    {"tab": {"children": [text("Tab")]}},
    {"column_list": {"children": [{"column": {"children": [text("Left")]}}]}},
    {"table": {"table_width": 1, "children": [{"table_row": {"cells": [[]]}}]}},
    {"synced_block": {"synced_from": None, "children": [text("Twice")]}},
    {"embed": {"url": "https://example.com/a"}},
    {"bookmark": {"url": "https://example.com/b"}},
    {"link_preview": {"url": "https://example.com/c"}},
    {"image": {"external": {"url": "https://example.com/i.png"}}},
    {"video": {"file": {"url": "https://files.example.com/v.mp4"}}},
    {"audio": {"external": {"url": "https://example.com/a.mp3"}}},
    {"pdf": {"file": {"url": "https://files.example.com/p.pdf"}}},
    {"file": {"external": {"url": "https://example.com/f.zip"}, "name": "f.zip"}},
    text("Button", "template"),
    {"meeting_notes": {}},
    {"unsupported": {}},
]
SCHEMA: dict[str, Any] = {
    "Name": {"title": {}},
    "Note": {"rich_text": {}},
    "Count": {"number": {}},
    "Kind": {"select": {"options": [{"name": "Fern"}]}},
    "Tags": {"multi_select": {}},
    "State": {"status": {"options": [{"name": "Seed"}]}},
    "Due": {"date": {}},
    "Who": {"people": {}},
    "Files": {"files": {}},
    "Done": {"checkbox": {}},
    "Url": {"url": {}},
    "Mail": {"email": {}},
    "Phone": {"phone_number": {}},
    "Twice": {"formula": {"expression": 'prop("Count") * 2'}},
    "Made": {"created_time": {}},
    "Maker": {"created_by": {}},
    "Edited": {"last_edited_time": {}},
    "Editor": {"last_edited_by": {}},
    "No": {"unique_id": {"prefix": "P"}},
}
VALUES: dict[str, Any] = {
    "Name": {"title": [{"text": {"content": "Fern"}}]},
    "Note": {"rich_text": [{"text": {"content": "green", "link": {"url": "https://a.b"}}}]},
    "Count": {"number": 3},
    "Kind": {"select": {"name": "Fern"}},
    "Tags": {"multi_select": [{"name": "wet"}, {"name": "tall"}]},
    "State": {"status": {"name": "Seed"}},
    "Due": {"date": {"start": "2026-01-05", "end": "2026-01-07"}},
    "Files": {"files": [{"type": "external", "name": "a", "external": {"url": "https://a.b/c"}}]},
    "Done": {"checkbox": True},
    "Url": {"url": "https://a.b"},
    "Mail": {"email": "a@b.c"},
    "Phone": {"phone_number": "1"},
}


@dataclass(frozen=True, slots=True)
class Notes:
    space: Workspace
    sandbox: Sandbox
    client: Any
    home: Thing

    def later(self, minutes: int = 2) -> None:
        self.sandbox.control("POST", "/clock", {"advance_s": 60 * minutes})


@pytest.fixture
def notes() -> Iterator[Notes]:
    space = Workspace(World())
    home = space.page("Home")
    with a_sandbox(space.world, space=space) as sandbox, notion_of(sandbox) as client:
        yield Notes(space, sandbox, client, home)


def refused(code: str, status: int) -> Any:
    return pytest.raises(APIResponseError, check=lambda e: (e.code, e.status) == (code, status))


def test_blocks_of_every_type_are_written_and_read_as_the_types_say(notes: Notes) -> None:
    made = notes.client.blocks.children.append(notes.home.id, children=BLOCKS)
    assert misfits("ListBlockChildrenResponse", made) == []
    found = collect_paginated_api(notes.client.blocks.children.list, block_id=notes.home.id)
    assert [block["type"] for block in found] == [
        block.get("type", next(iter(block))) for block in BLOCKS
    ]
    for block in found:
        assert misfits("GetBlockResponse", block) == []
        below = notes.client.blocks.children.list(block["id"])
        assert misfits("ListBlockChildrenResponse", below) == []
        assert block["has_children"] is bool(below["results"])


def test_a_page_is_made_edited_trashed_and_restored(notes: Notes) -> None:
    parent, title = {"page_id": notes.home.id}, [{"text": {"content": "Ferns"}}]
    page = notes.client.pages.create(
        parent=parent, properties={"title": {"title": title}}, children=[text("Green.")]
    )
    assert misfits("GetPageResponse", page) == []
    (block,) = notes.client.blocks.children.list(page["id"])["results"]
    assert block["paragraph"]["rich_text"][0]["plain_text"] == "Green."
    notes.later()
    notes.client.blocks.update(block["id"], paragraph={"rich_text": []})
    after = notes.client.pages.retrieve(page["id"])
    assert after["last_edited_time"] > page["last_edited_time"]
    home = notes.client.pages.retrieve(notes.home.id)
    assert home["last_edited_time"] == page["last_edited_time"]
    notes.client.blocks.delete(block["id"])
    assert notes.client.blocks.children.list(page["id"])["results"] == []
    notes.client.pages.update(page["id"], in_trash=True)
    assert notes.client.pages.retrieve(page["id"])["in_trash"] is True
    assert notes.client.blocks.children.list(notes.home.id)["results"] == []
    with refused("validation_error", 400):
        notes.client.blocks.children.append(page["id"], children=[text("No.")])
    notes.client.pages.update(page["id"], in_trash=False)
    (child,) = notes.client.blocks.children.list(notes.home.id)["results"]
    assert child["child_page"] == {"title": "Ferns"}


def test_times_are_whole_minutes(notes: Notes) -> None:
    before = notes.client.pages.retrieve(notes.home.id)["last_edited_time"]
    notes.sandbox.control("POST", "/clock", {"advance_s": 30})
    notes.client.blocks.children.append(notes.home.id, children=[text("More.")])
    assert notes.client.pages.retrieve(notes.home.id)["last_edited_time"] == before
    assert before.endswith(":00.000Z")


def test_rows_of_every_property_are_written_and_read_as_the_types_say(notes: Notes) -> None:
    database = notes.client.databases.create(
        parent={"page_id": notes.home.id},
        title=[{"text": {"content": "Plants"}}],
        initial_data_source={"properties": SCHEMA},
    )
    assert misfits("GetDatabaseResponse", database) == []
    source_id = database["data_sources"][0]["id"]
    source = notes.client.data_sources.retrieve(source_id)
    assert misfits("GetDataSourceResponse", source) == []
    assert {name: one["type"] for name, one in source["properties"].items()} == {
        name: next(iter(said)) for name, said in SCHEMA.items()
    }
    parent = {"data_source_id": source_id}
    who = {"Who": {"people": [{"id": notes.space.somebody}]}}
    row = notes.client.pages.create(parent=parent, properties=VALUES | who)
    assert misfits("GetPageResponse", row) == []
    assert row["properties"]["Twice"]["formula"] == {"type": "number", "number": 6}
    assert row["properties"]["No"]["unique_id"] == {"prefix": "P", "number": 1}
    empty = notes.client.pages.create(parent=parent, properties={})
    assert misfits("GetPageResponse", empty) == []
    for one in row["properties"].values():
        item = notes.client.pages.properties.retrieve(row["id"], one["id"])
        assert misfits("GetPagePropertyResponse", item) == [], one
    found = notes.client.data_sources.query(source_id)
    assert misfits("QueryDataSourceResponse", found) == []
    assert {one["id"] for one in found["results"]} == {row["id"], empty["id"]}
    notes.client.data_sources.update(source_id, properties={"Url": None, "New": {"number": {}}})
    names = notes.client.data_sources.retrieve(source_id)["properties"].keys()
    assert "New" in names
    assert "Url" not in names


def test_relations_and_rollups_follow_other_rows_and_long_ones_are_cut(notes: Notes) -> None:
    plants = notes.space.database("Plants", {"Name": {"title": {}}, "Count": {"number": {}}})
    rolled = {"relation_property_name": "Plants", "rollup_property_name": "Count"}
    beds = notes.space.database(
        "Beds",
        {
            "Name": {"title": {}},
            "Plants": {"relation": {"data_source_id": plants.id}},
            "Sum": {"rollup": {**rolled, "function": "sum"}},
            "All": {"rollup": {**rolled, "function": "show_original"}},
        },
    )
    rows = [notes.space.row(plants, {"Count": {"number": n}}) for n in range(30)]
    bed = notes.space.row(beds, {"Plants": {"relation": [{"id": row.id} for row in rows]}})
    page = notes.client.pages.retrieve(bed.id)
    assert misfits("GetPageResponse", page) == []
    assert misfits("GetDataSourceResponse", notes.client.data_sources.retrieve(beds.id)) == []
    shown = page["properties"]["Plants"]
    assert (len(shown["relation"]), shown["has_more"]) == (25, True)
    assert page["properties"]["Sum"]["rollup"]["number"] == sum(range(30))
    listed = notes.client.pages.properties.retrieve(bed.id, shown["id"], page_size=20)
    assert misfits("GetPagePropertyResponse", listed) == []
    assert (len(listed["results"]), listed["has_more"]) == (20, True)


def test_a_query_filters_by_time_and_shows_no_more_than_its_limit(notes: Notes) -> None:
    source = notes.space.database("Plants", {"Name": {"title": {}}})
    rows = []
    for _ in range(6):
        rows += [notes.space.row(source, {}).id, notes.space.row(source, {}).id]
        notes.later()
    notes.space.result_limit = 5
    sorts = [{"timestamp": "created_time", "direction": "ascending"}]
    found = notes.client.data_sources.query(source.id, sorts=sorts, page_size=3)
    rest = notes.client.data_sources.query(
        source.id, sorts=sorts, page_size=3, start_cursor=found["next_cursor"]
    )
    ids = [one["id"] for one in [*found["results"], *rest["results"]]]
    assert set(ids[:4]) == set(rows[:4])
    assert len(ids) == 5
    assert rest["has_more"] is False
    assert rest["request_status"]["incomplete_reason"] == "query_result_limit_reached"
    late = {"timestamp": "created_time", "created_time": {"on_or_after": "2026-01-05T09:10:00Z"}}
    assert len(notes.client.data_sources.query(source.id, filter=late)["results"]) == 2
    with refused("validation_error", 400):
        notes.client.data_sources.query(source.id, filter={"property": "Nothing"})


def test_search_shows_what_is_shared_and_indexed_to_its_end(notes: Notes) -> None:
    made = [notes.space.page(f"Page {n}", parent=notes.home.id).id for n in range(120)]
    source = notes.space.database("Plants", {"Name": {"title": {}}}, parent=notes.home.id)
    notes.space.unindexed.add(made[0])
    notes.space.trash(notes.space.things[made[1]])
    first = notes.client.search()
    assert misfits("SearchResponse", first) == []
    assert (len(first["results"]), first["has_more"]) == (100, True)
    ids = {one["id"] for one in collect_paginated_api(notes.client.search)}
    assert ids == {notes.home.id, source.id, *made[2:]}
    sources = notes.client.search(filter={"property": "object", "value": "data_source"})
    assert [one["id"] for one in sources["results"]] == [source.id]
    trashed = notes.client.search(filter={"in_trash": True})
    assert [one["id"] for one in trashed["results"]] == [made[1]]


def test_search_is_as_late_as_it_is_told_to_be(notes: Notes) -> None:
    notes.space.index_lag_s = 90
    notes.later()
    notes.client.blocks.children.append(notes.home.id, children=[text("News.")])
    new = notes.space.page("New", parent=notes.home.id)
    edited = notes.client.pages.retrieve(notes.home.id)["last_edited_time"]
    (shown,) = notes.client.search()["results"]
    assert shown["last_edited_time"] < edited
    notes.later()
    found = {one["id"]: one["last_edited_time"] for one in notes.client.search()["results"]}
    assert found == {notes.home.id: edited, new.id: edited}


def test_what_is_not_shared_and_what_is_not_there_look_alike(notes: Notes) -> None:
    child = notes.space.page("Child", parent=notes.home.id)
    notes.space.shared.clear()
    for thing_id in (notes.home.id, child.id, "0" * 32):
        with refused("object_not_found", 404):
            notes.client.pages.retrieve(thing_id)
    notes.space.shared.add(child.id)
    assert notes.client.pages.retrieve(child.id.replace("-", ""))["id"] == child.id


def test_what_lies_below_a_trashed_page_does_not_say_so(notes: Notes) -> None:
    child = notes.space.page("Child", parent=notes.home.id)
    notes.client.pages.update(notes.home.id, in_trash=True)
    assert notes.client.pages.retrieve(child.id)["in_trash"] is False
    assert notes.client.search()["results"] == []


def test_a_page_moves_under_another_one(notes: Notes) -> None:
    child, other = (notes.space.page(name, parent=notes.home.id) for name in ("A", "B"))
    notes.client.pages.move(child.id, parent={"type": "page_id", "page_id": other.id})
    assert notes.client.pages.retrieve(child.id)["parent"]["page_id"] == other.id
    (block,) = notes.client.blocks.children.list(other.id)["results"]
    assert block["id"] == child.id


def test_each_error_names_its_call(notes: Notes) -> None:
    named = set()
    for _ in range(2):
        with pytest.raises(APIResponseError) as caught:
            notes.client.pages.retrieve(str(UUID(int=1)))
        named.add(caught.value.request_id)
    assert len(named) == 2
    assert None not in named


def test_users_are_told(notes: Notes) -> None:
    found = notes.client.users.list()
    assert misfits("ListUsersResponse", found) == []
    assert ADA in [one.get("person", {}).get("email") for one in found["results"]]
    me = notes.client.users.me()
    assert misfits("GetUserResponse", me) == []
    assert me["type"] == "bot"


def test_a_refusal_changes_nothing(notes: Notes) -> None:
    database = notes.client.databases.create(
        parent={"page_id": notes.home.id}, initial_data_source={"properties": SCHEMA}
    )
    parent = {"data_source_id": database["data_sources"][0]["id"]}
    row = notes.client.pages.create(parent=parent, properties=VALUES)
    before = deepcopy(notes.space.things)
    wrong = {"Tags": {"multi_select": [{"name": "new"}]}, "Count": {"number": "many"}}
    with refused("validation_error", 400):
        notes.client.pages.create(parent=parent, properties=wrong)
    with refused("validation_error", 400):
        notes.client.pages.update(row["id"], properties=wrong)
    bad = [text("Good."), text("Holds one", "toggle", children=[text("a" * 2_001)])]
    with refused("validation_error", 400):
        notes.client.pages.create(parent=parent, properties=VALUES, children=bad)
    with refused("validation_error", 400):
        notes.client.blocks.children.append(notes.home.id, children=bad)
    assert notes.space.things == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_body_that_is_no_json_is_refused_and_changes_nothing(notes: Notes, number: str) -> None:
    source = notes.space.database("Plants", {"Name": {"title": {}}, "Count": {"number": {}}})
    before = deepcopy(notes.space.things)
    body = f'{{"parent": {{"data_source_id": "{source.id}"}}, '
    body += f'"properties": {{"Count": {{"number": {number}}}}}}}'
    headers = {"authorization": f"Bearer {notes.space.secret}", "notion-version": "2026-03-11"}
    answer = notes.sandbox.client.post("/notion/v1/pages", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")
    assert notes.space.things == before


@pytest.mark.parametrize(
    "odd",
    [
        {"Tags": {"multi_select": [{"name": ""}]}},
        {"Tags": {"multi_select": [{"name": None}]}},
        {"Tags": {"multi_select": [None]}},
        {"Tags": {"multi_select": None}},
        {"Kind": {"select": "Fern"}},
        {"Who": {"people": [{"id": ""}]}},
        {"Who": {"people": [{"id": None}]}},
        {"Rel": {"relation": [{"id": ""}]}},
        {"Rel": {"relation": [{"id": None}]}},
        {"Rel": {"relation": [{"id": "nonsense"}]}},
        {"Rel": {"relation": ["nonsense"]}},
        {"Name": {"title": [None]}},
        {"Files": {"files": [None]}},
        {"Due": {"date": {"start": None}}},
        {"Due": {"date": "2026-01-05"}},
        {"Count": {"number": "1"}},
        {"Url": {"url": 1}},
    ],
    ids=str,
)
def test_a_value_that_no_property_holds_is_refused_and_changes_nothing(
    notes: Notes, odd: dict[str, Any]
) -> None:
    plants = notes.space.database("Plants", {"Name": {"title": {}}})
    schema = {**SCHEMA, "Rel": {"relation": {"data_source_id": plants.id}}}
    beds = notes.space.database("Beds", schema)
    row = notes.space.row(beds, VALUES)
    before = deepcopy(notes.space.things)
    with refused("validation_error", 400):
        notes.client.pages.create(parent={"data_source_id": beds.id}, properties=odd)
    with refused("validation_error", 400):
        notes.client.pages.update(row.id, properties=odd)
    assert notes.space.things == before


def test_a_relation_names_a_page_that_the_connection_sees(notes: Notes) -> None:
    plants = notes.space.database("Plants", {"Name": {"title": {}}})
    schema = {"Name": {"title": {}}, "Rel": {"relation": {"data_source_id": plants.id}}}
    beds = notes.space.database("Beds", schema)
    fern, hidden = notes.space.row(plants, {}), notes.space.page("Hidden")
    notes.space.shared.discard(hidden.id)
    parent = {"data_source_id": beds.id}
    bare = fern.id.replace("-", "")
    bed = notes.client.pages.create(parent=parent, properties={"Rel": {"relation": [{"id": bare}]}})
    assert bed["properties"]["Rel"]["relation"] == [{"id": fern.id}]
    before = deepcopy(notes.space.things)
    for one in ("0" * 32, hidden.id, plants.id):
        odd = {"Rel": {"relation": [{"id": fern.id}, {"id": one}]}}
        with refused("object_not_found", 404):
            notes.client.pages.create(parent=parent, properties=odd)
        with refused("object_not_found", 404):
            notes.client.pages.update(bed["id"], properties=odd)
    assert notes.space.things == before


@pytest.mark.parametrize(
    ("odd", "status"),
    [
        ({"relation": {}}, 400),
        ({"relation": {"data_source_id": "nonsense"}}, 400),
        ({"relation": {"data_source_id": "0" * 32}}, 404),
        ({"rollup": {}}, 400),
        ({"select": {"options": [{"name": None}]}}, 400),
        ({"nonsense": {}}, 400),
        ("nonsense", 400),
    ],
    ids=str,
)
def test_a_property_that_cannot_be_is_refused_and_changes_nothing(
    notes: Notes, odd: Any, status: int
) -> None:
    plants = notes.space.database("Plants", {"Name": {"title": {}}}, parent=notes.home.id)
    before = deepcopy(notes.space.things)
    code = "validation_error" if status == 400 else "object_not_found"
    schema = {"Name": {"title": {}}, "Odd": odd}
    with refused(code, status):
        notes.client.databases.create(
            parent={"page_id": notes.home.id}, initial_data_source={"properties": schema}
        )
    with refused(code, status):
        notes.client.data_sources.update(
            plants.id, properties={"Name": {"name": "Title"}, "New": {"number": {}}, "Odd": odd}
        )
    assert notes.space.things == before
    assert notes.client.data_sources.retrieve(plants.id)["properties"].keys() == {"Name"}


def test_refusals_are_notions(notes: Notes) -> None:
    with notion_of(notes.sandbox, "hunter2") as stranger, refused("unauthorized", 401):
        stranger.users.me()
    with refused("validation_error", 400):
        notes.client.blocks.children.append(notes.home.id, children=[text("a")] * 101)
    with refused("validation_error", 400):
        notes.client.blocks.children.append(notes.home.id, children=[text("a" * 2_001)])
    with refused("validation_error", 400):
        notes.client.search(start_cursor="nonsense")
    notes.sandbox.control("POST", "/limits/notion", {"calls": 1, "per_s": 60, "burst": 1})
    notes.client.users.me()
    headers = {"authorization": f"Bearer {notes.space.secret}", "notion-version": "2026-03-11"}
    answer = notes.sandbox.client.get("/notion/v1/users/me", headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert misfits("NotionError", answer.json()) == []
    assert answer.json()["additional_data"] == {
        "rate_limit_reason": "public_api_request_rate_limit"
    }


@pytest.mark.parametrize("kind", ["429", "403", "500", "503", "expired_token"])
def test_a_fault_has_notions_shape(notes: Notes, kind: str) -> None:
    notes.sandbox.fault("* /notion/*", kind)
    answer = notes.sandbox.client.get("/notion/v1/users/me")
    assert answer.status_code >= 400
    assert kind == "503" or misfits("NotionError", answer.json()) == []


def test_a_public_connection_signs_in_and_its_refresh_token_rotates(notes: Notes) -> None:
    back = "http://localhost:1/back"
    query = httpx.QueryParams(
        client_id=CLIENT_ID, redirect_uri=back, response_type="code", owner="user", state="s"
    )
    page = f"/notion/v1/oauth/authorize?{query}"
    assert "Ada" in notes.sandbox.client.get(page).text
    led = notes.sandbox.client.post(page, data={"person": ADA, "decision": "allow"})
    answered = parse_qs(urlsplit(led.headers["location"]).query)
    assert answered["state"] == ["s"]
    tokens = notes.client.oauth.token(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        grant_type="authorization_code",
        code=answered["code"][0],
        redirect_uri=back,
    )
    assert misfits("OauthTokenResponse", tokens) == []
    with notion_of(notes.sandbox, tokens["access_token"]) as client:
        assert client.users.me()["type"] == "bot"
    login = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    asked = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for status in (200, 400):
        answer = notes.sandbox.client.post(
            "/notion/v1/oauth/token", json=asked, headers={"authorization": f"Basic {login}"}
        )
        assert answer.status_code == status
    assert answer.json()["error"] == "invalid_grant"


def test_what_is_planted_fits(notes: Notes) -> None:
    space = planted(World(), 4)
    with a_sandbox(space.world, space=space) as sandbox, notion_of(sandbox) as client:
        found = collect_paginated_api(client.search)
        assert len(found) == 1 + 4 + 1 + 4
        assert misfits("SearchResponse", client.search()) == []
