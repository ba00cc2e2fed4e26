"""Columns whose names the target cannot have, or takes for one: told before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.row_looking import check
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.operation import Status
from livesync_pipelines_tests.engine.two_ends import KINDS, SYNC, TwoEnds, two_ends

LONG = "x" * 79


@pytest.fixture(params=KINDS)
def ends(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[TwoEnds]:
    with two_ends(engine, request.param, tmp_path) as ends:
        ends.source.create({"id": "integer", "Num": "integer", "num": "integer"}, ["id"], {})
        ends.source.insert({"id": 1, "Num": 2, "num": 3})
        yield ends


def refused(ends: TwoEnds) -> list[str]:
    """What a run and a look at the mapping say."""
    result = ends.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    with (
        ends.engine.database.pooled() as connection,
        pytest.raises(BadInput, match="cannot have columns of these names") as told,
    ):
        check(ends.engine, connection, SYNC, rows=10)
    assert "mapping" in told.value.hint
    return [result.error["message"], str(told.value)]


def test_names_that_the_target_takes_for_one_are_refused_before_anything_is_made(
    ends: TwoEnds,
) -> None:
    ends.configure({"mode": "pull"}, {"target": {"key": ["id"]}})
    if ends.target.mark == "%s":
        assert ends.run().status is Status.SUCCESS
        assert ends.target.names() == ["id", "Num", "num"]
        return
    for said in refused(ends):
        assert "'Num' and 'num' are one name for SQLite" in said
    assert ends.target.sql("select name from sqlite_master") == []


def test_a_column_that_differs_in_case_from_one_that_is_there_is_refused(ends: TwoEnds) -> None:
    ends.target.create({"id": "integer", "NUM": "integer"}, ["id"], {})
    line = [{"from": "id", "to": "id"}, {"from": "num", "to": "num"}]
    ends.configure({"mode": "pull", "mapping": line}, {})
    if ends.target.mark == "%s":
        assert ends.run().status is Status.SUCCESS
        return
    for said in refused(ends):
        assert "'NUM' and 'num' are one name for SQLite" in said


def test_names_that_are_longer_than_the_target_takes_are_refused_by_name(ends: TwoEnds) -> None:
    names = {"Num": f"{LONG}a", "num": f"{LONG}b"}
    lines = [{"from": name, "to": to} for name, to in {"id": "id", **names}.items()]
    ends.configure({"mode": "pull", "mapping": lines}, {"target": {"key": ["id"]}})
    if ends.target.mark == "?":
        assert ends.run().status is Status.SUCCESS
        assert ends.target.names() == ["id", *names.values()]
        return
    for said in refused(ends):
        for name in names.values():
            assert f"'{name}' has 80 bytes, and Postgres takes 63" in said
    assert ends.target.sql("select to_regclass('of_contacts.contacts')") == [(None,)]
