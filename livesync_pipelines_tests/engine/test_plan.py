"""A plan writes nothing, and a run that keeps to it writes exactly what it says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from livesync_pipelines.engine.operating import Errand
from livesync_pipelines.engine.plan import Plan, plan_sync, run_planned
from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import FieldMapping, Limits, Trigger
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import DATA, House, a_sync, assert_in_step, ops, prose

TABLES = (*DATA, "operations", "syncs", "unsettled", "queue")


def fill(house: House, keys: str) -> None:
    for key in keys:
        house.source.put(key, prose(key))
    house.run()


def planned(house: House) -> Plan:
    return plan_sync(house.engine, "docs")


def keep_to(house: House, plan: Plan) -> SyncResult:
    errand = Errand(sync_id="docs", trigger=Trigger.PERSON, run_id="run-1")
    return run_planned(house.engine, errand, plan.plan_hash)


def everything(house: House, tables: Sequence[str] = TABLES) -> object:
    """Each row, with the transaction that has written it."""
    return {
        table: house.rows(f"select ctid::text, xmin::text, t.* from livesync.{table} t order by 1")
        for table in tables
    }


def change(house: House) -> None:
    """One of each: added, updated, moved, removed, unreadable."""
    house.source.put("new", prose("new"))
    house.source.put("a", house.source.texts()["a"] + "\n\n" + prose("more", sections=1))
    house.source.rename("b", "bb")
    house.source.remove("c")
    house.source.put("d", prose("d2"))
    house.source.unreadable["d"] = ItemFailure("d", "encrypted", "It is encrypted.")


def test_a_plan_says_what_a_run_then_writes_and_writes_nothing_itself(house: House) -> None:
    fill(house, "abcde")
    change(house)
    before = everything(house)
    plan = planned(house)
    assert everything(house) == before
    told = plan.as_dict()
    assert [(i["op"], i["key"]) for i in told["items"]] == [
        ("updated", "a"),
        ("added", "new"),
        ("moved", "bb"),
        ("removed", "c"),
    ]
    assert told["items"][0]["fields"] == ["text"]
    assert told["items"][0]["chunks_written"] == 1
    assert told["items"][3]["reason"] == "not_listed"
    assert (told["added"], told["failed"], told["chunks_kept"]) == (1, 1, 6)
    assert told["calls"]["fetches"] == 4
    result = house.run()
    assert result.counts == plan.result.counts
    assert ops(house.entries())[-4:] == [(i["op"], i["item_id"]) for i in told["items"]]


def test_the_same_world_has_the_same_plan(house: House) -> None:
    fill(house, "abc")
    change(house)
    assert planned(house).plan_hash == planned(house).plan_hash


def test_a_run_that_keeps_to_its_plan_is_a_run_like_any_other(house: House) -> None:
    fill(house, "abcde")
    change(house)
    result = keep_to(house, planned(house))
    assert (result.status, result.run_id) == (Status.PARTIAL, "run-1")
    assert house.history()[-1]["operation_id"] == result.operation_id
    house.source.unreadable.clear()
    house.source.touch("d")
    house.run()
    assert_in_step(house)


def test_an_empty_plan_can_be_kept_too(house: House) -> None:
    fill(house, "abc")
    plan = planned(house)
    assert plan.items == []
    assert keep_to(house, plan).status is Status.SUCCESS


@pytest.mark.parametrize("moved", ["edit", "remove", "mapping", "target"])
def test_a_run_is_refused_when_the_world_has_moved(house: House, moved: str) -> None:
    fill(house, "abc")
    house.source.put("a", prose("a2"))
    plan = planned(house)
    if moved == "edit":
        house.source.put("a", prose("a3"))
    elif moved == "remove":
        house.source.remove("b")
    elif moved == "mapping":
        house.configure(a_sync(mapping=(FieldMapping("origin", value="fake"),)))
    else:
        house.run()
    before = everything(house, DATA)
    result = keep_to(house, plan)
    assert result.status is Status.REFUSED
    assert result.error is not None
    assert plan.plan_hash in result.error["message"]
    assert everything(house, DATA) == before
    assert house.history()[-1]["status"] == "refused"
    house.run()
    assert_in_step(house)


def test_a_plan_that_would_wait_for_a_person_says_so_and_keeping_to_it_waits(house: House) -> None:
    house.configure(a_sync(limits=Limits(delete_items=1, delete_share=0.1)))
    fill(house, "abcde")
    house.source.remove("a", "b", "c")
    plan = planned(house)
    assert plan.result.status is Status.WAITING
    assert plan.items == []
    assert keep_to(house, plan).status is Status.WAITING
    assert len(house.held()) == 5


def test_a_source_that_fails_gives_a_plan_that_fails(house: House) -> None:
    fill(house, "abc")
    house.source.at_page[1] = fails(Unavailable("away"))
    before = everything(house)
    assert planned(house).result.status is Status.FAILED
    assert everything(house) == before


def test_a_fault_of_our_own_leaves_nothing_of_a_plan_behind(house: House) -> None:
    fill(house, "abc")
    house.source.at_page[1] = fails(KeyError("a bug"))
    before = everything(house)
    with pytest.raises(KeyError):
        planned(house)
    assert everything(house) == before
    house.source.forget()
    house.run()
    assert_in_step(house)


def test_a_plan_includes_what_a_new_mapping_makes_of_the_old(house: House) -> None:
    fill(house, "abc")
    house.configure(a_sync(mapping=(FieldMapping("origin", value="fake"),)))
    plan = planned(house)
    assert [entry["op"] for entry in plan.items] == ["updated"] * 3
    assert keep_to(house, plan).status is Status.SUCCESS
    assert planned(house).items == []
