"""Notion read from a pretend workspace: what is listed, what has gone, what fails."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors._notion_api import judge
from livesync_pipelines.connectors.notion import NotionConnection, NotionSelection
from livesync_pipelines.model.errors import (
    BadInput,
    ItemFailure,
    RateLimited,
    Reauthorise,
    Unavailable,
)
from livesync_pipelines.model.records import Body, ListingPage
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.verdict import Gone
from livesync_pipelines.sandbox.notion.planting import text
from livesync_pipelines_tests.contracts.memory import FakeMemory, all_entries

from .notion_world import PLANTS, Desk, a_desk

READS = "GET /notion/v1/blocks/*/children"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def gone(pages: Sequence[ListingPage]) -> dict[str, str]:
    return {key: why for page in pages for key, why in page.gone.items()}


def failures(pages: Sequence[ListingPage]) -> dict[str, str]:
    return {failure.key: failure.code for page in pages for failure in page.failures}


def body(desk: Desk, key: str, **selection: Any) -> Body:
    found = desk.read(**selection)[key]
    assert isinstance(found, Body)
    return found


def test_a_page_is_read_with_all_that_is_known_of_it(desk: Desk) -> None:
    page_id = desk.page("Ferns", "They like shade.")
    found = body(desk, page_id)
    assert found.content.decode() == "They like shade."
    assert (found.title, found.attributes["type"]) == ("Ferns", "page")
    assert found.url == f"https://www.notion.so/{page_id.replace('-', '')}"


def test_a_row_is_a_page_with_its_properties_before_its_words(desk: Desk) -> None:
    source = desk.space.database("Plants", PLANTS, parent=desk.home.id)
    values = {"Name": {"title": [{"text": {"content": "Fern"}}]}, "Height": {"number": 3}}
    row = desk.space.row(source, values)
    desk.write(row.id, "Green.")
    found = body(desk, row.id)
    assert found.title == "Fern"
    assert found.content.decode() == "- **Height**: 3\n\nGreen."
    assert found.attributes == {"type": "row", "Height": "3"}
    assert set(desk.read(rows=False)) == {desk.home.id}


def test_what_search_does_not_show_is_found_in_pages_blocks_and_databases(desk: Desk) -> None:
    desk.space.append(desk.home.id, [text("More", "toggle", children=[text("Deep", "toggle")])])
    toggle = desk.space.things[desk.home.children[-1]]
    deep = desk.space.page("Deep", parent=toggle.children[0])
    source = desk.space.database("Plants", PLANTS, parent=deep.id)
    row = desk.space.row(source, {})
    below = desk.page("Below", parent=row.id)
    desk.space.unindexed |= {deep.id, source.id, row.id, below}
    memory = FakeMemory()
    every = {desk.home.id, deep.id, row.id, below}
    assert set(all_entries(desk.listed(memory))) == every
    desk.later()
    assert set(all_entries(desk.listed(memory))) == every
    assert gone(desk.listed(memory)) == {}


def test_pages_that_nobody_has_edited_are_not_read_again(desk: Desk) -> None:
    page_ids = [desk.page(f"Page {n}", "Words.") for n in range(3)]
    desk.later()
    memory = FakeMemory()
    desk.listed(memory)
    before = desk.sandbox.count(READS)
    desk.listed(memory)
    assert desk.sandbox.count(READS) == before
    desk.write(page_ids[1], "News.")
    desk.listed(memory)
    assert desk.sandbox.count(READS) == before + 1


def test_an_edit_in_the_minute_in_which_a_page_was_read_is_seen(desk: Desk) -> None:
    page_id, memory = desk.page("Ferns", "One."), FakeMemory()
    before = all_entries(desk.listed(memory))[page_id]
    desk.write(page_id, "Two.")
    desk.later()
    after = all_entries(desk.listed(memory))[page_id]
    assert (after.modified_at, after.version != before.version) == (before.modified_at, True)
    before_reads = desk.sandbox.count(READS)
    desk.listed(memory)
    assert desk.sandbox.count(READS) == before_reads


def test_a_computed_value_that_follows_other_rows_is_seen(desk: Desk) -> None:
    plants = desk.space.database("Plants", PLANTS, parent=desk.home.id)
    rolled = {"relation_property_name": "Plants", "rollup_property_name": "Height"}
    beds = desk.space.database(
        "Beds",
        {
            "Name": {"title": {}},
            "Plants": {"relation": {"data_source_id": plants.id}},
            "Sum": {"rollup": {**rolled, "function": "sum"}},
        },
        parent=desk.home.id,
    )
    plant = desk.space.row(plants, {"Height": {"number": 1}})
    bed = desk.space.row(beds, {"Plants": {"relation": [{"id": plant.id}]}})
    desk.later()
    memory = FakeMemory()
    before = all_entries(desk.listed(memory))[bed.id]
    desk.space.set(plant, {"Height": {"number": 5}})
    after = all_entries(desk.listed(memory))[bed.id]
    assert (after.modified_at, after.version != before.version) == (before.modified_at, True)


def test_trashed_unshared_and_purged_pages_are_told_apart_as_far_as_can_be(desk: Desk) -> None:
    trashed, purged, kept = (desk.page(name, "Words.") for name in ("A", "B", "C"))
    below = desk.page("Below", parent=trashed)
    apart = desk.space.page("Apart")
    memory = FakeMemory()
    desk.listed(memory)
    desk.space.trash(desk.space.things[trashed])
    desk.space.purge(desk.space.things[purged])
    desk.space.shared.discard(apart.id)
    pages = desk.listed(memory)
    assert gone(pages) == {
        trashed: "trashed",
        below: "trashed",
        purged: "access_lost",
        apart.id: "access_lost",
    }
    assert set(all_entries(pages)) == {desk.home.id, kept}
    assert pages[-1].complete
    assert gone(desk.listed(memory)) == {}
    desk.space.trash(desk.space.things[trashed], back=True)
    desk.space.shared.add(apart.id)
    assert {trashed, below, apart.id} <= set(all_entries(desk.listed(memory)))


def test_only_the_chosen_pages_and_databases_are_read_with_all_below(desk: Desk) -> None:
    chosen, other = desk.page("Chosen"), desk.page("Other")
    below = desk.page("Below", parent=chosen)
    source = desk.space.database("Plants", PLANTS, parent=other)
    row = desk.space.row(source, {})
    address = f"https://www.notion.so/garden/Chosen-{chosen.replace('-', '')}?pvs=4#{other}"
    assert set(desk.read(pages=[address])) == {chosen, below}
    for named in (source.id, source.parent):
        assert set(desk.read(databases=[named])) == {row.id}


def test_what_leaves_the_chosen_pages_is_out_of_scope_and_not_deleted(desk: Desk) -> None:
    chosen, other = desk.page("Chosen"), desk.page("Other")
    moving, staying = (desk.page(name, parent=chosen) for name in ("A", "B"))
    memory = FakeMemory()
    desk.listed(memory, pages=[chosen])
    desk.space.move(desk.space.things[moving], other)
    pages = desk.listed(memory, pages=[chosen])
    assert gone(pages) == {moving: "out_of_scope"}
    assert set(all_entries(pages)) == {chosen, staying}


def test_a_page_that_moves_within_what_is_chosen_is_never_lost(desk: Desk) -> None:
    chosen = desk.page("Chosen")
    left, right = (desk.page(name, parent=chosen) for name in ("Left", "Right"))
    moving, memory = desk.page("Moving", parent=left), FakeMemory()
    desk.later()
    desk.listed(memory, pages=[chosen])
    desk.space.move(desk.space.things[moving], right)
    pages = desk.listed(memory, pages=[chosen])
    assert gone(pages) == {}
    assert moving in all_entries(pages)


@pytest.mark.parametrize("kind", ["pages", "databases"])
def test_something_chosen_that_is_not_there_is_a_mistake_and_not_an_empty_space(
    desk: Desk, kind: str
) -> None:
    page_id = desk.page("A")
    desk.space.trash(desk.space.things[page_id])
    for named in (page_id, "0" * 32):
        chosen: dict[str, Any] = {kind: [named]}
        with (
            desk.connector(**chosen) as connector,
            pytest.raises(BadInput, match="Notion shows the connection no") as told,
        ):
            list(connector.listing(FakeMemory()))
        assert "Connections" in told.value.hint


def test_a_query_that_ends_at_its_limit_goes_on_from_the_minute_of_its_last_row(
    desk: Desk,
) -> None:
    source = desk.space.database("Plants", PLANTS, parent=desk.home.id)
    desk.space.result_limit = 5
    rows = set()
    for _ in range(7):
        rows |= {desk.space.row(source, {}).id for _ in range(3)}
        desk.later(1)
    assert set(desk.read(databases=[source.id])) == rows


def test_more_rows_of_one_minute_than_can_be_shown_fail_and_lose_nothing(desk: Desk) -> None:
    source = desk.space.database("Plants", PLANTS, parent=desk.home.id)
    desk.space.result_limit = 5
    rows = {desk.space.row(source, {}).id for _ in range(4)}
    memory = FakeMemory()
    desk.listed(memory)
    for _ in range(6):
        desk.space.row(source, {})
    desk.space.unindexed |= set(desk.space.things)
    pages = desk.listed(memory, databases=[source.id])
    assert failures(pages) == {source.id: "bad_answer"}
    assert rows <= set(all_entries(pages))
    assert gone(pages) == {desk.home.id: "out_of_scope"}


def test_long_pages_and_long_lists_are_read_to_their_end(desk: Desk) -> None:
    page_id = desk.page("Long")
    for _ in range(3):
        desk.space.append(page_id, [text("Line.")] * 90)
    people = desk.space.database("P", {"Name": {"title": {}}, "Tall": {"rich_text": {}}})
    parts = [{"text": {"content": f"{n} "}} for n in range(60)]
    row = desk.space.row(people, {"Tall": {"rich_text": parts}})
    assert body(desk, page_id).content.decode().count("Line.") == 270
    assert "59" in body(desk, row.id).content.decode()


def test_blocks_that_are_nested_without_end_are_one_failure(desk: Desk) -> None:
    page_id = desk.page("Endless")
    (origin,) = desk.space.append(page_id, [{"synced_block": {"synced_from": None}}])
    again = {"synced_block": {"synced_from": {"type": "block_id", "block_id": origin.id}}}
    desk.space.append(origin.id, [again, text("Words.")])
    assert failures(desk.listed()) == {page_id: "unreadable"}


def test_a_synced_block_shows_what_it_refers_to_if_that_is_shared(desk: Desk) -> None:
    hidden = desk.space.page("Hidden")
    (origin,) = desk.space.append(
        hidden.id, [{"synced_block": {"synced_from": None, "children": [text("Twice.")]}}]
    )
    again = {"synced_block": {"synced_from": {"type": "block_id", "block_id": origin.id}}}
    page_id = desk.page("A", "Before.")
    desk.space.append(page_id, [again])
    assert "Twice." in body(desk, page_id).content.decode()
    desk.space.shared.discard(hidden.id)
    assert "Twice." not in body(desk, page_id).content.decode()


def test_a_page_that_was_trashed_since_the_listing_has_vanished(desk: Desk) -> None:
    first, second = desk.page("A"), desk.page("B")
    entries = [one for key, one in all_entries(desk.listed()).items() if key in (first, second)]
    desk.space.trash(desk.space.things[first])
    desk.space.purge(desk.space.things[second])
    with desk.connector() as connector:
        answers = list(connector.fetch(entries))
    assert [one.code for one in answers if isinstance(one, ItemFailure)] == ["vanished"] * 2


def test_a_wrong_token_is_the_owners_to_mend_and_is_not_shown(desk: Desk) -> None:
    with desk.connector("hunter2") as connector, pytest.raises(Reauthorise) as told:
        list(connector.listing(FakeMemory()))
    assert "hunter2" not in repr((told.value, connector.connection, vars(connector)))


def test_a_server_that_fails_once_is_asked_again(desk: Desk) -> None:
    page_id = desk.page("A", "Words.")
    for kind in ("500", "503", "reset", "truncated"):
        desk.sandbox.fault("* /notion/*", kind)
        assert set(desk.read()) == {desk.home.id, page_id}


@pytest.mark.parametrize("kind", ["429", "403"])
def test_a_server_that_says_wait_is_obeyed(desk: Desk, kind: str) -> None:
    desk.sandbox.fault("* /notion/*", kind, times=9, retry_after_s=900)
    with pytest.raises(RateLimited) as told:
        desk.listed()
    assert told.value.after_s == 900
    assert desk.sandbox.count("* /notion/*") == 1


def test_a_probe_sees_whatever_changes_what_is_listed_and_reads_nothing(desk: Desk) -> None:
    page_id, other = desk.page("A", "Words."), desk.page("B")
    memory, marks = FakeMemory(), []
    desk.later()
    listed = desk.listed(memory)
    reads = desk.sandbox.count(READS)
    with desk.connector() as connector:
        marks += [connector.mark_of(listed[-1].note), connector.probe(memory)]
        desk.write(page_id, "News.")
        marks.append(connector.probe(memory))
        desk.space.trash(desk.space.things[other])
        marks.append(connector.probe(memory))
        desk.space.purge(desk.space.things[other])
        marks.append(connector.probe(memory))
    assert marks[0] == marks[1]
    assert len(set(marks)) == 4
    assert desk.sandbox.count(READS) == reads


def test_a_probe_cannot_tell_while_a_page_may_still_change_within_its_minute(desk: Desk) -> None:
    memory = FakeMemory()
    listed = desk.listed(memory)
    with desk.connector() as connector:
        assert connector.mark_of(listed[-1].note) is None
        with pytest.raises(Unavailable):
            connector.probe(memory)


def test_what_a_listing_leaves_is_what_a_probe_says_whatever_it_met(desk: Desk) -> None:
    """Also a page that was read for the first time, and one that has gone."""
    above, gone = desk.page("A", "Words."), desk.page("B")
    memory = FakeMemory()
    desk.later()
    desk.listed(memory)
    desk.page("Below", "Words.", parent=above)
    desk.space.trash(desk.space.things[gone])
    desk.later()
    with desk.connector() as connector:
        listed = desk.listed(memory)
        assert {key for page in listed for key in page.gone} == {gone}
        assert connector.mark_of(listed[-1].note) == connector.probe(memory)


@pytest.mark.parametrize("named", ["", "home", "https://www.notion.so/", "1234", "g" * 32])
def test_an_id_that_is_none_is_refused(named: str) -> None:
    with pytest.raises(ValidationError):
        NotionSelection(pages=[named])


@pytest.mark.parametrize("said", [{}, {"token": "hunter2", "account": "me"}])
def test_one_kind_of_credentials_is_given_and_not_shown(said: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either"):
        NotionConnection.model_validate(said)
    assert "hunter2" not in repr(NotionConnection.model_validate({"token": "hunter2"}))


@pytest.mark.parametrize(
    ("status", "word", "wanted"),
    [
        (403, "restricted_resource", Reauthorise),
        (409, "conflict_error", Unavailable),
        (529, "service_overload", RateLimited),
        (404, "object_not_found", Gone),
        (404, "invalid_request_url", type(None)),
        (401, "unauthorized", type(None)),
    ],
)
def test_a_refusal_means_what_comes_next(status: int, word: str, wanted: type) -> None:
    """Nothing said: HTTP says it."""
    refusal = Refusal(
        status=status,
        headers={"retry-after": "7"},
        content=json.dumps({"code": word}).encode(),
        where="GET notion",
        at=datetime.now(UTC),
    )
    assert type(judge(refusal)) is wanted
