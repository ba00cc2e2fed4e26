"""What is asked for is stored, changed and taken away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.model.sync import (
    Capsule,
    Desired,
    FieldMapping,
    Limits,
    Mode,
    Notify,
    NotifyOn,
    Priority,
    RowTarget,
    Trigger,
)
from livesync_pipelines.model.sync import Connection as Account
from livesync_pipelines.store import catalog, overview, queue
from livesync_pipelines.store.database import Connection
from livesync_pipelines_tests.engine.house import House, a_sync, assert_in_step, prose

FULL = a_sync(
    "full",
    select={"shelf": "x"},
    mode=Mode.PULL,
    priority=Priority.CRITICAL,
    limits=Limits(delete_items=1, delete_share=0.5, item_bytes=9),
    mapping=(FieldMapping("a", source="b"), FieldMapping("c", value="d")),
    notify=Notify((NotifyOn.ERROR,), ("mailto:ops@example.com",)),
)


def test_what_is_applied_is_what_is_stored(house: House, connection: Connection) -> None:
    wanted = Desired(
        connections=(
            Account(name="fake", project_id="demo", platform="fake", options={"shelf": "${X}"}),
        ),
        capsules=(Capsule(name="handbook", project_id="demo", language="german"),),
        syncs=(a_sync(), FULL),
    )
    catalog.apply(connection, wanted)
    assert catalog.stored(connection) == wanted
    catalog.apply(connection, wanted)
    assert catalog.stored(connection) == wanted
    assert catalog.sync(connection, "full") == FULL


def test_a_changed_target_is_tried_at_once_and_nothing_known_of_the_old_one_counts(
    house: House, connection: Connection
) -> None:
    """Of its neighbour, whose ends are as they were, everything stays."""
    crm = Account(name="crm", project_id="demo", platform="sql_table", options={"url": "${A}"})
    shop = replace(crm, name="shop")
    rows = [
        a_sync(f"to-{end}", capsule=None, target=RowTarget(connection=end, select={"table": "t"}))
        for end in ("crm", "shop")
    ]
    catalog.apply(connection, Desired(connections=(crm, shop), syncs=tuple(rows)))
    later = house.engine.now() + timedelta(days=1)
    connection.execute(
        "update livesync.syncs set cursor = 'c', mark = 'm', failures_in_row = 2, next_due_at = %s",
        (later,),
    )
    for sync in rows:
        queue.put(connection, sync.sync_id, trigger=Trigger.POLL, priority=Priority.NORMAL)
    connection.execute("update livesync.queue set not_before = %s", (later,))
    fences = {name: house.sync_row(name)["fence"] for name in ("to-crm", "to-shop")}
    catalog.apply(connection, Desired(connections=(replace(crm, options={"url": "${B}"}), shop)))
    taken = queue.take(connection, now=house.engine.now())
    assert [request.sync_id for request in taken] == ["to-crm"]
    changed, same = house.sync_row("to-crm"), house.sync_row("to-shop")
    known = ("cursor", "mark", "failures_in_row", "next_due_at")
    assert [changed[name] for name in known] == [None, None, 0, None]
    assert [same[name] for name in known] == ["c", "m", 2, later]
    assert changed["fence"] == fences["to-crm"] + 1
    assert same["fence"] == fences["to-shop"]


def test_what_is_not_named_stays(house: House, connection: Connection) -> None:
    catalog.apply(connection, Desired(syncs=(a_sync("other"),)))
    assert [sync.sync_id for sync in catalog.syncs(connection)] == ["docs", "other"]


@pytest.mark.parametrize(
    "wanted",
    [
        Desired(capsules=(Capsule(name="handbook", project_id="theirs"),)),
        Desired(
            connections=(Account(name="fake", project_id="theirs", platform="fake", options={}),)
        ),
        Desired(syncs=(a_sync(project_id="theirs"),)),
    ],
)
def test_a_name_of_another_project_is_refused_and_nothing_is_changed(
    house: House, connection: Connection, wanted: Desired
) -> None:
    before = catalog.stored(connection)
    both = Desired(
        connections=wanted.connections,
        capsules=(*wanted.capsules, Capsule(name="new", project_id="demo")),
        syncs=wanted.syncs,
    )
    with pytest.raises(BadInput, match="another project"):
        catalog.apply(connection, both)
    assert catalog.stored(connection) == before


def test_a_removed_sync_takes_everything_along_and_nothing_of_others(
    house: House, connection: Connection
) -> None:
    house.configure(a_sync(), a_sync("other"))
    house.source.put("a", prose("a"))
    house.run()
    house.run("other")
    catalog.remove_sync(connection, "other")
    assert_in_step(house)
    for table in ("shadow", "chunks", "ledger", "operations", "contents"):
        assert house.rows(f"select 1 from livesync.{table} where sync_id = 'other'") == []
    with pytest.raises(NotFound):
        catalog.remove_sync(connection, "other")


def test_a_sync_that_is_made_again_begins_from_nothing(
    house: House, connection: Connection
) -> None:
    house.source.put("a", prose("a"))
    house.run()
    catalog.remove_sync(connection, "docs")
    house.configure()
    assert house.run().counts.added == 1
    assert_in_step(house)


def test_the_status_tells_of_items_failures_and_the_last_run(
    house: House, connection: Connection
) -> None:
    house.configure(a_sync(schedule="daily"))
    house.source.put("a", prose("a"))
    result = house.run()
    (row,) = overview.status(connection)
    assert (row["items"], row["chunks"], row["failed_items"]) == (1, 3, 0)
    assert (row["last_status"], row["last_sync"]) == ("success", result.last_sync)
    assert row["next_sync"] > row["last_sync"]
    assert overview.status(connection, "theirs") == []
