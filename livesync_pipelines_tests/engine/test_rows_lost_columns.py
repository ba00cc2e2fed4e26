"""A column that is gone at the target empties nothing at the source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.sync import SyncState
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.two_ends import SYNC, TwoEnds, two_ends

COLUMNS = {"id": "integer", "name": "text", "size": "integer"}
MAPPING = [{"from": "id", "to": "id"}, {"from": "name", "to": "name"}]


@pytest.fixture(params=["sqlite", "postgres"])
def ends(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    with two_ends(engine, request.param, tmp_path) as ends:
        ends.source.create(COLUMNS, ["id"], {})
        for number in (1, 2):
            ends.source.insert({"id": number, "name": f"n{number}", "size": number})
        yield ends


def sizes(rows: dict[Any, dict[str, Any]]) -> list[Any]:
    return [row["size"] for row in rows.values()]


@pytest.mark.parametrize("mode", ["pull", "bidirectional"])
@pytest.mark.parametrize("drift", ["propagate", "ignore", "pause"])
def test_the_sync_waits_until_it_is_back(ends: TwoEnds, mode: str, drift: str) -> None:
    ends.configure({"mode": mode, "drift": drift}, {})
    ends.run()
    ends.target.sql(f"alter table {ends.target.place} rename column size to length")
    result = ends.run()
    assert result.error is not None
    assert (result.status, result.error["code"]) == ("failed", "drifted")
    assert "gone at the target: size" in result.error["message"]
    assert sizes(ends.source.rows()) == [1, 2]
    ends.target.sql(f"alter table {ends.target.place} rename column length to size")
    with ends.engine.database.pooled() as connection:
        catalog.set_state(connection, SYNC, SyncState.ACTIVE, None)
    assert ends.run().status == "success"
    assert sizes(ends.target.rows()) == [1, 2]


def test_or_until_the_mapping_does_without_it(ends: TwoEnds) -> None:
    ends.configure({"mode": "bidirectional"}, {})
    ends.run()
    ends.target.sql(f"alter table {ends.target.place} drop column size")
    ends.run()
    ends.configure({"mode": "bidirectional", "mapping": MAPPING}, {})
    with ends.engine.database.pooled() as connection:
        catalog.set_state(connection, SYNC, SyncState.ACTIVE, None)
    assert ends.run().status == "success"
    assert sizes(ends.source.rows()) == [1, 2]


def test_a_new_column_of_the_source_is_still_made(ends: TwoEnds) -> None:
    ends.configure({"mode": "bidirectional"}, {})
    ends.run()
    ends.source.sql(f"alter table {ends.source.place} add column more text")
    ends.source.sql(f"update {ends.source.place} set more = 'm'")
    assert ends.run().status == "success"
    assert [row["more"] for row in ends.target.rows().values()] == ["m", "m"]
