"""Each file beside this one tells a story that a person reads and a machine replays.

A day has what is done to the source (`do`), what a run of that day must say (`run`), what a search
for a word must then find (`finds`, by key) and which items must fail (`fails`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.sync import Limits
from livesync_pipelines.store import approvals, capsules
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import House, a_house, a_sync, assert_sound

STORIES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.fixture
def house(engine: Engine) -> Iterator[House]:
    with a_house(engine) as house:
        yield house


def do(house: House, what: str, said: Any) -> None:
    """One line of a day."""
    verb, _, key = what.partition(" ")
    source = house.source
    match verb:
        case "put":
            source.put(key, said)
        case "rename":
            source.rename(key, said)
        case "swap":
            source.swap(key, said)
        case "remove":
            source.remove(said)
        case "touch":
            source.touch(said)
        case "lock":
            source.unreadable[key] = ItemFailure(key, said, f"{key} is {said}.")
        case "unlock":
            del source.unreadable[said]
        case "break":
            source.at_page[said] = fails(Unavailable("the line dropped"))
        case _:
            raise ValueError(f"no such verb: {what}")


def live(house: House, day: Mapping[str, Any]) -> None:
    """One day, from its deeds to what is found in the evening."""
    house.source.forget()
    for line in day.get("do", ()):
        for what, said in line.items():
            do(house, what, said)
    with house.engine.database.pooled() as connection:
        if "approve" in day:
            assert approvals.give(connection, "docs") == day["approve"]
        result = house.run()
        told = {"status": str(result.status), **result.counts.as_dict()}
        assert {name: told[name] for name in day["run"]} == day["run"]
        keys = {item_id: key for key, item_id in house.ids().items()}
        for word, wanted in day.get("finds", {}).items():
            hits = capsules.search(connection, "handbook", word)
            assert sorted(keys[hit["item_id"]] for hit in hits) == wanted, word
    if "fails" in day:
        assert house.failures() == day["fails"]
    assert_sound(house)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.stem)
def test_the_story_goes_as_it_is_told(house: House, story: Path) -> None:
    told = yaml.safe_load(story.read_text())
    house.configure(a_sync(limits=Limits(**told.get("limits", {}))))
    for day in told["days"]:
        live(house, day)


def test_there_are_stories() -> None:
    assert len(STORIES) >= 5
