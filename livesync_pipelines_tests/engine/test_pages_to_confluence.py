"""A folder that becomes pages of a Confluence space by syncs, while people edit both and calls
fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.connectors._confluence_api import ConfluenceApi
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.confluence.site import Site
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.connectors.pages_place import PagesPlace
from livesync_pipelines_tests.connectors.row_files import FolderPlace
from livesync_pipelines_tests.engine.copies import ENVIRON, Copies
from livesync_pipelines_tests.engine.house import Clock
from livesync_pipelines_tests.sandbox.served import a_sandbox


@pytest.fixture
def pages() -> Iterator[PagesPlace]:
    site = Site(World())
    garden = site.open_space("GARDEN", "Garden", home=True)
    with a_sandbox(site.world, site=site) as sandbox:
        yield PagesPlace(site, sandbox, garden)


def between(engine: Engine, pages: PagesPlace, root: Path, mode: str) -> Copies:
    """From a folder to a space, as a pull by the space's sync or as a push of the folder's."""
    environ = {**ENVIRON, "CONFLUENCE_API_URL": f"{pages.sandbox.address}/confluence"}
    known = replace(engine, registry=REGISTRY, environ=environ, now=Clock())
    here = FolderPlace(root)
    made = Copies(known, *((here, pages) if mode == "pull" else (pages, here)))
    made.configure(mode=mode)
    return made


@pytest.fixture(params=["pull", "push"])
def copies(
    request: pytest.FixtureRequest, engine: Engine, pages: PagesPlace, tmp_path: Path
) -> Iterator[Copies]:
    made = between(engine, pages, tmp_path, request.param)
    yield made
    made.engine.database.close()


@pytest.fixture
def wiki(engine: Engine, pages: PagesPlace, tmp_path: Path) -> Iterator[Copies]:
    made = between(engine, pages, tmp_path, "pull")
    yield made
    made.engine.database.close()


def pages_of(copies: Copies) -> PagesPlace:
    place = copies.goal
    assert isinstance(place, PagesPlace)
    return place


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


def test_an_edit_between_the_look_and_the_write_is_never_written_over(
    wiki: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiki.put(a__txt="one")
    wiki.run()
    wiki.put(a__txt="two!")
    real = ConfluenceApi.send
    slips = [b"their edit"]

    def late(self: ConfluenceApi, method: str, *said: Any, **more: Any) -> Any:
        if slips and method == "PUT":
            wiki.goal.put("a.txt", slips.pop())
        return real(self, method, *said, **more)

    monkeypatch.setattr(ConfluenceApi, "send", late)
    result = wiki.run()
    assert (result.status, wiki.letters()) == (Status.PARTIAL, {"a.txt": "moved"})
    assert wiki.goal.get("a.txt") == b"their edit"
    assert wiki.run().counts.conflicts_detected == 1
    assert wiki.goal.get("a.txt") == b"their edit"
