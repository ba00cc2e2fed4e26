"""What befalls the runs that make pages of a Confluence space out of a folder: refusals, answers
that do not come, crashes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.connectors._confluence_api import ConfluenceApi
from livesync_pipelines.connectors.confluence_files import ConfluencePages
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.net.verdict import BadAnswer, Conflict, Gone, Unclear
from livesync_pipelines_tests.engine.copies import Copies, Killed
from livesync_pipelines_tests.engine.copy_deeds import (
    assert_a_crash_does_no_harm,
    changed_in_every_way,
    edit_for,
    edit_in_every_way,
    killed_after,
    run_that_may_die,
    run_until_success,
    two_faults,
)
from livesync_pipelines_tests.engine.house import wait_until_free
from livesync_pipelines_tests.engine.wiki_pages import pages_of, wiki_of

PAGES = "/confluence/wiki/api/v2/pages"
WRITES = (f"POST {PAGES}", f"PUT {PAGES}/*", f"DELETE {PAGES}/*")
LOOKS = (f"GET {PAGES}/*", "GET /confluence/wiki/api/v2/spaces*")


@pytest.fixture
def wiki(engine: Engine, tmp_path: Path) -> Iterator[Copies]:
    with wiki_of(engine, tmp_path) as made:
        yield made


def assert_once(copies: Copies) -> None:
    """Each page is there once, also in the trash, where nothing came that was not removed."""
    pages = pages_of(copies)
    titles = Counter(one.title for one in pages.site.contents.values() if one.status == "current")
    assert set(titles.values()) == {1}


@pytest.mark.parametrize("kind", ["429", "403", "500", "503", "reset", "truncated"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_fault_at_any_write_loses_and_doubles_nothing(
    wiki: Copies, kind: str, after: int
) -> None:
    edit_in_every_way(wiki)
    made = len(pages_of(wiki).site.contents)
    for match in WRITES:
        pages_of(wiki).sandbox.fault(match, kind, after=after)
    run_until_success(wiki, most=len(WRITES) + 1)
    assert wiki.equal(), pages_of(wiki).names()
    assert wiki.conflicts(settled=True) == []
    assert wiki.run().counts.synced_items == 0
    assert len(pages_of(wiki).site.contents) == made + 5, "two documents and three folders"
    assert_once(wiki)


@pytest.mark.parametrize("kind", ["500", "reset", "truncated"])
def test_while_no_answer_comes_nothing_is_taken_for_done(wiki: Copies, kind: str) -> None:
    wiki.put(a__txt="one", b__txt="one")
    wiki.run()
    wiki.put(a__txt="two!", c__txt="new")
    wiki.origin.remove("b.txt")
    for match in WRITES:
        pages_of(wiki).sandbox.fault(match, kind, times=30)
    assert (wiki.run().status is Status.FAILED) == (kind != "truncated")
    pages_of(wiki).sandbox.control("DELETE", "/faults")
    assert wiki.run().status is Status.SUCCESS
    assert wiki.equal()
    assert wiki.conflicts(settled=True) == []
    assert_once(wiki)


def test_a_run_that_is_told_to_wait_goes_on_where_it_was(wiki: Copies) -> None:
    wiki.put(a__txt="one", b__txt="one")
    pages_of(wiki).sandbox.fault(WRITES[0], "429", after=1, times=30, retry_after_s=120)
    result = wiki.run()
    assert (result.status, result.counts.added) == (Status.RATE_LIMITED, 1)
    pages_of(wiki).sandbox.control("DELETE", "/faults")
    assert wiki.run().counts.added == 1
    assert wiki.equal()


def test_what_may_not_be_written_is_told_and_the_rest_goes_on(wiki: Copies) -> None:
    wiki.put(a__txt="one", b__txt="one")
    pages_of(wiki).sandbox.fault(WRITES[0], "403")
    result = wiki.run()
    assert (result.status, result.counts.added) == (Status.PARTIAL, 1)
    assert set(wiki.letters().values()) == {"bad_input"}
    assert wiki.run().status is Status.SUCCESS
    assert wiki.equal()


@pytest.mark.parametrize("error", [BadAnswer("no"), Conflict("no"), Gone("no"), Unclear("?")])
def test_what_was_done_although_the_answer_says_no_is_done_once(
    wiki: Copies, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    wiki.put(a__txt="one", b__txt="one")
    wiki.run()
    wiki.put(a__txt="two!", c__txt="new")
    wiki.origin.remove("b.txt")
    real = ConfluenceApi.send

    def refused(self: ConfluenceApi, *said: Any, **more: Any) -> Any:
        real(self, *said, **more)
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(ConfluenceApi, "send", refused)
        counts = wiki.run().counts
    assert (counts.added, counts.updated) == (1, 1)
    assert wiki.equal()
    assert wiki.run().status is Status.SUCCESS
    assert wiki.conflicts(settled=True) == []
    assert_once(wiki)


@pytest.mark.parametrize("died_in", ["put", "move", "remove"])
def test_what_was_written_before_a_crash_is_recognised(
    wiki: Copies, monkeypatch: pytest.MonkeyPatch, died_in: str
) -> None:
    edit_for(wiki, died_in)
    with killed_after(monkeypatch, ConfluencePages, died_in):
        run_that_may_die(wiki)
        run_that_may_die(wiki)
    result = wiki.run()
    assert (result.status, wiki.conflicts(settled=True)) == (Status.SUCCESS, [])
    assert wiki.equal()
    assert wiki.run().counts.synced_items == 0
    assert_once(wiki)


@pytest.mark.parametrize("step", ["new", "edited"])
def test_what_was_sent_before_a_crash_is_nobodys_edit_where_the_source_goes_on(
    wiki: Copies, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    wiki.origin.put("b.md", b"# B\n\nOne.")
    if step == "edited":
        wiki.run()
        wiki.origin.put("b.md", b"# B\n\nTwo.\n\n```sh\nls\n```\n")
    with killed_after(monkeypatch, ConfluencePages, "put"):
        run_that_may_die(wiki)
    wiki.origin.put("b.md", b"# B\n\nThree.")
    result = wiki.run()
    assert (result.status, wiki.conflicts(settled=True)) == (Status.SUCCESS, [])
    assert pages_of(wiki).get("B.txt") == b"Three."
    assert_once(wiki)


def test_a_page_that_was_made_before_a_crash_is_found_by_the_title_it_was_given(
    wiki: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiki.origin.put("deep/a.md", b"# Ferns\n\nOne.")
    with killed_after(monkeypatch, ConfluencePages, "put"), pytest.raises(Killed):
        wiki.run()
    wait_until_free(wiki.engine)
    (noted,) = wiki.ask("select name, step, reserved from livesync.file_intents")
    assert (noted["name"], noted["step"]) == ("deep/a.md", "put")
    before = pages_of(wiki).ids()
    wiki.origin.put("deep/a.md", b"# Mosses\n\nTwo.")
    assert wiki.run().status is Status.SUCCESS
    assert pages_of(wiki).ids() == {"deep/Mosses.txt": before["deep/Ferns.txt"]}


@pytest.mark.parametrize("call", range(7))
@pytest.mark.parametrize("sent", [False, True], ids=["before it", "after it"])
def test_a_crash_at_any_call_that_changes_something_loses_and_doubles_nothing(
    wiki: Copies, monkeypatch: pytest.MonkeyPatch, call: int, *, sent: bool
) -> None:
    changed_in_every_way(wiki, new="newer.txt")
    assert_a_crash_does_no_harm(wiki, monkeypatch, call=call, sent=sent)
    assert_once(wiki)
    assert wiki.run().counts.synced_items == 0
    assert wiki.ask("select from livesync.file_intents") == []


@pytest.mark.parametrize("seed", range(3))
def test_after_any_history_of_edits_and_faults_the_pages_are_what_the_folder_is(
    wiki: Copies, seed: int
) -> None:
    chance, sandbox = random.Random(seed), pages_of(wiki).sandbox
    wiki.configure(limits={"delete_items": 1_000})
    names = [f"{folder}{folder[:-1].replace('/', '')}{n}.txt" for folder in FOLDERS for n in "wxyz"]
    for _ in range(8):
        for _ in range(chance.randrange(1, 8)):
            act(wiki, chance, names)
        two_faults(sandbox, chance, (*WRITES, *LOOKS))
        wiki.run()
    sandbox.control("DELETE", "/faults")
    run_until_success(wiki, most=2)
    assert wiki.run().status is Status.SUCCESS
    assert wiki.equal()
    assert wiki.conflicts(settled=True) == []
    assert wiki.run().counts.synced_items == 0
    assert_once(wiki)


FOLDERS = ("", "a/", "a/b/", "c/")


def act(wiki: Copies, chance: random.Random, names: list[str]) -> None:
    """One edit in the folder."""
    held = wiki.origin.names()
    deed = chance.choice(["write", "write", "edit", "move", "remove"])
    if deed == "write" or not held:
        wiki.origin.put(chance.choice(names), f"{chance.random()}".encode())
        return
    old = chance.choice(held)
    content = f"{chance.random()}".encode() if deed == "edit" else wiki.origin.get(old)
    if deed in {"move", "remove"}:
        wiki.origin.remove(old)
    if deed in {"move", "edit"}:
        wiki.origin.put(chance.choice(names) if deed == "move" else old, content)
