"""A folder that becomes pages of a Confluence space by syncs, while people edit both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.connectors._confluence_pages import Pages
from livesync_pipelines.engine.asking import ask_ends
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.confluence.site import READING_TOKEN
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.copies import SYNC, Copies
from livesync_pipelines_tests.engine.wiki_pages import pages_of, wiki_of


@pytest.fixture(params=["pull", "push"])
def copies(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Copies]:
    with wiki_of(engine, tmp_path, request.param) as made:
        yield made


@pytest.fixture
def wiki(engine: Engine, tmp_path: Path) -> Iterator[Copies]:
    with wiki_of(engine, tmp_path) as made:
        yield made


def test_documents_become_pages_that_are_edited_renamed_moved_and_trashed_with_them(
    copies: Copies,
) -> None:
    for name in ("a.txt", "b/c ü.txt", "b/deep/d.txt", "e.txt"):
        copies.origin.put(name, f"Words of {name}".encode())
    result = copies.run()
    assert (result.status, result.counts.added) == (Status.SUCCESS, 4)
    assert copies.equal()
    before = pages_of(copies).ids()
    copies.origin.put("a.txt", b"other words")
    copies.origin.put("b/renamed.txt", copies.origin.get("b/c ü.txt"))
    copies.origin.put("new/d.txt", copies.origin.get("b/deep/d.txt"))
    for name in ("b/c ü.txt", "b/deep/d.txt", "e.txt"):
        copies.origin.remove(name)
    plan = copies.plan()
    counts = copies.run().counts
    assert (counts.added, counts.updated, counts.moved, counts.removed) == (0, 1, 2, 1)
    assert plan.result.counts.moved == 2
    assert copies.equal()
    after = pages_of(copies).ids()
    assert after["a.txt"] == before["a.txt"], "an edit is a version of the same page"
    assert after["b/renamed.txt"] == before["b/c ü.txt"], "a rename keeps the page"
    assert after["new/d.txt"] == before["b/deep/d.txt"]
    counts = copies.run().counts
    assert (counts.synced_items, counts.unchanged) == (0, 3)
    assert copies.ask("select from livesync.file_intents") == []


def test_the_goals_own_edit_is_asked_about_and_gives_way_when_a_person_says_so(
    copies: Copies,
) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    copies.goal.put("a.txt", b"their edit")
    copies.put(a__txt="our edit")
    assert copies.run().counts.conflicts_detected == 1
    assert copies.goal.get("a.txt") == b"their edit"
    assert copies.run().counts.synced_items == 0
    copies.resolve(copies.goal_side.other)
    copies.run()
    assert copies.equal()
    (settled,) = copies.conflicts(settled=True)
    copies.restore(settled["conflict_id"])
    copies.run()
    assert copies.goal.get("a.txt") == b"their edit"


def test_a_page_that_people_trash_retitle_or_edit_is_asked_about(wiki: Copies) -> None:
    wiki.put(a__txt="one", b__txt="one", c__txt="one")
    wiki.run()
    pages = pages_of(wiki)
    pages.remove("a.txt")
    pages.edit(pages.page("b.txt").id, title="Another title")
    pages.put("c.txt", b"their edit")
    wiki.origin.remove("c.txt")
    assert wiki.run().counts.conflicts_detected == 3
    assert pages.names() == ["Another title.txt", "c.txt"]


def test_where_people_move_a_page_it_stays_and_is_edited_there(wiki: Copies) -> None:
    wiki.origin.put("guide/a.txt", b"one")
    wiki.put(b__txt="one")
    wiki.run()
    pages = pages_of(wiki)
    moved = pages.page("guide/a.txt")
    pages.site.move(moved.id, pages.space, pages.page("b.txt").id)
    wiki.origin.put("guide/a.txt", b"two!")
    wiki.origin.put("guide/new.txt", b"new")
    result = wiki.run()
    assert (result.status, result.counts.updated) == (Status.SUCCESS, 1)
    now = pages.site.contents[moved.id]
    assert (now.storage, now.parent) == ("<p>two!</p>", pages.page("b.txt").id)
    assert "guide/new.txt" in pages.names()


def test_a_title_that_a_page_of_others_has_is_told_and_the_rest_goes_on(wiki: Copies) -> None:
    pages = pages_of(wiki)
    pages.put("a.txt", b"theirs")
    theirs = pages.page("a.txt").id
    wiki.put(a__txt="ours", b__txt="ours")
    result = wiki.run()
    assert (result.status, wiki.letters()) == (Status.PARTIAL, {"a.txt": "bad_input"})
    (told,) = wiki.ask("select reason from livesync.item_failures")
    assert f"page {theirs} of the space, which this sync has not made" in told["reason"]
    assert (pages.get("a.txt"), pages.get("b.txt")) == (b"theirs", b"ours")
    pages.edit(theirs, title="Theirs")
    assert wiki.run().status is Status.SUCCESS
    assert pages.get("a.txt") == b"ours"
    pages.edit(pages.page("a.txt").id, title="Mine")
    pages.edit(theirs, title="a")
    wiki.configure(policy={"default": "source_wins"})
    assert (wiki.run().status, wiki.letters()) == (Status.PARTIAL, {"a.txt": "bad_input"})
    assert pages.get("Mine.txt") == b"ours"


def test_of_two_documents_of_one_title_the_second_is_told_until_it_gets_another(
    wiki: Copies,
) -> None:
    wiki.origin.put("guide/one.md", b"# Start\n\nSame words.")
    wiki.origin.put("guide/two.md", b"# Start\n\nSame words.")
    assert wiki.run().status is Status.PARTIAL
    (told,) = wiki.ask("select key, reason from livesync.item_failures")
    assert (told["key"], "that of guide/one.md" in told["reason"]) == ("guide/two.md", True)
    wiki.origin.put("guide/two.md", b"---\ntitle: Start again\n---\n# Start\n\nSame words.")
    assert wiki.run().status is Status.SUCCESS
    assert pages_of(wiki).names() == ["guide/Start again.txt", "guide/Start.txt"]


def test_a_page_is_called_as_its_document_says_and_keeps_that_where_the_file_is_renamed(
    wiki: Copies,
) -> None:
    wiki.origin.put("leave.md", b"# Leave policy\n\nAsk *early*.")
    wiki.origin.put("Notes.md", b"# Notes\n\nNo more.")
    wiki.run()
    pages = pages_of(wiki)
    before = pages.ids()
    assert set(before) == {"Leave policy.txt", "Notes.txt"}
    wiki.origin.put("holiday/leave.md", wiki.origin.get("leave.md"))
    wiki.origin.put("n.md", wiki.origin.get("Notes.md"))
    for name in ("leave.md", "Notes.md"):
        wiki.origin.remove(name)
    assert wiki.run().counts.moved == 2
    assert pages.ids() == {
        "holiday/Leave policy.txt": before["Leave policy.txt"],
        "Notes.txt": before["Notes.txt"],
    }
    wiki.origin.put("holiday/leave.md", b"# Holidays\n\nAsk *early*.")
    assert wiki.run().counts.updated == 1
    assert pages.ids()["holiday/Holidays.txt"] == before["Leave policy.txt"]
    assert wiki.run().counts.synced_items == 0


def test_what_is_no_document_is_told_and_the_rest_goes_on(wiki: Copies) -> None:
    wiki.origin.put("logo.png", b"\x89PNG")
    wiki.origin.put("long.md", b"# " + b"x" * 300)
    wiki.origin.put("deep.html", b"<div>" * 5_000)
    wiki.put(a__txt="one")
    assert wiki.run().status is Status.PARTIAL
    assert wiki.letters() == dict.fromkeys(("logo.png", "long.md", "deep.html"), "bad_input")
    assert pages_of(wiki).names() == ["a.txt"]
    wiki.configure(select={"include": ["*.txt"]})
    assert (wiki.run().status, wiki.letters()) == (Status.SUCCESS, {})


def test_a_document_takes_the_page_of_the_folder_that_has_its_name(wiki: Copies) -> None:
    wiki.origin.put("guide/a.txt", b"one")
    wiki.run()
    pages = pages_of(wiki)
    (folder,) = (one.id for path, one in pages.everything() if path == "guide")
    wiki.put(guide__txt="All about it.")
    assert wiki.run().counts.added == 1
    assert pages.page("guide.txt").id == folder
    wiki.origin.put("guide/b.txt", b"two")
    wiki.run()
    assert {pages.site.contents[page].parent for page in pages.ids().values()} == {
        folder,
        pages.space.homepage,
    }


def test_pages_lie_below_the_chosen_one_and_a_folder_that_lies_elsewhere_is_told(
    wiki: Copies,
) -> None:
    pages = pages_of(wiki)
    for name in ("Chosen.txt", "guide.txt"):
        pages.put(name, b"theirs")
    chosen = pages.page("Chosen.txt").id
    address = f"https://garden.atlassian.net/wiki/spaces/GARDEN/pages/{chosen}/Chosen"
    target = {"connection": "there", "space": "GARDEN", "parent": address}
    wiki.configure(target=target)
    wiki.origin.put("guide/a.txt", b"one")
    wiki.origin.put("other/b.txt", b"one")
    assert (wiki.run().status, wiki.letters()) == (Status.PARTIAL, {"guide/a.txt": "bad_input"})
    assert pages.site.contents[pages.page("Chosen.txt/other/b.txt").parent or ""].parent == chosen
    pages.site.move(pages.page("guide.txt").id, pages.space, chosen)
    assert wiki.run().status is Status.SUCCESS
    assert "Chosen.txt/guide.txt/a.txt" in pages.names()
    pages.site.trash(chosen)
    assert wiki.run().status is Status.FAILED


def test_a_page_of_the_new_editor_alone_is_left_alone_whoever_wins(wiki: Copies) -> None:
    wiki.configure(policy={"default": "source_wins"})
    wiki.put(a__txt="one")
    wiki.run()
    pages = pages_of(wiki)
    page_id = pages.ids()["a.txt"]
    pages.edit(page_id, storage="", adf='{"type": "doc", "version": 1, "content": []}')
    wiki.put(a__txt="two!")
    assert (wiki.run().status, wiki.letters()) == (Status.PARTIAL, {"a.txt": "other_format"})
    assert pages.site.contents[page_id].storage == ""


def test_a_title_that_a_page_gives_up_is_free_in_the_next_run(wiki: Copies) -> None:
    wiki.origin.put("old.md", b"# Leave\n\nOne.")
    wiki.run()
    wiki.origin.put("new.md", b"# Leave\n\nTwo.")
    wiki.origin.remove("old.md")
    assert (wiki.run().status, wiki.letters()) == (Status.PARTIAL, {"new.md": "bad_input"})
    assert wiki.run().status is Status.SUCCESS
    assert pages_of(wiki).get("Leave.txt") == b"Two."


def test_a_space_that_is_not_seen_any_more_has_not_become_empty(wiki: Copies) -> None:
    wiki.put(a__txt="one")
    wiki.run()
    pages_of(wiki).site.close_space(pages_of(wiki).space.id)
    result = wiki.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "does not see the space GARDEN" in result.error["message"]
    assert wiki.conflicts() == []


def test_a_full_run_takes_what_was_sent_for_what_is_there_however_it_is_spelled_now(
    wiki: Copies,
) -> None:
    wiki.origin.put("a.md", b"# A\n\n```python\nx < 1\n```\n")
    wiki.run()
    (page,) = pages_of(wiki).ids().values()
    held = pages_of(wiki).site.contents[page]
    assert "ac:macro-id" in held.storage
    pages_of(wiki).site.keep(replace(held, storage=f"{held.storage}<p local-id='1'></p>"))
    result = wiki.run(full=True)
    assert (result.status, result.counts.synced_items) == (Status.SUCCESS, 0)
    assert wiki.conflicts(settled=True) == []


def test_another_sync_of_the_same_folder_takes_the_pages_that_are_there(wiki: Copies) -> None:
    wiki.origin.put("guide/a.md", b"# A\n\nOne.\n\n```sh\nls\n```\n")
    wiki.put(b__txt="one")
    wiki.run()
    before = pages_of(wiki).ids()
    with wiki.engine.database.pooled() as connection:
        connection.execute("delete from livesync.copied_files")
    assert wiki.run().status is Status.SUCCESS
    assert pages_of(wiki).ids() == before
    assert {page.head.number for _, page in pages_of(wiki).everything()} == {1}
    wiki.put(b__txt="two!")
    assert wiki.run().counts.updated == 1


def test_a_space_that_is_read_into_a_capsule_too_shows_no_echo(wiki: Copies) -> None:
    wiki.configure_read("reads", spaces=["GARDEN"])
    wiki.origin.put("a.md", b"# Ferns\n\nThey like shade.")
    wiki.put(b__txt="one")
    steps = [(SYNC, 2), ("reads", 3), (SYNC, 0), ("reads", 0)]
    for sync_id, wrote in steps:
        result = wiki.run(sync_id)
        assert (result.status, result.counts.synced_items) == (Status.SUCCESS, wrote)
    wiki.put(b__txt="two!")
    assert [wiki.run(sync_id).counts.updated for sync_id in (SYNC, "reads", SYNC)] == [1, 1, 0]
    pages_of(wiki).put("b.txt", b"their edit")
    assert wiki.run("reads").counts.updated == 1
    assert wiki.run().counts.conflicts_detected == 1


def test_whether_a_run_is_due_is_told_by_the_space_and_the_folder(wiki: Copies) -> None:
    wiki.put(a__txt="one")
    wiki.run()
    with wiki.engine.database.pooled() as connection:
        sync = catalog.sync(connection, SYNC)
    mark = ask_ends(wiki.engine, sync, None)
    assert mark is not None
    assert ask_ends(wiki.engine, sync, mark) == mark
    pages_of(wiki).put("a.txt", b"their edit")
    assert ask_ends(wiki.engine, sync, mark) != mark


def test_a_token_that_may_only_read_says_which_scope_is_missing(wiki: Copies) -> None:
    environ = {**wiki.engine.environ, "WIKI_TOKEN": READING_TOKEN}
    wiki.engine = replace(wiki.engine, environ=environ)
    wiki.put(a__txt="one")
    result = wiki.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "write:page:confluence" in result.error["message"]
    assert pages_of(wiki).names() == []


@pytest.mark.parametrize("deed", ["edit", "removal"])
def test_an_edit_between_the_look_and_the_write_is_never_written_over(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    copies.put(a__txt="one")
    copies.run()
    if deed == "edit":
        copies.put(a__txt="two!")
    else:
        copies.origin.remove("a.txt")
    real = Pages.now
    slips = [b"their edit"]

    def looked(self: Pages, page_id: str) -> Any:
        found = real(self, page_id)
        if slips:
            copies.goal.put("a.txt", slips.pop())
        return found

    monkeypatch.setattr(Pages, "now", looked)
    result = copies.run()
    assert (result.status, copies.letters()) == (Status.PARTIAL, {"a.txt": "moved"})
    assert copies.goal.get("a.txt") == b"their edit"
    assert copies.run().counts.conflicts_detected == 1
    assert copies.goal.get("a.txt") == b"their edit"


def test_a_page_that_is_trashed_between_the_look_and_the_write_stays_there(
    wiki: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiki.put(a__txt="one")
    wiki.run()
    wiki.put(a__txt="two!")
    real = Pages.change

    def late(self: Pages, *said: Any) -> Any:
        if wiki.goal.names():
            wiki.goal.remove("a.txt")
        return real(self, *said)

    monkeypatch.setattr(Pages, "change", late)
    assert (wiki.run().status, wiki.letters()) == (Status.PARTIAL, {"a.txt": "moved"})
    assert wiki.run().counts.conflicts_detected == 1
    assert wiki.goal.names() == []
