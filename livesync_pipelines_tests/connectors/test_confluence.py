"""Confluence read from a pretend site: what is listed, what has gone, what fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors.confluence import ConfluenceConnection, ConfluenceSelection
from livesync_pipelines.model.errors import BadInput, ItemFailure, RateLimited, Reauthorise
from livesync_pipelines.model.records import Body, ListingPage
from livesync_pipelines_tests.contracts.memory import FakeMemory, all_entries
from livesync_pipelines_tests.sandbox.served import BEN

from .confluence_world import SITE, Wiki, a_wiki


@pytest.fixture
def wiki() -> Iterator[Wiki]:
    with a_wiki() as made:
        yield made


def gone(pages: Sequence[ListingPage]) -> dict[str, str]:
    return {key: why for page in pages for key, why in page.gone.items()}


def body(wiki: Wiki, key: str, **selection: object) -> Body:
    found = wiki.read(**selection)[key]
    assert isinstance(found, Body)
    return found


def test_a_page_is_read_with_all_that_is_known_of_it(wiki: Wiki) -> None:
    page_id = wiki.page("Ferns", "<h1>Ferns</h1><p>They like <em>shade</em>.</p>")
    wiki.site.label(page_id, "wet", "green")
    wiki.site.edit(page_id, storage="<p>They like <em>shade</em>.</p>")
    found = body(wiki, f"GARDEN/{page_id}")
    assert found.content.decode() == "They like *shade*."
    assert (found.title, found.version) == ("Ferns", "2")
    assert found.url == f"{SITE}/wiki/spaces/GARDEN/pages/{page_id}"
    assert found.attributes == {
        "type": "page",
        "space": "GARDEN",
        "labels": "green, wet",
        "status": "current",
    }


def test_blog_posts_attachments_and_on_request_comments_are_read_too(wiki: Wiki) -> None:
    page_id = wiki.page("Ferns")
    post = wiki.site.create("blogpost", wiki.garden, "News", storage="<p>Spring!</p>")
    file = wiki.site.create(
        "attachment", wiki.garden, "a b.txt", parent=page_id, data=b"Soil", media_type="text/plain"
    )
    said = wiki.site.create("comment", wiki.garden, "Re: Ferns", parent=post.id, storage="Nice.")
    assert set(wiki.read()) == {f"GARDEN/{one}" for one in (page_id, post.id, file.id)}
    assert body(wiki, f"GARDEN/{post.id}").content == b"Spring!"
    attached = body(wiki, f"GARDEN/{file.id}")
    assert (attached.content, attached.name, attached.attributes["page"]) == (
        b"Soil",
        "a b.txt",
        page_id,
    )
    comments = wiki.read(types=["comment"])
    assert set(comments) == {f"GARDEN/{said.id}"}


def test_only_the_chosen_spaces_are_read(wiki: Wiki) -> None:
    shed = wiki.site.open_space("SHED", "Shed")
    wiki.page("Ferns")
    page_id = wiki.page("Spade", space=shed)
    assert set(wiki.read(spaces=["SHED"])) == {f"SHED/{page_id}"}


def test_labels_choose_pages_and_what_hangs_on_them(wiki: Wiki) -> None:
    wet, dry, both = (wiki.page(title) for title in ("Wet", "Dry", "Both"))
    wiki.site.label(wet, "wet")
    wiki.site.label(dry, "dry")
    wiki.site.label(both, "wet", "moist")
    for above in (wet, dry):
        wiki.site.create("attachment", wiki.garden, "a.txt", parent=above, media_type="text/plain")
    (file,) = wiki.site.children(wet)
    found = set(wiki.read(labels=["wet", "moist"]))
    assert found == {f"GARDEN/{one}" for one in (wet, both, file.id)}
    assert set(wiki.read(labels=["nobody's"])) == set()


def test_a_page_of_the_new_editor_is_read_from_its_document(wiki: Wiki) -> None:
    text = '{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"Hi"}]}]}'
    assert wiki.text("", adf=text) == "Hi"


def test_a_document_that_is_none_is_one_failure(wiki: Wiki) -> None:
    page_id = wiki.page("Odd", "", adf='{"type": 1')
    found = wiki.read()[f"GARDEN/{page_id}"]
    assert isinstance(found, ItemFailure)
    assert found.code == "unreadable"


def test_an_empty_page_is_empty(wiki: Wiki) -> None:
    assert wiki.text("") == ""


def test_trashed_archived_and_restored_pages_are_told_apart(wiki: Wiki) -> None:
    trashed, archived, secret = (wiki.page(title) for title in ("A", "B", "C"))
    memory = FakeMemory()
    wiki.listed(memory)
    wiki.site.turn(trashed, "trashed")
    wiki.site.turn(archived, "archived")
    wiki.site.restrict(secret, frozenset({BEN}))
    pages = wiki.listed(memory)
    assert gone(pages) == {f"GARDEN/{trashed}": "trashed", f"GARDEN/{archived}": "out_of_scope"}
    assert all_entries(pages) == {}
    assert pages[-1].complete
    assert gone(wiki.listed(memory)) == {}
    wiki.site.turn(trashed, "current")
    wiki.site.restrict(secret, None)
    assert set(all_entries(wiki.listed(memory))) == {f"GARDEN/{trashed}", f"GARDEN/{secret}"}


def test_archived_pages_stay_where_they_are_wanted_and_look_different(wiki: Wiki) -> None:
    key = f"GARDEN/{(page_id := wiki.page('A'))}"
    before = all_entries(wiki.listed(archived=True))[key].version
    wiki.site.turn(page_id, "archived")
    assert all_entries(wiki.listed(archived=True))[key].version != before
    assert body(wiki, key, archived=True).attributes["status"] == "archived"


def test_a_page_that_was_trashed_since_the_listing_has_vanished(wiki: Wiki) -> None:
    page_ids = [wiki.page("A"), wiki.page("B")]
    entries = list(all_entries(wiki.listed()).values())
    wiki.site.turn(page_ids[0], "trashed")
    wiki.site.purge(page_ids[1])
    with wiki.connector() as connector:
        answers = list(connector.fetch(entries))
    assert [one.code for one in answers if isinstance(one, ItemFailure)] == ["vanished"] * 2


def test_a_page_that_moves_to_another_space_keeps_its_identity(wiki: Wiki) -> None:
    page_id, shed = wiki.page("A"), wiki.site.open_space("SHED", "Shed")
    wiki.page("Below", parent=page_id)
    wiki.site.move(page_id, shed)
    entries = all_entries(wiki.listed())
    assert {key.partition("/")[0] for key in entries} == {"SHED"}
    assert entries[f"SHED/{page_id}"].identity == page_id


def test_long_lists_are_read_to_their_end(wiki: Wiki) -> None:
    for count in range(260):
        wiki.page(f"Page {count}")
    assert len(all_entries(wiki.listed())) == 260
    assert wiki.sandbox.count("GET /confluence/wiki/api/v2/spaces/*/pages") == 2


def test_a_space_that_is_not_seen_any_more_loses_nothing(wiki: Wiki) -> None:
    shed = wiki.site.open_space("SHED", "Shed")
    wiki.page("A")
    wiki.page("B", space=shed)
    memory = FakeMemory()
    wiki.listed(memory, spaces=["GARDEN", "SHED"])
    wiki.site.close_space(shed.id)
    last = wiki.listed(memory, spaces=["GARDEN", "SHED"])[-1]
    assert (last.blind, last.complete) == (("SHED/",), True)
    assert [failure.code for failure in last.failures] == ["not_seen"]


def test_no_space_at_all_is_a_mistake_and_not_an_empty_site(wiki: Wiki) -> None:
    with pytest.raises(BadInput, match="none of the spaces"):
        wiki.listed(spaces=["NOWHERE"])


def test_a_wrong_token_is_the_owners_to_mend_and_is_not_shown(wiki: Wiki) -> None:
    with wiki.connector("hunter2") as connector, pytest.raises(Reauthorise) as told:
        list(connector.listing(FakeMemory()))
    assert "api_token" in told.value.hint
    assert "hunter2" not in repr((told.value, connector.connection, vars(connector)))


def test_a_server_that_fails_once_is_asked_again(wiki: Wiki) -> None:
    page_id = wiki.page("A")
    for kind in ("500", "503", "reset", "truncated"):
        wiki.sandbox.fault("GET /confluence/*", kind)
        assert set(wiki.read()) == {f"GARDEN/{page_id}"}


def test_a_server_that_says_wait_is_obeyed(wiki: Wiki) -> None:
    wiki.page("A")
    wiki.sandbox.fault("GET /confluence/*", "429", times=9, retry_after_s=900)
    with pytest.raises(RateLimited) as told:
        wiki.listed()
    assert told.value.after_s == 900
    assert wiki.sandbox.count("GET /confluence/*") == 1


def test_a_probe_sees_whatever_changes_what_is_listed(wiki: Wiki) -> None:
    page_id, marks = wiki.page("A"), []
    shed = wiki.site.open_space("SHED", "Shed")
    with wiki.connector() as connector:
        marks += [connector.probe(FakeMemory()), connector.probe(FakeMemory())]
        for change in (
            lambda: wiki.site.edit(page_id, storage="<p>Other.</p>"),
            lambda: wiki.site.move(page_id, shed),
            lambda: wiki.site.restrict(page_id, frozenset({BEN})),
        ):
            change()
            marks.append(connector.probe(FakeMemory()))
    assert marks[0] == marks[1]
    assert len(set(marks)) == 4


@pytest.mark.parametrize("space", ["", "A B", "A,B", "A/B"])
def test_a_space_key_that_is_none_is_refused(space: str) -> None:
    with pytest.raises(ValidationError):
        ConfluenceSelection(spaces=[space])


def test_settings_hide_the_token() -> None:
    said = {"url": "https://a.atlassian.net", "email": "a@b.c", "api_token": "hunter2"}
    assert "hunter2" not in repr(ConfluenceConnection.model_validate(said))


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example.com",
        "http://a.atlassian.net",
        "https://a.atlassian.net.example.com",
        "https://example.com/.atlassian.net",
        "https://example.com#.atlassian.net",
        "https://a.atlassian.net:8443",
        "https://.atlassian.net",
        "http://127.0.0.1:8700/confluence",
    ],
)
def test_a_token_is_sent_to_no_host_that_is_not_atlassians(url: str) -> None:
    said = {"url": url, "email": "a@b.c", "api_token": "hunter2"}
    with pytest.raises(ValidationError, match="give the address of the site"):
        ConfluenceConnection.model_validate(said)


@pytest.mark.parametrize("url", ["https://A-1.atlassian.net/wiki", "https://A-1.atlassian.net"])
def test_the_wiki_of_a_site_is_the_site(url: str) -> None:
    said = {"url": url, "email": "a@b.c", "api_token": "hunter2"}
    assert ConfluenceConnection.model_validate(said).url == "https://A-1.atlassian.net"
