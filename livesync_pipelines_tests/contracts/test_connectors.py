"""What the engine leans on, proved for every platform with the same tests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.connectors.base import PAGE_ITEMS
from livesync_pipelines.model.errors import ItemFailure, LiveSyncError
from livesync_pipelines.model.records import LISTING, Body, ListingPage
from livesync_pipelines.model.spec import Absence, PlatformSpec

from .memory import FakeMemory, all_bodies, all_entries, entries_of
from .worlds import WORLDS, World

NAMES = ["b", "a-b", "a.b", "a0", "a"]


@pytest.fixture(params=WORLDS, ids=lambda kind: kind.__name__)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    running: World = request.param()
    yield running
    running.close()


@pytest.fixture
def spec(world: World) -> PlatformSpec:
    return world.connector().spec


def listed(world: World, memory: FakeMemory | None = None) -> list[ListingPage]:
    """One run: list everything, and keep it."""
    memory = memory or FakeMemory()
    pages = list(world.connector().listing(memory))
    memory.keep(pages)
    return pages


def tried(world: World, memory: FakeMemory) -> list[ListingPage] | LiveSyncError:
    """A listing, or what was raised instead of it."""
    try:
        return list(world.connector().listing(memory))
    except LiveSyncError as error:
        return error


def own(world: World, pages: list[ListingPage]) -> set[str]:
    """The listed keys, without those that the source has of itself, such as a start page."""
    return set(all_entries(pages)) & {world.key(name) for name in [*NAMES, *many(world)]}


def many(world: World) -> list[str]:
    return [f"n{n:05}" for n in range(world.many)]


def test_a_listing_holds_everything_once_and_says_that_it_is_complete(world: World) -> None:
    world.put_many(NAMES)
    pages = listed(world)
    counted = Counter(e.key for page in pages for e in entries_of(page))
    assert {world.key(name) for name in NAMES} <= set(counted)
    assert set(counted.values()) == {1}
    assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[-1].resume is None
    assert not any(page.failures or page.blind or page.gone for page in pages)


def test_an_empty_source_lists_nothing_of_its_own_and_is_complete(world: World) -> None:
    pages = listed(world)
    assert own(world, pages) == set()
    assert pages[-1].complete
    assert not any(page.failures for page in pages)


def test_entries_are_what_the_schema_says(world: World) -> None:
    world.put_many(NAMES)
    for page in listed(world):
        assert page.entries.schema.equals(LISTING)
        page.entries.validate(full=True)
        for entry in entries_of(page):
            assert entry.key
            assert entry.version
            assert (entry.key + entry.version).encode()
            assert entry.modified_at is None or entry.modified_at.utcoffset() is not None


def test_pages_are_bounded_and_what_came_along_was_listed(world: World) -> None:
    world.put_many(many(world))
    pages = listed(world)
    assert len(pages) > 1
    assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]
    assert [page.resume is None for page in pages] == [page.complete for page in pages]
    assert own(world, pages) == {world.key(name) for name in many(world)}
    for page in pages:
        keys = {entry.key for entry in entries_of(page)}
        assert len(keys) <= PAGE_ITEMS
        assert set(page.bodies) <= keys
        assert all(key == body.key for key, body in page.bodies.items())


def test_a_listing_goes_on_after_any_page_without_a_gap(world: World, spec: PlatformSpec) -> None:
    """Where keys are ordered, without a double too."""
    world.put_many(many(world))
    pages = listed(world)
    for done, page in enumerate(pages[:-1], start=1):
        assert page.resume is not None
        rest = list(world.connector().listing(FakeMemory(), page.resume))
        assert rest[-1].complete
        assert set(all_entries(rest)) >= set(all_entries(pages[done:]))
        if spec.ordered:
            assert all_entries(rest) == all_entries(pages[done:])


def test_an_ordered_platform_lists_in_code_point_order(world: World, spec: PlatformSpec) -> None:
    world.put_many(NAMES)
    keys = [entry.key for page in listed(world) for entry in entries_of(page)]
    assert not spec.ordered or keys == sorted(keys)


def test_a_version_changes_with_the_content_and_not_without(world: World) -> None:
    for name in NAMES:
        world.put(name, f"first {name}")
    before = all_entries(listed(world))
    world.touch("a")
    assert all_entries(listed(world))[world.key("a")].version == before[world.key("a")].version
    world.put("a", "second a, and longer")
    after = all_entries(listed(world))
    changed = {key for key in map(world.key, NAMES) if after[key].version != before[key].version}
    assert changed == {world.key("a")}


def test_what_did_not_change_is_not_shown_as_changed(world: World) -> None:
    """A second run, with the memory of the first."""
    world.put_many(NAMES)
    memory = FakeMemory()
    before = all_entries(listed(world, memory))
    pages = listed(world, memory)
    assert pages[-1].complete
    assert not any(page.failures or page.gone for page in pages)
    assert all(before[key].version == e.version for key, e in all_entries(pages).items())


def test_each_entry_is_answered_once_with_the_bytes_of_its_version(world: World) -> None:
    for name in NAMES:
        world.put(name, f"text of {name}")
    connector = world.connector()
    pages = list(connector.listing(FakeMemory()))
    entries = all_entries(pages)
    for name in NAMES:
        body = all_bodies(connector, pages)[world.key(name)]
        assert isinstance(body, Body)
        assert f"text of {name}".encode() in body.content
        assert body.version == entries[world.key(name)].version
        assert body.name
        assert body.url
    asked = [entries[world.key(name)] for name in NAMES]
    assert sorted(a.key for a in connector.fetch(asked)) == sorted(e.key for e in asked)
    assert list(connector.fetch([])) == []


def test_a_fresh_instance_can_fetch_what_another_listed(world: World) -> None:
    world.put("a", "text of a")
    entry = all_entries(listed(world))[world.key("a")]
    (body,) = world.connector().fetch([entry])
    assert isinstance(body, Body)
    assert b"text of a" in body.content


def test_what_was_removed_is_absent_or_gone_as_the_spec_says(
    world: World, spec: PlatformSpec
) -> None:
    world.put_many(NAMES)
    memory = FakeMemory()
    listed(world, memory)
    world.remove("a")
    pages = listed(world, memory)
    gone = {key for page in pages for key in page.gone}
    assert pages[-1].complete
    assert world.key("a") not in all_entries(pages)
    assert gone == ({world.key("a")} if spec.explicit_deletes else set())
    assert spec.absence is Absence.KEPT or own(world, pages) == {world.key(n) for n in NAMES[:-1]}


def test_what_went_away_after_the_listing_is_a_failure_or_what_it_was(world: World) -> None:
    world.put_many(NAMES)
    connector = world.connector()
    entries = all_entries(list(connector.listing(FakeMemory())))
    world.remove("a")
    answers = {a.key: a for a in connector.fetch([entries[world.key(n)] for n in NAMES])}
    lost = answers.pop(world.key("a"))
    assert isinstance(lost, ItemFailure) or lost.version == entries[lost.key].version
    assert all(isinstance(answer, Body) for answer in answers.values())


def test_a_broken_item_costs_one_failure_and_nothing_else(world: World) -> None:
    world.put_many(NAMES)
    memory = FakeMemory()
    listed(world, memory)
    world.break_item("a")
    connector = world.connector()
    pages = list(connector.listing(memory))
    answers = all_bodies(connector, pages)
    failures = [failure for page in pages for failure in page.failures]
    failures += [answer for answer in answers.values() if isinstance(answer, ItemFailure)]
    assert len(failures) == 1
    assert re.fullmatch(r"[a-z_]+", failures[0].code)
    assert failures[0].reason
    assert pages[-1].complete
    assert not any(page.gone for page in pages)


def test_an_identity_survives_a_rename(world: World, spec: PlatformSpec) -> None:
    world.put_many(NAMES)
    before = all_entries(listed(world))
    if not spec.identity:
        assert all(entry.identity is None for entry in before.values())
        return
    assert len({entry.identity for entry in before.values()}) == len(before)
    world.rename("a", "z")
    after = all_entries(listed(world))
    assert after[world.key("z")].identity == before[world.key("a")].identity


def test_a_source_that_is_out_of_reach_deletes_nothing(world: World, spec: PlatformSpec) -> None:
    world.put_many(NAMES)
    memory = FakeMemory()
    listed(world, memory)
    world.cut_off()
    pages = tried(world, memory)
    if isinstance(pages, LiveSyncError):
        assert pages.message
        assert pages.where
        return
    assert not any(page.gone for page in pages)
    assert any(page.failures for page in pages)
    assert spec.absence is Absence.KEPT


def test_no_secret_shows(world: World) -> None:
    world.put_many(NAMES)
    connector = world.connector()
    pages = list(connector.listing(FakeMemory()))
    shown = repr((connector, connector.connection, connector.selection, vars(connector), pages))
    shown += repr([(page.note, page.resume) for page in pages])
    shown += repr(list(all_bodies(connector, pages).values()))
    world.cut_off()
    failed = tried(world, FakeMemory())
    shown += repr((failed, vars(failed) if isinstance(failed, LiveSyncError) else None))
    assert world.secret not in shown


@pytest.mark.parametrize("platform", sorted(REGISTRY))
def test_a_spec_is_filled_in(platform: str) -> None:
    connector = REGISTRY[platform]
    spec = connector.spec
    assert spec.name == platform
    assert spec.title
    assert spec.quirks
    assert spec.docs
    assert all(re.search(r"https://\S+.* \(\d{4}-\d{2}-\d{2}", page) for page in spec.docs)
    assert connector.Connection.__doc__
    assert connector.Selection.__doc__
    assert connector.Selection() is not None


def test_every_platform_has_a_world() -> None:
    assert len(WORLDS) == len(REGISTRY)
