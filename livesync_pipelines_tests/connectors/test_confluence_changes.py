"""Confluence followed by CQL: what it tells, what it is silent about, and what that costs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from livesync_pipelines.connectors import _confluence_changes
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import FEED, RELISTING
from livesync_pipelines.model.errors import CursorExpired
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.confluence.site import Kind
from livesync_pipelines.sandbox.confluence.site import Status as PageStatus
from livesync_pipelines_tests.contracts.memory import FakeMemory
from livesync_pipelines_tests.engine.test_sweep import later
from livesync_pipelines_tests.sandbox.served import BEN

from .confluence_house import Followed, a_followed_wiki
from .confluence_world import Gardener, Wiki, a_wiki
from .histories import live_through, run_somehow

SEARCH = "GET /confluence/wiki/rest/api/search"


@contextmanager
def settled(engine: Engine, **select: object) -> Iterator[Followed]:
    """Old pages A to D in step; `wet` is what A and B bear."""
    with a_followed_wiki(engine, **select) as made:
        ids = [made.wiki.page(title) for title in "ABCD"]
        made.wiki.site.label(ids[0], "wet")
        made.wiki.site.label(ids[1], "wet")
        made.pass_hours(5)
        made.house.run()
        made.pass_hours(2)
        yield made


@pytest.fixture
def followed(engine: Engine) -> Iterator[Followed]:
    with settled(engine) as made:
        yield made


@pytest.fixture
def wiki() -> Iterator[Wiki]:
    with a_wiki() as made:
        yield made


def page(followed: Followed, title: str) -> str:
    """The id of the page with this title."""
    (found,) = (one for one in followed.wiki.site.contents.values() if one.title == title)
    return found.id


def keys(followed: Followed) -> set[str]:
    """The titles of what is held."""
    contents = followed.wiki.site.contents
    return {contents[key.partition("/")[2]].title for key in followed.house.held()}


def test_an_unchanged_site_costs_two_calls(followed: Followed) -> None:
    counts, told_by, calls = followed.looked()
    assert (counts.synced_items, told_by, calls) == (0, FEED, 2)


def test_an_edit_is_read_once_though_every_look_of_an_hour_shows_it(followed: Followed) -> None:
    followed.wiki.site.edit(page(followed, "A"), storage="<p>Other.</p>")
    counts, told_by, calls = followed.looked()
    assert (counts.updated, told_by) == (1, FEED)
    assert calls == 4, "how many there are, what has changed, which version, what it says"
    for _ in range(2):
        followed.pass_hours(0.4)
        counts, told_by, calls = followed.looked()
        assert (counts.synced_items, told_by, calls) == (0, FEED, 2)
    followed.assert_true()


def test_new_pages_posts_and_files_are_told_without_a_listing(followed: Followed) -> None:
    site, garden = followed.wiki.site, followed.wiki.garden
    followed.wiki.page("E")
    site.create("blogpost", garden, "News", storage="<p>Spring!</p>")
    site.create(
        "attachment", garden, "f.txt", parent=page(followed, "B"), data=b"Soil", media_type="a/b"
    )
    counts, told_by, _ = followed.looked()
    assert (counts.added, told_by) == (3, FEED)
    assert followed.looked()[2] == 2
    followed.assert_true()


@pytest.mark.parametrize("status", ["trashed", "archived"])
def test_what_has_gone_is_missed_by_its_number(followed: Followed, status: PageStatus) -> None:
    followed.wiki.site.turn(page(followed, "A"), status)
    counts, told_by, _ = followed.looked()
    assert (counts.removed, told_by) == (1, RELISTING)
    assert followed.looked()[1:] == (FEED, 2)
    followed.wiki.site.turn(page(followed, "A"), "current")
    assert followed.looked()[0].added == 1
    followed.assert_true()


def test_as_many_new_ones_as_trashed_ones_are_no_balance(followed: Followed) -> None:
    followed.wiki.page("E")
    followed.wiki.site.turn(page(followed, "A"), "trashed")
    counts, told_by, _ = followed.looked()
    assert (counts.added, counts.removed, told_by) == (1, 1, RELISTING)
    followed.assert_true()


def test_a_page_that_is_hidden_or_purged_is_missed(followed: Followed) -> None:
    followed.wiki.site.restrict(page(followed, "A"), frozenset({BEN}))
    assert followed.looked()[0].removed == 1
    followed.wiki.site.purge(page(followed, "B"))
    assert followed.looked()[0].removed == 1
    followed.assert_true()


def test_a_page_that_leaves_the_selected_space_or_comes_into_it_is_missed(engine: Engine) -> None:
    with settled(engine, spaces=["GARDEN"]) as followed:
        shed = followed.wiki.site.open_space("SHED", "Shed")
        spade = followed.wiki.page("Spade", space=shed)
        followed.pass_hours(3)
        assert followed.looked()[1:] == (FEED, 2), "the shed is not selected"
        followed.wiki.site.move(page(followed, "A"), shed)
        assert followed.looked()[0].removed == 1
        followed.wiki.site.move(spade, followed.wiki.garden)
        assert followed.looked()[0].added == 1
        assert keys(followed) == {"B", "C", "D", "Spade"}


def test_a_label_that_is_taken_off_or_put_on_is_missed(engine: Engine) -> None:
    with settled(engine, labels=["wet", "damp"]) as followed:
        site = followed.wiki.site
        site.label(page(followed, "A"), "dry")
        counts, told_by, _ = followed.looked()
        assert (counts.removed, told_by) == (1, RELISTING)
        site.label(page(followed, "C"), "damp")
        assert followed.looked()[0].added == 1
        assert keys(followed) == {"B", "C"}
        site.edit(page(followed, "C"), storage="<p>Other.</p>")
        site.edit(page(followed, "D"), storage="<p>Other.</p>")
        counts, told_by, _ = followed.looked()
        assert (counts.updated, counts.added, told_by) == (1, 0, FEED)


def test_a_file_is_told_where_its_page_is_selected(engine: Engine) -> None:
    with settled(engine, labels=["wet"]) as followed:
        site, garden = followed.wiki.site, followed.wiki.garden
        for title in "AC":
            above = page(followed, title)
            site.create(
                "attachment", garden, f"{title}.txt", parent=above, data=b"x", media_type="a/b"
            )
        counts, told_by, _ = followed.looked()
        assert (counts.added, told_by) == (1, FEED)
        assert keys(followed) == {"A", "B", "A.txt"}


def test_comments_are_followed_when_they_are_made_edited_and_deleted(engine: Engine) -> None:
    with settled(engine, types=["page", "comment"]) as followed:
        site, garden = followed.wiki.site, followed.wiki.garden
        said = site.create("comment", garden, "Re", parent=page(followed, "A"), storage="<p>O</p>")
        counts, told_by, _ = followed.looked()
        assert (counts.added, told_by) == (1, FEED)
        site.edit(said.id, storage="<p>Oh!</p>")
        counts, told_by, _ = followed.looked()
        assert (counts.updated, told_by) == (1, FEED)
        assert followed.house.held()[f"GARDEN/{said.id}"] == "Oh!"
        site.purge(said.id)
        counts, told_by, _ = followed.looked()
        assert (counts.removed, told_by) == (1, RELISTING)


def test_an_edit_that_the_search_shows_late_is_not_missed(followed: Followed) -> None:
    followed.wiki.site.index.lag_s = 1_800
    followed.wiki.site.edit(page(followed, "A"), storage="<p>Other.</p>")
    followed.wiki.page("E")
    for _ in range(2):
        assert followed.looked()[1:] == (FEED, 2)
        followed.pass_hours(0.3)
    counts, told_by, _ = followed.looked()
    assert (counts.updated, counts.added, told_by) == (1, 1, FEED)
    followed.assert_true()


def test_what_the_search_shows_and_is_in_the_trash_is_left_to_the_count(
    followed: Followed,
) -> None:
    site = followed.wiki.site
    site.edit(page(followed, "A"), storage="<p>Other.</p>")
    site.index.lag_s = 600
    followed.pass_hours(0.2)
    site.turn(page(followed, "A"), "trashed")
    counts, told_by, _ = followed.looked()
    assert (counts.synced_items, told_by) == (0, FEED)
    followed.pass_hours(0.2)
    counts, told_by, _ = followed.looked()
    assert (counts.removed, told_by) == (1, RELISTING)


@pytest.mark.parametrize("kind", ["page", "attachment"])
def test_what_the_search_shows_and_nobody_sees_has_everything_listed(
    followed: Followed, kind: Kind
) -> None:
    site, garden = followed.wiki.site, followed.wiki.garden
    above = page(followed, "A")
    made = site.create(kind, garden, "E", parent=above, storage="<p>E</p>", media_type="a/b")
    site.index.lag_s = 600
    followed.pass_hours(0.2)
    site.purge(made.id)
    assert followed.looked()[1] == RELISTING
    assert followed.looked()[1:] == (FEED, 2), "until the search knows"
    followed.pass_hours(0.2)
    assert followed.looked()[1] == RELISTING
    followed.assert_true()


def test_what_hides_behind_the_count_is_found_within_a_day(followed: Followed) -> None:
    site = followed.wiki.site
    site.restrict(page(followed, "A"), frozenset({BEN}))
    assert followed.looked()[0].removed == 1
    followed.pass_hours(3)
    site.restrict(page(followed, "A"), None)
    site.restrict(page(followed, "B"), frozenset({BEN}))
    assert followed.looked()[1:] == (FEED, 2), "one came and one went"
    followed.pass_hours(15)
    counts, told_by, _ = followed.looked()
    assert (counts.added, counts.removed, told_by) == (1, 1, RELISTING)
    followed.assert_true()


def test_a_page_that_has_moved_between_selected_spaces_is_not_held_twice(engine: Engine) -> None:
    with a_followed_wiki(engine) as followed:
        site, shed = followed.wiki.site, followed.wiki.site.open_space("SHED", "Shed")
        page_id = followed.wiki.page("A")
        followed.pass_hours(5)
        followed.house.run()
        before = followed.house.ids()
        followed.pass_hours(2)
        site.move(page_id, shed)
        site.edit(page_id)
        counts, told_by, _ = followed.looked()
        assert (counts.moved, counts.removed, told_by) == (1, 0, FEED)
        assert followed.house.ids() == {f"SHED/{page_id}": before[f"GARDEN/{page_id}"]}
        followed.assert_true()


def test_a_content_in_a_new_space_has_everything_listed(followed: Followed) -> None:
    followed.wiki.page("Spade", space=followed.wiki.site.open_space("SHED", "Shed"))
    counts, told_by, _ = followed.looked()
    assert (counts.added, told_by) == (1, RELISTING)
    followed.assert_true()


def test_a_chosen_space_that_is_not_seen_is_looked_for_each_time(engine: Engine) -> None:
    with settled(engine, spaces=["GARDEN", "SHED"]) as followed:
        assert followed.house.run().status is Status.PARTIAL
        followed.wiki.page("Spade", space=followed.wiki.site.open_space("SHED", "Shed"))
        counts, told_by, _ = followed.looked()
        assert (counts.added, told_by) == (1, RELISTING)
        assert followed.looked()[1] == FEED


def test_a_site_whose_search_refuses_is_listed_each_time(followed: Followed) -> None:
    followed.wiki.site.edit(page(followed, "A"), storage="<p>Other.</p>")
    for updated in (1, 0):
        followed.wiki.sandbox.fault(SEARCH, "403", times=2)
        counts, told_by, _ = followed.looked()
        assert (counts.updated, told_by) == (updated, RELISTING)
        followed.wiki.sandbox.control("DELETE", "/faults")
    followed.assert_true()


def test_too_many_changes_are_listed(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_confluence_changes, "MOST_HITS", 2)
    for title in "ABC":
        followed.wiki.site.edit(page(followed, title), storage="<p>Other.</p>")
    counts, told_by, _ = followed.looked()
    assert (counts.updated, told_by) == (3, RELISTING)


def test_changes_in_several_pieces_are_all_seen(followed: Followed) -> None:
    for number in range(260):
        followed.wiki.page(f"New {number}")
    counts, told_by, _ = followed.looked()
    assert (counts.added, told_by) == (260, FEED)
    followed.assert_true()


def test_a_quiet_site_is_asked_with_one_call_and_run_every_six_hours(followed: Followed) -> None:
    engine, sandbox = followed.house.engine, followed.wiki.sandbox
    swept = []
    for hours in (0, 0.5, 0.5, 4, 2):
        followed.pass_hours(hours)
        later(followed.house)
        sandbox.control("DELETE", "/calls")
        swept.append((list(sweep(engine)), sandbox.count()))
        for sync_id in swept[-1][0]:
            followed.house.run(sync_id)
    assert {calls for _, calls in swept} == {1}
    assert [queued for queued, _ in swept].count(["docs"]) == 2, "the first time, and once since"


def altered(cursor: str, **fields: object) -> str:
    return json.dumps(json.loads(cursor) | fields)


@pytest.mark.parametrize(
    "alter",
    [
        lambda cursor: "",
        lambda cursor: altered(cursor, selection="{}"),
        lambda cursor: altered(cursor, asked_at=_later(cursor)),
    ],
    ids=["none", "another selection", "a clock that has gone back"],
)
def test_a_cursor_that_does_not_fit_costs_a_listing(
    wiki: Wiki, alter: Callable[[str], str]
) -> None:
    wiki.page("A")
    with wiki.connector() as connector:
        cursor = connector.cursor()
        assert len(list(connector.changes(cursor))) == 1
        with pytest.raises(CursorExpired):
            list(connector.changes(alter(cursor)))


def _later(cursor: str) -> str:
    asked_at = datetime.fromisoformat(json.loads(cursor)["asked_at"])
    return (asked_at + timedelta(hours=2)).isoformat()


def test_a_probe_costs_one_call_and_is_another_one_after_six_hours(wiki: Wiki) -> None:
    wiki.page("A")
    with wiki.connector() as connector:
        before = connector.probe(FakeMemory())
        assert wiki.sandbox.count() == 1
        assert connector.probe(FakeMemory()) == before
        wiki.sandbox.control("POST", "/clock", {"advance_s": 6 * 3_600})
        assert connector.probe(FakeMemory()) != before


def test_a_probe_sees_an_edit_that_the_search_shows_late(wiki: Wiki) -> None:
    old, new = wiki.page("A"), wiki.page("B")
    wiki.site.edit(new, storage="<p>Words.</p>")
    wiki.site.index.lag_s = 60
    wiki.sandbox.control("POST", "/clock", {"advance_s": 60})
    wiki.site.edit(old, storage="<p>Other.</p>")
    with wiki.connector() as connector:
        before = connector.probe(FakeMemory())
        wiki.sandbox.control("POST", "/clock", {"advance_s": 60})
        assert connector.probe(FakeMemory()) != before


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_long_history_over_days_is_true_a_day_later_whatever_the_search_has_hidden(
    engine: Engine, seed: int
) -> None:
    with a_followed_wiki(engine) as followed:
        wiki, gardener = followed.wiki, Gardener(followed.wiki, seed)
        wiki.site.index.lag_s = 900

        def step() -> None:
            gardener.step()
            followed.pass_hours(0.2)

        live_through(followed.house, wiki.sandbox, step, seed=seed, calls="GET /confluence/*")
        followed.pass_hours(18)
        run_somehow(followed.house)
        assert followed.house.run().status is Status.SUCCESS
        followed.assert_true()
        assert followed.house.run().counts.synced_items == 0
