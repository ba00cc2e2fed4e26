"""The ledger tells what happened, in an order that cannot be forged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from livesync_pipelines.core.canon import EMPTY_CHAIN
from livesync_pipelines.store import ledger
from livesync_pipelines.store.database import Connection
from livesync_pipelines_tests.engine.house import House, ops, prose


@pytest.fixture
def filled(house: House) -> House:
    """Six entries: three added, one updated, one moved, one removed."""
    for key in ("a", "b", "ç \"'\\ 🜁"):
        house.source.put(key, prose(key, sections=1), attributes={"ключ": "значение"})
    house.run()
    house.source.put("a", prose("a2", sections=1))
    house.source.rename("b", "z")
    house.run()
    house.source.remove("z")
    house.run()
    return house


def test_every_change_is_one_entry_in_order(filled: House) -> None:
    entries = filled.entries()
    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4, 5, 6]
    odd = "ç \"'\\ 🜁"
    assert ops(entries) == [
        ("added", "a"),
        ("added", "b"),
        ("added", odd),
        ("updated", "a"),
        ("moved", "b"),
        ("removed", "b"),
    ]
    assert entries[0]["before"] is None
    assert entries[3]["before"]["content_hash"] == entries[0]["after"]["content_hash"]
    assert all(entry["policy"] == "source_wins" for entry in entries)


def test_every_entry_carries_the_hash_of_the_one_before(
    filled: House, connection: Connection
) -> None:
    entries = filled.entries()
    assert entries[0]["prev_hash"] == EMPTY_CHAIN.hex()
    for before, after in pairwise(entries):
        assert after["prev_hash"] == before["hash"]
    assert ledger.first_broken(connection, "docs") is None


def test_an_entry_says_with_which_page_of_its_operation_it_was_written(house: House) -> None:
    for key in "abcde":
        house.source.put(key, prose(key, sections=1))
    house.run()
    assert [entry["page"] for entry in house.entries()] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("update livesync.ledger set op = 'removed' where seq = 2", 2),
        ('update livesync.ledger set after = after || \'{"title": "x"}\' where seq = 3', 3),
        ("update livesync.ledger set at = at - interval '1 hour' where seq = 4", 4),
        ("update livesync.ledger set cause = 'webhook' where seq = 1", 1),
        ("update livesync.ledger set policy = 'person' where seq = 5", 5),
        ("update livesync.ledger set page = page + 1 where seq = 5", 5),
        ("update livesync.ledger set page = null where seq = 2", 2),
        ("update livesync.ledger set hash = prev_hash where seq = 6", 6),
        ("delete from livesync.ledger where seq = 1", 1),
        ("delete from livesync.ledger where seq = 3", 3),
        ("delete from livesync.ledger where seq = 6", 6),
        ("delete from livesync.ledger", 1),
        ("update livesync.ledger set seq = 7 where seq = 6", 6),
        ("update livesync.ledger set before = null where seq = 4", 4),
    ],
)
def test_tampering_shows_where_it_was_done(
    filled: House, connection: Connection, tampering: str, broken: int
) -> None:
    connection.execute(tampering.encode())
    assert ledger.first_broken(connection, "docs") == broken


def test_an_entry_that_was_slipped_in_at_the_end_shows(
    filled: House, connection: Connection
) -> None:
    connection.execute(
        "insert into livesync.ledger select sync_id, 7, at, item_id, op, before, after, cause,"
        " operation_id, run_id, policy, hash, hash from livesync.ledger where seq = 6"
    )
    assert ledger.first_broken(connection, "docs") == 7


def test_an_empty_ledger_holds(house: House, connection: Connection) -> None:
    assert ledger.first_broken(connection, "docs") is None
    assert ledger.entries(connection, "docs") == []


def test_a_run_that_writes_meanwhile_is_no_tampering(filled: House, connection: Connection) -> None:
    """The walk sees one moment; this one begins before the run and ends after it."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("select 1 from livesync.syncs")
        filled.source.put("new", prose("new"))
        filled.run()
        assert ledger._first_broken(connection, "docs") is None
    assert ledger.first_broken(connection, "docs") is None


def test_the_hour_of_the_session_changes_no_hash(filled: House, connection: Connection) -> None:
    connection.execute("set timezone = 'Pacific/Chatham'")
    assert ledger.first_broken(connection, "docs") is None


def test_an_engine_with_another_zone_writes_the_same_chain(house: House) -> None:
    clock = house.engine.now
    here = timezone(timedelta(hours=5, minutes=45))
    moved = House(replace(house.engine, now=lambda: clock().astimezone(here)), house.source)
    moved.source.put("a", prose("a"))
    moved.run()
    with house.engine.database.pooled() as connection:
        assert ledger.first_broken(connection, "docs") is None


def test_entries_of_one_item_or_one_operation(filled: House, connection: Connection) -> None:
    of_b = ledger.entries(connection, "docs", item_id="b")
    assert [entry["op"] for entry in of_b] == ["removed", "moved", "added"]
    second: dict[str, Any] = filled.history()[1]
    of_second = ledger.entries(connection, "docs", operation_id=second["operation_id"])
    assert [entry["seq"] for entry in of_second] == [5, 4]
    assert len(ledger.entries(connection, "docs", limit=2)) == 2
