"""The ledger alone knows what the target is."""

from __future__ import annotations

import pytest

from livesync_pipelines.engine.rebuild import Rebuilt, rebuild
from livesync_pipelines.model.sync import FieldMapping
from livesync_pipelines_tests.engine.house import House, a_sync, assert_in_step, prose


@pytest.fixture
def lived(house: House) -> House:
    """A sync with a history: items came, changed, moved and went."""
    house.configure(a_sync(mapping=(FieldMapping("author", source="who"),)))
    for key in "abcdef":
        house.source.put(key, prose(key), attributes={"who": "Ada"})
    house.run()
    house.source.put("a", prose("a2"))
    house.source.rename("b", "bb")
    house.source.remove("c")
    house.source.put("twice", "\n\n".join([prose("same", sections=1)] * 2))
    house.source.touch("d")
    house.run()
    return house


def checked(house: House) -> Rebuilt:
    return rebuild(house.engine, "docs", check=True)


def test_a_target_is_as_its_ledger_says(lived: House) -> None:
    before = lived.rows("select ctid, xmin from livesync.chunks")
    assert checked(lived) == Rebuilt(agreeing=6)
    assert lived.rows("select ctid, xmin from livesync.chunks") == before
    assert len(lived.history()) == 2


@pytest.mark.parametrize(
    "damage",
    [
        "update livesync.chunks set text = text || '!' where item_id = 'a'",
        "delete from livesync.chunks where item_id = 'a'",
        "update livesync.documents set title = 'other' where item_id = 'a'",
        "update livesync.documents set attributes = '{}' where item_id = 'a'",
        "delete from livesync.documents where item_id = 'a'",
        "update livesync.records set url = 'other' where item_id = 'a'",
        "delete from livesync.records where item_id = 'a'",
        "update livesync.shadow set key = 'other' where item_id = 'a'",
        "delete from livesync.shadow where item_id = 'a'",
    ],
)
def test_whatever_is_damaged_is_seen_and_put_right(lived: House, damage: str) -> None:
    lived.execute(damage)
    assert checked(lived) == Rebuilt(agreeing=5, differing=["a"])
    assert rebuild(lived.engine, "docs", check=False).differing == ["a"]
    assert checked(lived) == Rebuilt(agreeing=6)
    lived.run()
    assert_in_step(lived)


def test_all_of_it_can_be_made_again(lived: House) -> None:
    for table in ("chunks", "documents", "records", "shadow"):
        lived.execute(f"delete from livesync.{table}")
    assert len(rebuild(lived.engine, "docs", check=False).differing) == 6
    lived.run()
    assert_in_step(lived)


def test_what_the_ledger_does_not_know_is_taken_out(lived: House) -> None:
    lived.execute("delete from livesync.ledger where item_id = 'e'")
    assert checked(lived) == Rebuilt(agreeing=5, unlogged=["e"])
    rebuild(lived.engine, "docs", check=False)
    assert "e" not in lived.held()


def test_a_text_that_is_lost_or_forged_is_not_made_up(lived: House) -> None:
    lived.execute("update livesync.contents set text = 'forged' where text like '## a2%%'")
    before = lived.held()
    assert rebuild(lived.engine, "docs", check=False) == Rebuilt(agreeing=5, lost=["a"])
    assert lived.held() == before


@pytest.mark.parametrize(
    "harm",
    [
        "delete from livesync.contents",
        "update livesync.contents set text = 'Something else.'",
    ],
)
def test_a_full_resync_brings_lost_and_altered_texts_back(house: House, harm: str) -> None:
    for key in "abc":
        house.source.put(key, prose(key))
    house.run()
    house.execute(harm)
    assert rebuild(house.engine, "docs", check=True).lost
    assert house.run(full=True).counts.unchanged == 3
    assert rebuild(house.engine, "docs", check=True).is_exact
    assert_in_step(house)
