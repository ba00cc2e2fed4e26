"""Dropbox, from a pretend one over HTTP into a capsule."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing, suppress
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors import _dropbox_calls
from livesync_pipelines.connectors._dropbox_calls import content_hash
from livesync_pipelines.connectors._dropbox_longpoll import Longpoll
from livesync_pipelines.connectors._listed import NoMemory
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.dropbox import Dropbox, DropboxConnection, DropboxSelection
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import Reauthorise
from livesync_pipelines.model.operation import Status
from livesync_pipelines.net.api import Bearer
from livesync_pipelines.net.verdict import BadAnswer
from livesync_pipelines.sandbox.dropbox.boxes import planted
from livesync_pipelines.sandbox.world import World

from ..engine.test_watching import queued, watched
from ..net.site import Site
from ..sandbox.served import ADA
from .dropbox_world import CHANGES, DOWNLOADS, LISTINGS, Cupboard, a_cupboard

_STEPS = 150


@pytest.fixture
def cupboard(engine: Engine) -> Iterator[Cupboard]:
    """With four files in step, of which two lie in a folder in a folder."""
    with a_cupboard(engine) as found:
        for path in ("/moss.md", "/Beds/fern.md", "/Beds/North/iris.md", "/Beds/North/rose.md"):
            found.ada.write(path, f"This is {path}.")
        found.configure()
        assert found.run().status is Status.SUCCESS
        yield found


def assert_true(cupboard: Cupboard) -> None:
    assert cupboard.held() == cupboard.truth()


def test_a_first_sync_equals_the_truth(engine: Engine) -> None:
    world = World()
    with a_cupboard(engine, world, planted(world, 1_050)) as found:
        found.configure()
        result = found.run()
        assert (result.status, result.counts.added) == (Status.SUCCESS, 1_050)
        assert_true(found)
        assert (found.sandbox.count(LISTINGS), found.sandbox.count(CHANGES)) == (1, 1)


def test_an_edit_costs_one_page_of_the_feed_and_one_download(cupboard: Cupboard) -> None:
    cupboard.sandbox.control("DELETE", "/calls")
    cupboard.ada.write("/moss.md", "Moss grows.")
    assert cupboard.run().counts.updated == 1
    assert_true(cupboard)
    assert cupboard.sandbox.count(CHANGES) == 1
    assert cupboard.sandbox.count(DOWNLOADS) == 1
    assert cupboard.sandbox.count(LISTINGS) == 0


def test_the_same_bytes_written_again_are_no_change(cupboard: Cupboard) -> None:
    cupboard.sandbox.control("DELETE", "/calls")
    cupboard.ada.rewrite("/moss.md")
    assert cupboard.run().counts.updated == 0
    assert cupboard.sandbox.count(DOWNLOADS) == 1, "that of the person who wrote it"


def test_a_folder_that_is_deleted_takes_everything_below_it(cupboard: Cupboard) -> None:
    cupboard.ada.write("/Beds of roses.md", "Not below.")
    cupboard.ada.delete("/Beds")
    assert cupboard.run().counts.removed == 3
    assert_true(cupboard)
    assert set(cupboard.held()) == {"/moss.md", "/beds of roses.md"}


def test_what_is_deleted_and_made_again_is_there(cupboard: Cupboard) -> None:
    cupboard.ada.delete("/Beds")
    cupboard.ada.write("/beds/North/iris.md", "A new iris.")
    cupboard.run()
    assert_true(cupboard)
    assert set(cupboard.held()) == {"/moss.md", "/beds/north/iris.md"}


def test_a_file_in_the_place_of_a_folder_takes_everything_below_it(cupboard: Cupboard) -> None:
    cupboard.ada.delete("/Beds/North")
    cupboard.ada.write("/Beds/North", "A file without an ending.")
    cupboard.run()
    assert {"/beds/north/iris.md", "/beds/north/rose.md"}.isdisjoint(cupboard.held())


def test_a_folder_that_is_moved_keeps_its_items_and_writes_no_chunk(cupboard: Cupboard) -> None:
    before = cupboard.ids()
    cupboard.ada.move("/Beds/North", "/South")
    result = cupboard.run()
    assert (result.counts.moved, result.counts.removed, result.counts.added) == (2, 0, 0)
    assert result.counts.chunks_written == 0
    assert_true(cupboard)
    assert cupboard.ids()["/south/iris.md"] == before["/beds/north/iris.md"]


def test_another_spelling_of_a_name_is_taken_over(cupboard: Cupboard) -> None:
    before = cupboard.ids()
    cupboard.ada.move("/moss.md", "/tmp.md")
    cupboard.ada.move("/tmp.md", "/MOSS.md")
    cupboard.run()
    assert cupboard.names()["/moss.md"] == "/MOSS.md"
    assert cupboard.ids() == before


def test_only_chosen_folders_and_globs_are_synced_whatever_their_case(cupboard: Cupboard) -> None:
    cupboard.configure(folders=["/beds/", "/BEDS/north", "/Pots"], exclude=["**/ROSE.*"])
    refused = cupboard.run(full=True)
    assert refused.error is not None
    assert refused.error["message"] == "The account has no folder /pots."
    assert len(cupboard.held()) == 4, "nothing was taken for deleted"
    cupboard.ada.write("/Pots/thyme.md", "Thyme in a pot.")
    assert cupboard.run(full=True).status is Status.SUCCESS
    assert set(cupboard.held()) == {"/beds/fern.md", "/beds/north/iris.md", "/pots/thyme.md"}
    before = cupboard.ids()["/pots/thyme.md"]
    cupboard.ada.move("/Pots/thyme.md", "/Beds/thyme.md")
    cupboard.ada.move("/Beds/fern.md", "/fern.md")
    cupboard.run()
    assert set(cupboard.held()) == {"/beds/north/iris.md", "/beds/thyme.md"}
    assert cupboard.ids()["/beds/thyme.md"] == before


@pytest.mark.parametrize(
    "said",
    [
        {"folders": ["/Beds"], "exclude": ["North/**"]},
        {"folders": ["/Beds"], "exclude": ["Beds/North/**"]},
        {"folders": ["/Beds"], "include": ["*"]},
        {"include": ["Beds/*"]},
    ],
    ids=str,
)
def test_globs_count_from_the_chosen_folder_down_or_from_the_root(
    cupboard: Cupboard, said: dict[str, Any]
) -> None:
    cupboard.configure(**said)
    assert cupboard.run(full=True).status is Status.SUCCESS
    assert set(cupboard.held()) == {"/beds/fern.md"}


def test_an_error_shows_what_dropbox_calls_the_request(cupboard: Cupboard) -> None:
    for kind, status in (("500", 500), ("503", 503)):
        cupboard.sandbox.fault("POST /dropbox/2/*", kind, times=10)
        failed = cupboard.run().error
        cupboard.sandbox.control("DELETE", "/faults")
        assert failed is not None
        assert re.search(rf"answered {status} \(request [0-9a-f]{{32}}\)", failed["message"])


@pytest.mark.parametrize("folder", ["Beds", "/Beds//North"])
def test_a_folder_that_is_no_path_is_refused(folder: str) -> None:
    with pytest.raises(ValidationError, match="whole path"):
        DropboxSelection(folders=[folder])


def test_a_shared_folder_is_a_folder(cupboard: Cupboard) -> None:
    said = {"person": ADA, "path": "/Greenhouse"}
    cupboard.sandbox.client.post("/dropbox/console/share", json=said).raise_for_status()
    cupboard.ada.write("/Greenhouse/aloe.md", "An aloe.")
    cupboard.run()
    assert_true(cupboard)
    cupboard.ada.delete("/Greenhouse")
    cupboard.run()
    assert_true(cupboard)


def test_a_cursor_that_is_reset_costs_a_listing_and_nothing_else(cupboard: Cupboard) -> None:
    cupboard.ada.write("/moss.md", "Moss grows.")
    cupboard.ada.delete("/Beds/fern.md")
    cupboard.sandbox.client.post("/dropbox/console/reset", json={"person": ADA}).raise_for_status()
    cupboard.sandbox.control("DELETE", "/calls")
    counts = cupboard.run().counts
    assert (counts.updated, counts.removed, counts.added) == (1, 1, 0)
    assert_true(cupboard)
    assert cupboard.sandbox.count(DOWNLOADS) == 1
    cupboard.ada.write("/moss.md", "Moss still grows.")
    cupboard.run()
    assert cupboard.sandbox.count(LISTINGS) == 1, "then the feed goes on"


@pytest.mark.parametrize("kind", ["429", "403", "500", "503", "truncated", "reset"])
def test_a_fault_that_passes_costs_nothing(cupboard: Cupboard, kind: str) -> None:
    for number in range(3):
        cupboard.ada.write(f"/new {number}.md", f"Number {number}.")
    for match in (CHANGES, DOWNLOADS):
        cupboard.sandbox.fault(match, kind)
    assert cupboard.run().status is Status.SUCCESS
    assert_true(cupboard)


def test_a_long_wait_is_left_to_the_next_run(cupboard: Cupboard) -> None:
    cupboard.ada.write("/moss.md", "Moss grows.")
    cupboard.sandbox.fault(CHANGES, "429", retry_after_s=600)
    assert cupboard.run().status is Status.RATE_LIMITED
    assert cupboard.held()["/moss.md"] == "This is /moss.md."


def test_a_token_that_has_expired_is_renewed_once(cupboard: Cupboard) -> None:
    cupboard.ada.write("/moss.md", "Moss grows.")
    cupboard.sandbox.control("POST", "/oauth/dropbox/expire")
    cupboard.sandbox.control("DELETE", "/calls")
    assert cupboard.run().status is Status.SUCCESS
    assert cupboard.sandbox.count("POST /dropbox/oauth2/token") == 1
    assert cupboard.held()["/moss.md"] == "Moss grows."


def test_whoever_waits_beside_it_is_told_of_a_change(cupboard: Cupboard) -> None:
    cupboard.configure(schedule="realtime")
    with watched(cupboard.engine):
        cupboard.ada.write("/moss.md", "Moss grows.")
        told = queued(cupboard.engine)
    assert (told["sync_id"], told["trigger"]) == ("box", "watch")


def limits(cupboard: Cupboard) -> FetchLimits:
    at = f"{cupboard.sandbox.address}/dropbox"
    return FetchLimits(account=Bearer(cupboard.ada.token), api_url=at)


def test_nothing_that_happens_between_two_waits_is_missed(cupboard: Cupboard) -> None:
    with closing(Longpoll(limits(cupboard))) as longpoll:
        assert longpoll.wait(0), "nobody has waited until now"
        assert not longpoll.wait(0)
        for number in range(3):
            cupboard.ada.write("/moss.md", f"Moss grows {number}.")
            assert longpoll.wait(60)
        reset = {"person": ADA}
        cupboard.sandbox.client.post("/dropbox/console/reset", json=reset).raise_for_status()
        cupboard.ada.write("/moss.md", "Moss has grown.")
        assert longpoll.wait(60)


def test_whoever_waits_hears_when_the_account_is_taken_back(cupboard: Cupboard) -> None:
    with closing(Longpoll(limits(cupboard))) as longpoll:
        assert longpoll.wait(0)
        cupboard.sandbox.fault("*/get_latest_cursor", "expired_token")
        cupboard.ada.write("/moss.md", "Moss grows.")
        with pytest.raises(Reauthorise):
            longpoll.wait(60)


def test_the_folders_at_the_top_are_what_there_is_to_choose_from(cupboard: Cupboard) -> None:
    cupboard.ada.write("/Shed/rake.md", "A rake.")
    found = list(Dropbox.choices(DropboxConnection(account="ada"), limits(cupboard)))
    assert [(one.title, one.option, one.values) for one in found] == [
        ("/Beds", "folders", ["/Beds"]),
        ("/Shed", "folders", ["/Shed"]),
    ]


def test_a_file_that_is_too_large_costs_one_failure(cupboard: Cupboard) -> None:
    cupboard.ada.write("/moss.md", "moss " * 11_000_000)
    assert cupboard.run().status is Status.PARTIAL
    assert cupboard.failures() == {"/moss.md": "too_large"}
    cupboard.ada.delete("/moss.md")
    assert cupboard.run().status is Status.SUCCESS
    assert cupboard.failures() == {}


def test_what_failed_below_a_folder_goes_with_it(cupboard: Cupboard) -> None:
    cupboard.ada.write("/Beds/North/huge.md", "huge " * 11_000_000)
    assert cupboard.run().status is Status.PARTIAL
    cupboard.ada.delete("/Beds")
    assert cupboard.run().status is Status.SUCCESS
    assert cupboard.failures() == {}
    assert_true(cupboard)


def test_a_content_hash_is_made_of_blocks_of_four_mebibytes() -> None:
    """The example of Dropbox's page, without its picture: empty, and more than one block."""
    assert content_hash(b"").startswith("e3b0c442")
    assert content_hash(b"a" * (4 * 1024 * 1024 + 1)) != content_hash(b"a" * (4 * 1024 * 1024))


class _Gardener:
    """Does at random what can be done."""

    def __init__(self, cupboard: Cupboard, seed: int) -> None:
        self._ada = cupboard.ada
        self._chance = Random(seed)

    def step(self) -> None:
        acts = (self._write, self._write, self._write, self._move, self._move, self._delete)
        with suppress(AssertionError):  # what is not there, or would lie in itself, is refused
            self._chance.choice(acts)()

    def _write(self) -> None:
        self._ada.write(f"{self._folder()}/{self._name()}", f"Leaf {self._chance.random()}.")

    def _move(self) -> None:
        self._ada.move(self._path(), self._path())

    def _delete(self) -> None:
        self._ada.delete(self._path())

    def _path(self) -> str:
        return self._chance.choice((self._folder(), f"{self._folder()}/{self._name()}"))

    def _folder(self) -> str:
        return self._chance.choice(("/Bed", "/bed/North", "/BED/north/Pot", "/Pot", "/Pot/Bed"))

    def _name(self) -> str:
        return self._chance.choice(("fern.md", "FERN.md", "moss.md", "iris.md", "rose.md"))


@pytest.mark.parametrize(("seed", "page_items"), [(1, 1_000), (2, 1), (3, 2), (4, 7)])
def test_a_long_random_history_ends_in_the_truth_however_its_pages_are_cut(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, seed: int, page_items: int
) -> None:
    monkeypatch.setattr(_dropbox_calls, "_PAGE_ITEMS", page_items)
    chance = Random(seed)
    with a_cupboard(engine) as found:
        found.configure()
        found.run()
        gardener = _Gardener(found, seed)
        for _ in range(_STEPS):
            gardener.step()
            if chance.random() < 0.1:
                found.run()
                assert_true(found)
        found.run()
        assert_true(found)
        assert found.run(full=True).counts.synced_items == 0
        assert found.failures() == {}


def test_a_dropbox_that_names_a_page_twice_is_not_asked_for_ever() -> None:
    """Neither for its listing nor for its feed, nor for what there is to choose from."""
    connection = DropboxConnection(account="me")
    circle = json.dumps({"entries": [], "cursor": "c1", "has_more": True})
    with Site() as site:
        for route in ("list_folder", "list_folder/continue"):
            site.put(f"/2/files/{route}", circle)
        limits = FetchLimits(account=Bearer("x"), api_url=site.url("").rstrip("/"))
        with closing(Dropbox(connection, DropboxSelection(), limits)) as found:
            for pages in (
                found.listing(NoMemory()),
                found.changes(json.dumps({"": "c0"})),
                found.choices(connection, limits),
            ):
                with pytest.raises(BadAnswer, match="no end"):
                    list(pages)
    assert len(site.calls) == 6
