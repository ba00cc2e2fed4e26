"""One operation at a time per sync, each with a number that a zombie cannot forge."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from livesync_pipelines.model.errors import Broken, ItemFailure, NotFound
from livesync_pipelines.model.operation import Counts, Place, Status
from livesync_pipelines.model.records import Failed
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import catalog, ending, operations, tenure
from livesync_pipelines.store.commit import Batch, write
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Busy, Operation, Outcome
from livesync_pipelines_tests.engine.house import House, a_sync, prose, wait_until_free


def begin(house: House, connection: Connection, sync_id: str = "docs") -> Operation:
    return tenure.begin(
        connection,
        a_sync(sync_id),
        trigger=Trigger.PERSON,
        full=False,
        run_id=None,
        now=house.engine.now(),
    )


def finish(house: House, connection: Connection, operation: Operation, status: Status) -> None:
    ending.finish(connection, operation, Outcome(status), now=house.engine.now(), next_due_at=None)


def test_a_second_operation_is_refused_until_the_first_is_finished(
    house: House, connection: Connection
) -> None:
    first = begin(house, connection)
    with house.engine.database.connect() as other:
        with pytest.raises(Busy):
            begin(house, other)
        with pytest.raises(Busy):
            operations.refuse_busy(other, "docs")
        assert operations.in_flight(other) == {"docs"}
        finish(house, connection, first, Status.SUCCESS)
        assert operations.in_flight(other) == set()
        operations.refuse_busy(other, "docs")
        assert begin(house, other).fence == first.fence + 1


def test_a_worker_that_goes_frees_its_sync(house: House, connection: Connection) -> None:
    with house.engine.database.connect() as other:
        begin(house, other)
    wait_until_free(house.engine)
    begin(house, connection)
    statuses = [row["status"] for row in operations.history(connection, "docs")]
    assert statuses == ["running", "interrupted"]


def test_what_was_overtaken_can_neither_write_nor_finish_what_is_not_its_own(
    house: House, connection: Connection
) -> None:
    house.configure(a_sync(schedule="daily"))
    old = begin(house, connection)
    connection.execute("select pg_advisory_unlock_all()")
    with house.engine.database.connect() as other:
        new = begin(house, other)
        batch = Batch(failures=[Failed(ItemFailure("a", "odd", "Odd."))])
        with pytest.raises(Broken, match="overtaken"):
            write(connection, old, batch, now=house.engine.now(), place=Place(resume="a"))
        finish(house, connection, old, Status.FAILED)
        write(other, new, batch, now=house.engine.now(), place=Place(resume="b"))
        assert operations.in_flight(other) == {"docs"}
    assert house.sync_row()["resume"] == "b"
    assert old.place == Place()


def test_what_is_left_of_a_removed_sync_writes_nothing_to_one_that_has_its_name(
    house: House, connection: Connection
) -> None:
    old = begin(house, connection)
    with house.engine.database.connect() as other:
        catalog.remove_sync(other, "docs")
        house.configure(a_sync())
        batch = Batch(failures=[Failed(ItemFailure("a", "odd", "Odd."))])
        for _ in range(3):
            new = begin(house, other)
            with pytest.raises(Broken, match="removed"):
                write(connection, old, batch, now=house.engine.now(), place=Place(resume="a"))
            finish(house, other, new, Status.SUCCESS)
    assert house.sync_row()["resume"] is None


def test_a_sync_that_is_not_there_cannot_be_begun(house: House, connection: Connection) -> None:
    with pytest.raises(NotFound):
        begin(house, connection, "nothing")


def test_an_operation_is_told_with_its_failures(house: House, connection: Connection) -> None:
    house.source.put("a", prose("a"))
    house.source.unreadable["a"] = ItemFailure("a", "encrypted", "It is encrypted.")
    told = operations.one(connection, UUID(house.run().operation_id))
    assert told["status"] == "partial"
    (failed,) = told["failed_items"]
    assert (failed["key"], failed["code"], failed["reason"]) == (
        "a",
        "encrypted",
        "It is encrypted.",
    )
    assert failed["failed_at"] is not None
    with pytest.raises(NotFound):
        operations.one(connection, uuid4())


def test_a_result_is_the_same_from_the_run_and_from_the_history(
    house: House, connection: Connection
) -> None:
    house.source.put("a", prose("a"))
    result = house.run()
    (row,) = operations.history(connection, "docs")
    again = operations.result(row)
    assert again.as_dict() == result.as_dict()
    assert (again.cursor_from, again.cursor_to) == (result.cursor_from, result.cursor_to)


def test_progress_is_seen_while_a_run_works(house: House, connection: Connection) -> None:
    for key in "abcdef":
        house.source.put(key, prose(key, sections=1))
    seen: list[int] = []

    def look() -> None:
        counts = operations.counts_in_flight(connection, "docs")
        assert counts is not None
        seen.append(counts.added)

    house.source.at_page = dict.fromkeys(range(3), look)
    house.run()
    assert seen == sorted(seen)
    assert seen[-1] >= 2
    assert operations.counts_in_flight(connection, "docs") is None


def test_what_ended_since_a_moment_comes_oldest_first(house: House, connection: Connection) -> None:
    first, second = house.run(), house.run()
    assert first.last_sync is not None
    assert [row["operation_id"] for row in operations.since(connection, first.last_sync)] == [
        second.operation_id
    ]
    assert Counts(**operations.history(connection, "docs")[0]["counts"]) == Counts(pages=1)
