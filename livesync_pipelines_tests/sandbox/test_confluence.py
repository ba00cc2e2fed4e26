"""The pretend Confluence, used by atlassian-python-api as if it were the real one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from atlassian.errors import ApiError
from requests import HTTPError

from livesync_pipelines.sandbox.confluence.planting import planted
from livesync_pipelines.sandbox.confluence.site import API_TOKEN, READING_TOKEN, Site, Space
from livesync_pipelines.sandbox.world import World

from .served import ADA, BEN, Sandbox, a_sandbox

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from atlassian import ConfluenceV2


@dataclass(frozen=True, slots=True)
class Wiki:
    site: Site
    garden: Space
    sandbox: Sandbox
    client: Any

    def get(self, path: str, person: str = ADA) -> httpx.Response:
        """What `/wiki{path}` answers."""
        return self.sandbox.client.get(f"/confluence/wiki{path}", auth=(person, API_TOKEN))

    def put(self, path: str, body: object) -> httpx.Response:
        """What Ada hears of this body."""
        url, signed = f"/confluence/wiki{path}", (ADA, API_TOKEN)
        return self.sandbox.client.put(url, json=body, auth=signed)


def client_of(sandbox: Sandbox, token: str = API_TOKEN) -> Any:
    """It warns of its own first version whenever it is made, and its types are not what it
    answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        url = f"{sandbox.address}/confluence/wiki"
        return ConfluenceV2(url=url, username=ADA, password=token)


@pytest.fixture
def wiki() -> Iterator[Wiki]:
    site = Site(World())
    garden = site.open_space("GARDEN", "Garden")
    with a_sandbox(site.world, site=site) as sandbox:
        client = client_of(sandbox)
        yield Wiki(site, garden, sandbox, client)
        client.close()


def test_spaces_and_pages_are_listed_to_their_end(wiki: Wiki) -> None:
    made = [
        wiki.site.create("page", wiki.garden, f"Page {count}", storage="<p>x</p>").id
        for count in range(60)
    ]
    assert [space["key"] for space in wiki.client.get_spaces()] == ["GARDEN"]
    found = wiki.client.get_pages(space_id=wiki.garden.id, limit=25)
    assert [page["id"] for page in found] == made
    newest = wiki.client.get_pages(space_id=wiki.garden.id, sort="-modified-date", limit=7)
    assert [page["id"] for page in newest] == made[::-1]


def test_a_page_is_made_edited_trashed_and_read_back(wiki: Wiki) -> None:
    made = wiki.client.create_page(space_id=wiki.garden.id, title="Ferns", body="<p>One</p>")
    wiki.client.update_page(made["id"], title="Ferns", body="<p>Two</p>", status="current")
    found = wiki.client.get_page_by_id(made["id"], body_format="storage")
    assert (found["version"]["number"], found["body"]["storage"]["value"]) == (2, "<p>Two</p>")
    numbers = [one["number"] for one in wiki.client.get_all_page_versions(made["id"])]
    assert numbers == [2, 1]
    assert wiki.client.delete_page(made["id"])
    assert wiki.client.get_pages(space_id=wiki.garden.id) == []
    (trashed,) = wiki.client.get_pages(space_id=wiki.garden.id, status="trashed")
    assert (trashed["id"], trashed["status"]) == (made["id"], "trashed")
    wiki.client.update_page(made["id"], title="Ferns", body="<p>Two</p>", status="current")
    assert wiki.client.get_page_by_id(made["id"])["status"] == "current"


def test_a_version_that_is_not_the_next_one_is_refused(wiki: Wiki) -> None:
    made = wiki.client.create_page(space_id=wiki.garden.id, title="Ferns", body="<p>One</p>")
    with pytest.raises((HTTPError, ApiError)):
        wiki.client.update_page(made["id"], title="Ferns", body="<p>Two</p>", version=7)
    with pytest.raises((HTTPError, ApiError)):
        wiki.client.create_page(space_id=wiki.garden.id, title="Ferns", body="<p>Again</p>")


def test_a_refusal_of_a_version_or_a_title_says_which_it_is(wiki: Wiki) -> None:
    made = wiki.client.create_page(space_id=wiki.garden.id, title="Ferns", body="<p>One</p>")
    other = wiki.client.create_page(space_id=wiki.garden.id, title="Mosses", body="<p>One</p>")
    said = {"id": made["id"], "status": "current", "body": {"storage": {"value": "<p>Two</p>"}}}
    late = wiki.put(f"/api/v2/pages/{made['id']}", {**said, "version": {"number": 3}})
    assert late.status_code == 409
    taken = {**said, "title": other["title"], "version": {"number": 2}}
    refused = wiki.put(f"/api/v2/pages/{made['id']}", taken)
    assert refused.status_code == 400
    assert "title already exists" in refused.json()["errors"][0]["title"]
    found = wiki.get(f"/api/v2/spaces/{wiki.garden.id}/pages?title=Mosses").json()["results"]
    assert [one["id"] for one in found] == [other["id"]]


def test_a_page_lies_below_another_until_that_is_trashed(wiki: Wiki) -> None:
    shed = wiki.site.open_space("SHED", "Shed", home=True)
    above = wiki.client.create_page(space_id=shed.id, title="Tools", body="<p>One</p>")
    below = wiki.client.create_page(
        space_id=shed.id, title="Rake", body="<p>Two</p>", parent_id=above["id"]
    )
    assert (above["parentId"], below["parentId"]) == (shed.homepage, above["id"])
    aside = wiki.client.create_page(space_id=shed.id, title="Aside", body="<p>x</p>")
    version = {"number": 2, "message": "to where it belongs"}
    said = {"id": below["id"], "status": "current", "title": "Rake", "version": version}
    body = {"representation": "storage", "value": '<ac:structured-macro ac:name="toc" />'}
    moved = wiki.put(
        f"/api/v2/pages/{below['id']}", {**said, "parentId": aside["id"], "body": body}
    )
    assert moved.json()["parentId"] == aside["id"]
    assert moved.json()["version"]["message"] == "to where it belongs"
    assert "ac:macro-id=" in moved.json()["body"]["storage"]["value"]
    assert wiki.client.delete_page(aside["id"])
    assert wiki.client.get_page_by_id(below["id"])["parentId"] == shed.homepage
    lost = {**said, "version": {"number": 3}, "parentId": aside["id"], "body": body}
    assert wiki.put(f"/api/v2/pages/{below['id']}", lost).status_code == 404


def test_a_token_with_the_scopes_for_reading_writes_nothing(wiki: Wiki) -> None:
    made = wiki.site.create("page", wiki.garden, "Ferns")
    reader = client_of(wiki.sandbox, READING_TOKEN)
    assert [page["id"] for page in reader.get_pages(space_id=wiki.garden.id)] == [made.id]
    with pytest.raises((HTTPError, ApiError), match="401"):
        reader.create_page(space_id=wiki.garden.id, title="Mosses", body="<p>One</p>")
    reader.close()


def test_labels_comments_and_attachments_hang_on_a_page(wiki: Wiki) -> None:
    page = wiki.site.create("page", wiki.garden, "Ferns", storage="<p>x</p>")
    wiki.site.label(page.id, "wet", "green")
    text = "<p>Nice</p>"
    wiki.site.create("comment", wiki.garden, "Re: Ferns", parent=page.id, storage=text)
    kind = "text/plain"
    file = wiki.site.create(
        "attachment", wiki.garden, "a.txt", parent=page.id, data=b"Soil", media_type=kind
    )
    assert [one["name"] for one in wiki.client.get_page_labels(page.id)] == ["wet", "green"]
    (said,) = wiki.client.get_page_footer_comments(page.id, body_format="storage")
    assert said["body"]["storage"]["value"] == text
    (attached,) = wiki.get(f"/api/v2/pages/{page.id}/attachments").json()["results"]
    assert (attached["id"], attached["fileSize"]) == (file.id, 4)
    path = f"/rest/api/content/{page.id}/child/attachment/{file.id}/download"
    led = wiki.get(path)
    assert led.status_code == 302
    assert wiki.sandbox.client.get(led.headers["location"]).content == b"Soil"
    assert wiki.sandbox.client.get(f"/confluence/media/{file.id}").status_code == 403


def test_restricted_pages_and_what_lies_below_look_deleted_to_others(wiki: Wiki) -> None:
    page = wiki.site.create("page", wiki.garden, "Secret")
    below = wiki.site.create("page", wiki.garden, "Below", parent=page.id)
    wiki.site.restrict(page.id, frozenset({BEN}))
    for one in (page, below):
        assert wiki.get(f"/api/v2/pages/{one.id}").status_code == 404
        assert wiki.get(f"/api/v2/pages/{one.id}", BEN).status_code == 200
    assert wiki.client.get_pages(space_id=wiki.garden.id) == []


def test_a_wrong_token_and_too_many_calls_are_refused(wiki: Wiki) -> None:
    stranger = client_of(wiki.sandbox, "hunter2")
    with pytest.raises((HTTPError, ApiError)):
        stranger.get_spaces()
    stranger.close()
    wiki.sandbox.control("POST", "/limits/confluence", {"calls": 1, "per_s": 60, "burst": 1})
    assert wiki.get("/api/v2/spaces").status_code == 200
    refused = wiki.get("/api/v2/spaces")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/pages?limit=251",
        "/api/v2/pages?status=asleep",
        "/api/v2/pages?sort=colour",
        "/api/v2/pages?cursor=nonsense",
    ],
)
def test_a_parameter_that_is_none_is_refused(wiki: Wiki, path: str) -> None:
    refused = wiki.get(path)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("path", ["pages/1", "spaces/1", "labels/1/pages", "whiteboards/1"])
def test_what_is_not_there_is_not_found(wiki: Wiki, path: str) -> None:
    assert wiki.get(f"/api/v2/{path}").status_code == 404


def test_a_planted_site_shows_a_little_of_everything() -> None:
    world = World()
    with a_sandbox(world, site=planted(world, 3)) as sandbox:
        told = sandbox.control("GET", "/truth/confluence?content=true")
    kinds = {one["type"] for one in told["contents"]}
    assert kinds == {"page", "blogpost", "attachment", "comment"}
    assert [one["seenBy"] for one in told["contents"] if one["title"] == "Ben's page"] == [[BEN]]
    assert "trashed" in {one["status"] for one in told["contents"]}
