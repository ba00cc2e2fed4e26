"""Rows when their mapping changes and nobody edits anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.plan import plan_sync
from livesync_pipelines.engine.rebuild import rebuild
from livesync_pipelines.engine.sync import replay_sync
from livesync_pipelines.model.errors import BadInput, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines_tests.engine.two_ends import SYNC, TwoEnds, two_ends

COLUMNS = {"id": "integer", "name": "text", "nick": "text", "label": "text"}
KEY = {"from": "id", "to": "id"}
FIRST: list[dict[str, Any]] = [KEY, {"from": "name", "to": "name"}]
MODES = ("pull", "push", "bidirectional")


@pytest.fixture
def ends(engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    with two_ends(engine, "postgres", tmp_path) as ends:
        for table in (ends.source, ends.target):
            table.create(COLUMNS, ["id"], {})
            for n in range(1, 4):
                table.insert({"id": n, "name": f"name {n}", "nick": None, "label": None})
        yield ends


def cells(ends: TwoEnds, side: str, column: str) -> list[Any]:
    place = ends.end(side).place
    return [row[0] for row in ends.end(side).sql(f"select {column} from {place} order by id")]


def agreed(ends: TwoEnds, mode: str, fields: list[dict[str, Any]] = FIRST) -> None:
    ends.configure({"mode": mode, "mapping": fields}, {})
    ends.run()


@pytest.mark.parametrize("mode", MODES)
def test_a_field_that_comes_from_another_column_reaches_every_row(ends: TwoEnds, mode: str) -> None:
    agreed(ends, mode)
    ends.source.sql(f"update {ends.source.place} set nick = 'nick ' || id")
    agreed(ends, mode, [KEY, {"from": "nick", "to": "name"}])
    assert cells(ends, "source", "nick") == cells(ends, "target", "name")
    writes = cells(ends, "target", "name") if mode == "push" else cells(ends, "source", "nick")
    said = "name" if mode == "push" else "nick"
    assert writes == [f"{said} {n}" for n in (1, 2, 3)]
    assert ends.run().counts.synced_items == 0
    assert ends.verified()


def test_a_field_that_comes_from_another_column_takes_nothing_from_the_target_unseen(
    ends: TwoEnds,
) -> None:
    agreed(ends, "bidirectional")
    ends.source.sql(f"update {ends.source.place} set nick = 'nick ' || id")
    agreed(ends, "bidirectional", [KEY, {"from": "nick", "to": "name"}])
    lost = [(c["field"], c["target"]) for c in ends.conflicts()]
    assert lost == [("name", f"name {n}") for n in (1, 2, 3)]


def test_an_empty_column_that_a_field_now_comes_from_is_filled_and_empties_nothing(
    ends: TwoEnds,
) -> None:
    agreed(ends, "bidirectional")
    agreed(ends, "bidirectional", [KEY, {"from": "nick", "to": "name"}])
    names = [f"name {n}" for n in (1, 2, 3)]
    assert cells(ends, "source", "nick") == cells(ends, "target", "name") == names
    assert not ends.conflicts()


def test_a_field_that_is_turned_in_another_way_is_an_edit_of_the_source(ends: TwoEnds) -> None:
    agreed(ends, "bidirectional")
    turned = {"expression": "upper(name)", "to": "name", "lossy": True}
    agreed(ends, "bidirectional", [KEY, turned])
    assert cells(ends, "target", "name") == ["NAME 1", "NAME 2", "NAME 3"]


def test_a_remapping_that_broke_off_is_taken_up_by_the_next_run(ends: TwoEnds) -> None:
    agreed(ends, "push")

    def breaks(_: object, what: str) -> None:
        raise Unavailable(f"the line drops at {what}")

    ends.configure({"mode": "push", "mapping": [KEY, {"from": "nick", "to": "name"}]}, {})
    ends.reach = breaks
    assert ends.run().status is Status.FAILED
    ends.reach = lambda *_: None
    assert ends.run().status is Status.SUCCESS
    assert cells(ends, "source", "nick") == ["name 1", "name 2", "name 3"]


def test_a_state_that_was_rebuilt_from_before_a_remapping_is_met_again(ends: TwoEnds) -> None:
    agreed(ends, "push")
    ends.configure({"mode": "push", "mapping": [KEY, {"from": "nick", "to": "name"}]}, {})
    ends.source.sql(f"alter table {ends.source.place} add constraint no_nick check (nick is null)")
    assert ends.run().counts.failed == 3
    ends.source.sql(f"alter table {ends.source.place} drop constraint no_nick")
    assert len(rebuild(ends.engine, SYNC, check=False).differing) == 3
    ends.run()
    assert cells(ends, "source", "nick") == ["name 1", "name 2", "name 3"]


def test_a_plan_tells_what_a_new_mapping_would_write(ends: TwoEnds) -> None:
    agreed(ends, "push")
    ends.configure({"mode": "push", "mapping": [KEY, {"from": "nick", "to": "name"}]}, {})
    assert plan_sync(ends.engine, SYNC).result.counts.updated == 3
    assert cells(ends, "source", "nick") == [None, None, None]


def test_a_mapping_that_stays_costs_no_row(ends: TwoEnds) -> None:
    agreed(ends, "push")
    before = ends.ask("select xmin from livesync.row_base order by key")
    agreed(ends, "push")
    assert ends.ask("select xmin from livesync.row_base order by key") == before


def test_a_replay_of_rows_is_refused_with_what_to_do_instead(ends: TwoEnds) -> None:
    agreed(ends, "pull")
    with pytest.raises(BadInput, match="nothing of it is made from what is stored") as refused:
        replay_sync(ends.engine, SYNC)
    assert "--full" in refused.value.hint
