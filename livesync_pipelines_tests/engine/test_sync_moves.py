"""A source whose feed tells where an item is, and not where it was (`FeedPage.moves`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.records import FeedPage
from livesync_pipelines_tests.engine.fake_source import Told, fails
from livesync_pipelines_tests.engine.house import House, a_house, assert_in_step, ops, prose

MANY = 30
"""More than may go without a person's word."""


class Placed(Told):
    """Nothing is ever told of the key that an item has left."""

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        for page in super().changes(cursor):
            yield replace(page, gone={}, moves=True)


@pytest.fixture
def placed(engine: Engine) -> Iterator[House]:
    """Two folders, listed once, in pages smaller than either."""
    with a_house(engine, kind=Placed) as house:
        house.source.page_items = 7
        for number in range(MANY):
            house.source.put(f"beds/{number:02}", prose(f"bed {number}", sections=2))
        for number in range(3):
            house.source.put(f"ponds/{number:02}", prose(f"pond {number}", sections=2))
        house.run()
        house.source.forget()
        yield house


def carried(ids: dict[str, str], folder: str, to: str) -> dict[str, str]:
    """The ids of items by the keys that they should have after such a move."""
    return {key.replace(f"{folder}/", f"{to}/", 1): item_id for key, item_id in ids.items()}


def test_a_folder_that_moves_takes_its_documents_along_as_what_they_were(placed: House) -> None:
    """Each is read once, for its words must agree before a move is believed; nothing is listed,
    nothing else is read, no chunk is written, and nobody is asked."""
    before = placed.ids()
    chunks = {item_id: placed.chunks(key) for key, item_id in before.items()}
    placed.source.carry("beds", "old/beds")
    result = placed.run()
    assert result.status is Status.SUCCESS
    counts = result.counts
    assert (counts.moved, counts.added, counts.updated, counts.removed) == (MANY, 0, 0, 0)
    assert (counts.chunks_written, counts.chunks_removed) == (0, 0)
    assert placed.source.pages == []
    assert sorted(placed.source.fetched) == [f"old/beds/{number:02}" for number in range(MANY)]
    assert placed.ids() == carried(before, "beds", "old/beds")
    assert {item_id: placed.chunks(key) for key, item_id in placed.ids().items()} == chunks
    assert {op for op, _ in ops(placed.entries()[-MANY:])} == {"moved"}
    assert_in_step(placed)


def test_what_has_moved_is_followed_under_its_new_key(placed: House) -> None:
    before = carried(placed.ids(), "ponds", "lakes")
    placed.source.carry("ponds", "lakes")
    placed.run()
    placed.source.forget()
    placed.source.put("lakes/01", prose("a lake"))
    result = placed.run()
    assert (result.counts.updated, result.counts.moved) == (1, 0)
    assert placed.source.fetched == ["lakes/01"]
    assert placed.ids() == before
    placed.source.forget()
    again = placed.run(full=True)
    assert (again.counts.unchanged, again.counts.synced_items) == (MANY + 3, 0)
    assert_in_step(placed)


def test_folders_that_take_each_others_places_are_not_mixed_up(placed: House) -> None:
    """The keys that some leave are those that others come to."""
    before = placed.ids()
    placed.source.carry("ponds", "lakes")
    placed.source.carry("beds", "ponds")
    placed.source.carry("lakes", "beds")
    placed.run()
    assert_in_step(placed)
    after = placed.ids()
    assert set(after) == set(placed.source.texts())
    free = [key for key in after if key not in before]
    assert {key: after[key] for key in free} == {
        key: before[key.replace("ponds/", "beds/")] for key in free
    }


def test_a_folder_that_moves_and_comes_back_has_not_moved(placed: House) -> None:
    before, written = placed.ids(), placed.written()
    placed.source.carry("ponds", "lakes")
    placed.source.carry("lakes", "ponds")
    assert placed.run().counts.synced_items == 0
    assert (placed.source.fetched, placed.ids()) == ([], before)
    assert placed.written() == written


def test_a_move_that_a_run_could_not_finish_is_finished_by_the_next(placed: House) -> None:
    before = carried(placed.ids(), "beds", "old/beds")
    placed.source.carry("beds", "old/beds")
    placed.source.at_change[2] = fails(Unavailable("The source is away."))
    assert placed.run().status is not Status.SUCCESS
    placed.source.forget()
    assert placed.run().status is Status.SUCCESS
    assert placed.ids() == before
    assert_in_step(placed)
