"""What is stored of each stage, for people and for other people's assets."""

from __future__ import annotations

import pytest

from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.spec import STAGES
from livesync_pipelines.model.sync import Limits
from livesync_pipelines.store import stages
from livesync_pipelines.store.database import Connection
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import House, a_sync, prose


@pytest.fixture
def filled(house: House) -> House:
    for key in ("a", "b", "c"):
        house.source.put(key, prose(key), attributes={"who": key})
    house.run()
    house.source.put("a", prose("a2"))
    house.source.rename("b", "z")
    house.run()
    return house


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_a_table_in_its_published_schema(
    filled: House, connection: Connection, stage: str
) -> None:
    table = stages.table(connection, "docs", stage)
    assert table.schema == stages.SCHEMAS[stage]
    assert table.num_rows > 0
    table.validate(full=True)
    assert stages.table(connection, "docs", stage, limit=1).num_rows == 1
    empty = stages.table(connection, "nothing", stage)
    assert (empty.schema, empty.num_rows) == (table.schema, 0)


def test_the_deltas_are_those_of_the_last_operation(filled: House, connection: Connection) -> None:
    rows = stages.table(connection, "docs", "deltas").to_pylist()
    assert [(r["item_id"], r["op"], r["changed_fields"]) for r in rows] == [
        ("a", "updated", ["text", "title"]),
        ("b", "moved", ["key", "url"]),
    ]
    assert all(r["before"] != r["after"] for r in rows)


def test_the_digest_of_a_listing_equals_that_of_the_shadow(
    filled: House, connection: Connection
) -> None:
    operation = filled.history()[-1]["operation_id"]
    assert stages.listing_digest(connection, operation) == stages.shadow_digest(connection, "docs")


@pytest.mark.parametrize("code", ["malformed", "timed_out"])
def test_what_fails_is_in_neither_digest(house: House, connection: Connection, code: str) -> None:
    for key in ("a", "b", "c"):
        house.source.put(key, prose(key))
    house.run()
    house.source.put("a", prose("a2"))
    house.source.unreadable["a"] = ItemFailure("a", code, "Bad.")
    house.source.failing["c"] = ItemFailure("c", "unreadable", "Bad.")
    for _ in range(2):
        operation = house.run().operation_id
        digest = stages.listing_digest(connection, operation)
        assert digest == stages.shadow_digest(connection, "docs")


def test_half_a_listing_has_no_digest(house: House, connection: Connection) -> None:
    for key in ("a", "b", "c"):
        house.source.put(key, prose(key))
    house.source.at_page[1] = fails(Unavailable("away"))
    assert stages.listing_digest(connection, house.run().operation_id) is None
    house.source.forget()
    last = stages.listing_digest(connection, house.run().operation_id)
    assert last == stages.shadow_digest(connection, "docs")


def test_a_chunk_that_is_lost_or_left_over_shows_in_the_counts(
    filled: House, connection: Connection
) -> None:
    assert stages.stage_counts(connection, "docs")["misplaced_chunks"] == 0
    connection.execute(
        "delete from livesync.chunks where chunk_id = (select min(chunk_id::text)::uuid"
        " from livesync.chunks)"
    )
    assert stages.stage_counts(connection, "docs")["misplaced_chunks"] == 1


def test_an_operation_that_waits_for_a_person_has_deltas_too(
    filled: House, connection: Connection
) -> None:
    filled.configure(a_sync(limits=Limits(delete_items=0, delete_share=0.0)))
    filled.source.remove("c")
    filled.source.put("a", prose("a3"))
    assert filled.run().status is Status.WAITING
    rows = stages.table(connection, "docs", "deltas").to_pylist()
    assert [(r["item_id"], r["op"]) for r in rows] == [("a", "updated")]
