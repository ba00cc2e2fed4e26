"""What is cut from a ledger leaves a chain that still shows every other change to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from livesync_pipelines.engine.rebuild import rebuild
from livesync_pipelines.model.errors import Broken
from livesync_pipelines.model.operation import Place
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import commit, compaction, contents, ledger, tenure
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Busy, Operation
from livesync_pipelines_tests.engine.house import House, a_sync, ops, prose


@pytest.fixture
def lived(house: House) -> House:
    """Eight entries: two items that came and changed twice, one that came and went."""
    for key in ("a", "b", "gone"):
        house.source.put(key, prose(f"{key} 1"))
    house.run()
    for number in (2, 3):
        house.source.put("a", prose(f"a {number}"))
        house.source.put("b", prose(f"b {number}"))
        if "gone" in house.source.items:
            house.source.remove("gone")
        house.run()
    assert [entry["seq"] for entry in house.entries()] == list(range(1, 9))
    return house


def cut(house: House, connection: Connection, after: int = 0) -> tuple[int, int] | None:
    """Cut whatever may be cut, as if years had passed."""
    now = house.engine.now()
    later = now + timedelta(days=1)
    return compaction.cut(connection, "docs", after=after, before=later, gone_before=later, now=now)


def bare(house: House) -> list[int]:
    """The entries that have no body."""
    found = house.rows(
        "select seq from livesync.ledger where before is null and after is null order by seq"
    )
    return [row["seq"] for row in found]


def test_superseded_entries_and_deletions_lose_their_bodies_and_the_chain_holds(
    lived: House, connection: Connection
) -> None:
    before = lived.entries()
    assert cut(lived, connection) == (6, 6)
    entries = lived.entries()
    assert bare(lived) == [1, 2, 3, 4, 5, 6]
    assert entries[6:8] == before[6:8]
    kept = ("seq", "at", "item_id", "op", "cause", "operation_id", "prev_hash", "hash")
    assert [[e[name] for name in kept] for e in entries[:8]] == [
        [e[name] for name in kept] for e in before
    ]
    assert ops(entries)[8:] == [("compacted", "")]
    assert ledger.first_broken(connection, "docs") is None
    assert cut(lived, connection) == (0, 0)


def test_what_is_left_still_rebuilds_the_target(lived: House, connection: Connection) -> None:
    cut(lived, connection)
    assert rebuild(lived.engine, "docs", check=True).is_exact
    for table in ("chunks", "documents", "records", "shadow"):
        lived.execute(f"delete from livesync.{table}")
    rebuild(lived.engine, "docs", check=False)
    assert lived.held() == {"a": prose("a 3"), "b": prose("b 3")}


def test_the_ledger_goes_on_after_a_cut(lived: House, connection: Connection) -> None:
    cut(lived, connection)
    lived.source.put("a", prose("a 4"))
    lived.run()
    assert ledger.first_broken(connection, "docs") is None
    assert cut(lived, connection) == (1, 7)
    assert ledger.first_broken(connection, "docs") is None
    assert bare(lived) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("update livesync.ledger set before = null, after = null where seq = 8", 8),
        ("update livesync.ledger set before = null, after = null, cut_by = 9 where seq = 8", 1),
        ("update livesync.ledger set before = null, after = null, cut_by = 10 where seq = 8", 8),
        ("update livesync.ledger set before = null, after = null, cut_by = 8 where seq = 8", 8),
        ("update livesync.ledger set before = null, after = null, cut_by = 3 where seq = 8", 8),
        ("update livesync.ledger set cut_by = null where seq = 2", 2),
        ("update livesync.ledger set cut_by = 8 where seq = 2", 1),
        ("update livesync.ledger set after = '{}' where seq = 2", 2),
        ("update livesync.ledger set op = 'removed' where seq = 2", 1),
        ("update livesync.ledger set cause = 'webhook' where seq = 2", 1),
        ("update livesync.ledger set at = at + interval '1 hour' where seq = 6", 1),
        ("update livesync.ledger set item_id = 'b' where seq = 1", 1),
        ("update livesync.ledger set hash = prev_hash where seq = 3", 4),
        ("delete from livesync.ledger where seq = 4", 4),
        ("delete from livesync.ledger where seq <= 3", 1),
        ("delete from livesync.ledger where seq = 9", 9),
        ("update livesync.ledger set after = after || '{\"lines\": 5}' where seq = 9", 9),
        ("update livesync.ledger set after = null, cut_by = 10 where seq = 9", 1),
    ],
)
def test_tampering_shows_after_a_cut_too(
    lived: House, connection: Connection, tampering: str, broken: int
) -> None:
    cut(lived, connection)
    connection.execute(tampering.encode())
    assert ledger.first_broken(connection, "docs") == broken


def test_nothing_is_cut_while_an_operation_is_in_flight(
    lived: House, connection: Connection
) -> None:
    with lived.engine.database.connect() as other:
        begin(lived, other)
        assert cut(lived, connection) is None
        assert bare(lived) == []


def begin(house: House, connection: Connection) -> Operation:
    return tenure.begin(
        connection,
        a_sync(),
        trigger=Trigger.PERSON,
        full=False,
        run_id=None,
        now=house.engine.now(),
    )


def test_a_worker_without_its_lock_cannot_append_to_an_old_head(
    lived: House, connection: Connection
) -> None:
    with lived.engine.database.connect() as other:
        operation = begin(lived, other)
        other.execute("select pg_advisory_unlock_all()")
        assert cut(lived, connection) == (6, 6)
        with pytest.raises(Broken, match="overtaken"):
            commit.write(
                other,
                operation,
                commit.Batch(settled=["a"]),
                now=lived.engine.now(),
                place=Place(),
            )
    assert ledger.first_broken(connection, "docs") is None


def texts(house: House) -> int:
    return len(house.rows("select 1 from livesync.contents"))


def drop(connection: Connection) -> int | None:
    since = ledger.head(connection, "docs").seq
    unused = compaction.unused_contents(connection, "docs")
    return compaction.drop_contents(connection, "docs", unused, since=since)


def test_only_texts_that_nothing_names_go(lived: House, connection: Connection) -> None:
    assert (texts(lived), drop(connection)) == (7, 0)
    cut(lived, connection)
    assert drop(connection) == 3
    assert texts(lived) == 4
    assert lived.held() == {"a": prose("a 3"), "b": prose("b 3")}


def test_a_text_that_came_into_use_since_it_was_found_unused_stays(
    lived: House, connection: Connection
) -> None:
    """A commit that finds a text stored leaves it out: it must still be there afterwards."""
    cut(lived, connection)
    since = ledger.head(connection, "docs").seq
    unused = compaction.unused_contents(connection, "docs")
    lived.source.put("a", prose("a 1"))
    lived.run()
    assert compaction.drop_contents(connection, "docs", unused, since=since) == 2
    assert lived.held()["a"] == prose("a 1")
    assert rebuild(lived.engine, "docs", check=True).is_exact


def test_no_text_goes_between_the_look_and_the_use_of_an_operation(
    lived: House, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When an operation has just seen that a text is stored, another connection tries to delete
    it, and may not."""
    cut(lived, connection)
    since = ledger.head(connection, "docs").seq
    unused = compaction.unused_contents(connection, "docs")
    keep, tried = contents.keep, list[int | None]()

    def kept(connection: Connection, *given: Any, **named: Any) -> None:
        keep(connection, *given, **named)
        tried.append(compaction.drop_contents(connection, "docs", unused, since=since))

    monkeypatch.setattr(contents, "keep", kept)
    lived.source.put("a", prose("a 1"))
    lived.run()
    assert tried == [None]
    assert lived.held()["a"] == prose("a 1")
    assert compaction.drop_contents(connection, "docs", unused, since=since) == 2
    assert rebuild(lived.engine, "docs", check=True).is_exact


def test_an_operation_begins_after_a_deletion_and_stores_its_text_again(
    lived: House, connection: Connection
) -> None:
    cut(lived, connection)
    since = ledger.head(connection, "docs").seq
    unused = compaction.unused_contents(connection, "docs")
    lived.source.put("a", prose("a 1"))
    with connection.transaction():
        assert compaction.drop_contents(connection, "docs", unused, since=since) == 3
        with pytest.raises(Busy, match="in flight"):
            lived.run()
    lived.run()
    assert lived.held()["a"] == prose("a 1")
    assert rebuild(lived.engine, "docs", check=True).is_exact


def test_operations_that_something_names_stay(lived: House, connection: Connection) -> None:
    for _ in range(5):
        lived.run()
    later = lived.engine.now() + timedelta(days=1)
    names = [row["operation_id"] for row in lived.history()]
    assert compaction.drop_operations(connection, "docs", before=later, newest=2) == 5
    left = [row["operation_id"] for row in lived.history()]
    assert left == [names[2], *names[-2:]]
    assert compaction.drop_operations(connection, "docs", before=later, newest=2) == 0


def test_the_last_operation_that_went_well_stays(lived: House, connection: Connection) -> None:
    well = lived.run().operation_id
    lived.execute("update livesync.shadow set operation_id = gen_random_uuid()")
    lived.execute("update livesync.chunks set operation_id = gen_random_uuid()")
    lived.execute(
        "insert into livesync.operations (operation_id, sync_id, trigger, mode, status, started_at,"
        " finished_at) select gen_random_uuid(), 'docs', 'poll', 'pull', 'failed',"
        " now() + n * interval '1 day', now() + n * interval '1 day' from generate_series(1, 4) n"
    )
    later = lived.engine.now() + timedelta(days=100_000)
    assert compaction.drop_operations(connection, "docs", before=later, newest=2) == 5
    assert well in [row["operation_id"] for row in lived.history()]
