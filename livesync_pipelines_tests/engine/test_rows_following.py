"""Tables whose owners agreed to a change feed: they are followed, and not scanned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.plan import plan_sync
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.store import approvals
from livesync_pipelines_tests.engine.two_ends import SYNC, TwoEnds, two_ends

COLUMNS = {"id": "integer", "name": "text", "phone": "text"}
FEED = {"feed": "trigger"}
_DAY = timedelta(days=1, minutes=1)


@dataclass(slots=True)
class House:
    """Two tables of Postgres; `scans` are the ends that were scanned by the last run."""

    ends: TwoEnds
    scans: list[Side] = field(default_factory=list)

    def configure(self, mode: str = "pull", **more: Any) -> None:
        both = {"source": FEED, "target": FEED}
        selects = {"pull": {"source": FEED}, "push": {"target": FEED}, "bidirectional": both}
        self.ends.configure({"mode": mode, **more}, selects[mode])

    def run(self, *, full: bool = False) -> SyncResult:
        self.scans.clear()
        result = self.ends.run(full=full)
        assert result.error is None
        return result

    def insert(self, *people: tuple[int, str, str]) -> None:
        for number, name, phone in people:
            self.ends.source.insert({"id": number, "name": name, "phone": phone})

    def names(self, side: str = "target") -> dict[Any, Any]:
        return {key: row["name"] for key, row in self.ends.end(side).rows().items()}


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with two_ends(engine, "postgres", tmp_path) as ends:
        for table in (ends.source, ends.target):
            table.create(COLUMNS, ["id"], {})
        house = House(ends)
        ends.asked = lambda side, what: house.scans.append(side) if what == "scanned" else None
        house.insert((1, "Ada", "1"), (2, "Bob", "2"), (3, "Cyd", "3"))
        house.configure()
        yield house


def test_after_the_first_run_what_has_changed_is_told_by_the_feed(house: House) -> None:
    assert house.run().counts.added == 3
    assert Side.SOURCE in house.scans
    house.ends.source.update({"id": 2, "name": "Bert"})
    house.insert((4, "Dan", "4"))
    house.ends.source.delete(1)
    result = house.run()
    assert (result.counts.updated, result.counts.added, result.counts.removed) == (1, 1, 1)
    assert result.counts.listed == 3
    assert house.scans == []
    assert house.names() == {2: "Bert", 3: "Cyd", 4: "Dan"}
    assert house.ends.verified()


def test_where_nothing_has_changed_nothing_is_read(house: House) -> None:
    house.run()
    result = house.run()
    assert (result.counts.listed, result.counts.synced_items, house.scans) == (0, 0, [])


def test_both_ends_are_followed_and_what_we_write_is_nobodys_edit(house: House) -> None:
    house.configure("bidirectional")
    house.run()
    house.ends.source.update({"id": 1, "phone": "11"})
    house.ends.target.update({"id": 2, "name": "Bert"})
    house.ends.target.delete(3)
    result = house.run()
    assert (result.counts.updated, result.counts.removed) == (2, 1)
    assert house.scans == []
    assert house.names("source") == house.names("target") == {1: "Ada", 2: "Bert"}
    again = house.run()
    assert again.counts.synced_items == 0
    assert again.counts.unchanged == 3


def test_a_row_that_was_edited_while_it_was_written_is_told_once_more(house: House) -> None:
    house.configure("bidirectional")
    house.run()
    house.ends.source.update({"id": 1, "phone": "11"})

    def edited(side: Side, when: str) -> None:
        if (side, when) == (Side.TARGET, "before"):
            house.ends.target.update({"id": 1, "name": "Ada L."})

    house.ends.reach = edited
    house.run()
    house.ends.reach = lambda side, when: None
    house.run()
    assert house.scans == []
    assert house.ends.source.rows() == house.ends.target.rows()
    assert house.ends.target.rows()[1] == {"id": 1, "name": "Ada L.", "phone": "11"}


def test_a_row_that_has_failed_is_tried_again_though_no_feed_tells_of_it(house: House) -> None:
    house.run()
    house.ends.target.sql(f"alter table {house.ends.target.place} add check (name <> 'Bad')")
    house.ends.source.update({"id": 1, "name": "Bad"})
    assert house.run().counts.failed == 1
    house.ends.target.sql(
        f"alter table {house.ends.target.place} drop constraint contacts_name_check"
    )
    result = house.run()
    assert (result.counts.updated, result.counts.failed, house.scans) == (1, 0, [])
    assert house.names()[1] == "Bad"


def test_many_deletes_that_a_feed_tells_of_wait_for_a_person(house: House) -> None:
    house.insert(*((number, "N", "0") for number in range(4, 40)))
    house.configure(limits={"delete_items": 5, "delete_share": 0.1})
    house.run()
    house.ends.source.sql(f"delete from {house.ends.source.place} where id > 3")
    waiting = house.ends.run()
    assert waiting.status == "waiting_for_approval"
    assert "36 of 39 items (92%) are gone at the source;" in str(waiting.error)
    assert len(house.names()) == 39
    with house.ends.engine.database.pooled() as connection:
        approvals.give(connection, SYNC)
    assert house.run().counts.removed == 36
    assert sorted(house.names()) == [1, 2, 3]


def test_rows_that_are_deleted_at_both_ends_need_nobodys_word(house: House) -> None:
    house.insert(*((number, "N", "0") for number in range(4, 40)))
    house.configure("bidirectional", limits={"delete_items": 5, "delete_share": 0.1})
    house.run()
    for end in (house.ends.source, house.ends.target):
        end.sql(f"delete from {end.place} where id > 3")
    assert house.run().status == "success"
    assert sorted(house.names()) == [1, 2, 3]


def test_a_feed_that_was_taken_away_costs_a_scan_and_loses_nothing(house: House) -> None:
    house.run()
    for (name,) in house.ends.source.sql(
        "select tgname from pg_trigger where not tgisinternal and tgrelid ="
        f" '{house.ends.source.place}'::regclass"
    ):
        house.ends.source.sql(f"drop trigger {name} on {house.ends.source.place}")
    house.ends.source.update({"id": 1, "name": "Ada L."})
    assert house.run().counts.updated == 1
    assert house.scans == [Side.SOURCE]
    house.ends.source.update({"id": 1, "name": "Ada M."})
    assert house.run().counts.updated == 1
    assert house.scans == []


def test_another_mapping_is_a_scan(house: House) -> None:
    house.run()
    names = [{"from": "id", "to": "id"}, {"from": "name", "to": "name"}]
    house.configure(mapping=[*names, {"template": "+{phone}", "to": "phone"}])
    assert house.run().counts.updated == 3
    assert Side.SOURCE in house.scans
    assert house.ends.target.rows()[1]["phone"] == "+1"


def test_once_a_day_and_in_a_full_resync_everything_is_scanned(house: House) -> None:
    house.run()
    house.run(full=True)
    assert set(house.scans) == set(Side)
    house.ends.clock.now += _DAY
    house.run()
    assert house.scans == [Side.SOURCE]
    house.run()
    assert house.scans == []


def test_a_rehearsal_makes_no_triggers(house: House) -> None:
    triggers = "select tgname from pg_trigger where not tgisinternal"
    before = house.ends.source.sql(triggers)
    plan_sync(house.ends.engine, SYNC)
    assert house.ends.source.sql(triggers) == before
    house.run()
    assert house.ends.source.sql(triggers) != before


def test_a_sync_in_real_time_is_queued_when_a_feed_tells_of_something(house: House) -> None:
    house.configure(schedule="realtime")

    def looked() -> list[str]:
        house.ends.clock.now += _DAY / 24
        found = sweep(house.ends.engine, realtime=True)
        house.ends.ask("delete from livesync.queue returning 1")
        return found

    assert looked() == [SYNC]
    house.run()
    assert looked() == []
    house.ends.source.update({"id": 1, "name": "Ada L."})
    assert looked() == [SYNC]
    house.run()
    assert looked() == []


def test_real_time_needs_a_feed_at_every_end_that_is_looked_at(house: House) -> None:
    with pytest.raises(BadInput, match="cannot tell that its rows have changed"):
        house.ends.configure({"schedule": "realtime"}, {})
    with pytest.raises(BadInput, match="cannot tell that its rows have changed"):
        house.ends.configure({"schedule": "realtime", "mode": "bidirectional"}, {"source": FEED})
