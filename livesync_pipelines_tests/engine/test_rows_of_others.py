"""A target's table that somebody else owns can be written to, and not altered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.sync import SyncState
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.two_ends import SYNC, TwoEnds, two_ends

COLUMNS = {"id": "integer", "name": "text"}


@pytest.fixture
def ends(engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    """Two equal tables, of which the sync may alter neither."""
    with two_ends(engine, "postgres", tmp_path) as both:
        for table in (both.source, both.target):
            table.create(COLUMNS, ["id"], {})
        both.source.insert({"id": 1, "name": "Ann"})
        guest = f"guest_{uuid4().hex[:12]}"
        target = both.target
        target.sql(f"create role {guest} login")
        target.sql(f"grant usage on schema of_{target.name} to {guest}")
        target.sql(f"grant select, insert, update, delete on {target.place} to {guest}")
        environ = {**both.engine.environ}
        environ["THERE_URL"] = environ["THERE_URL"].replace("//postgres@", f"//{guest}@")
        yield replace(both, engine=replace(both.engine, environ=environ))
        target.sql(f"drop owned by {guest}")
        target.sql(f"drop role {guest}")


def test_a_column_that_cannot_be_added_is_named_and_may_be_added_by_its_owner(
    ends: TwoEnds,
) -> None:
    ends.configure({"mode": "pull"}, {})
    assert ends.run().counts.added == 1
    ends.source.sql(f"alter table {ends.source.place} add column phone text default '44'")
    error = ends.run().error
    assert error is not None
    assert error["message"].startswith("The target lacks phone, and nothing can be added to it: ")
    assert "must be owner of table contacts" in error["message"]
    assert error["hint"].endswith(f"`livesync sync resume {SYNC}`.")
    ends.target.sql(f"alter table {ends.target.place} add column phone text")
    with ends.engine.database.connect() as connection:
        catalog.set_state(connection, SYNC, SyncState.ACTIVE, None)
    assert ends.run().status == "success"
    assert [row["phone"] for row in ends.target.rows().values()] == ["44"]
