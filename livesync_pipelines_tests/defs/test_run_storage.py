"""Runs are counted as Dagster counts them."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster._core.storage.tags import BACKFILL_ID_TAG
from dagster._core.utils import make_new_run_id
from dagster_postgres.run_storage import PostgresRunStorage

from livesync_pipelines.defs.run_storage import RunStorage

from .conftest import House

MARK = {"counted": "here"}
STATUSES = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)


@pytest.fixture
def counted(postgres: House) -> House:
    """Three runs alone, and one of a backfill."""
    for status, tags in (*((s, MARK) for s in STATUSES), (STATUSES[0], {BACKFILL_ID_TAG: "all"})):
        run = dg.DagsterRun("sync_folder", make_new_run_id(), status=status, tags={**MARK, **tags})
        postgres.instance.add_run(run)
    return postgres


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (dg.RunsFilter(tags=MARK), 4),
        (dg.RunsFilter(tags=MARK, exclude_subruns=True), 3),
        (dg.RunsFilter(tags=MARK, statuses=[dg.DagsterRunStatus.FAILURE]), 1),
        (dg.RunsFilter(tags={"counted": "elsewhere"}), 0),
    ],
)
def test_as_many_runs_are_counted_as_there_are(
    counted: House, wanted: dg.RunsFilter, count: int
) -> None:
    assert counted.instance.get_runs_count(wanted) == count


def test_all_are_counted_as_dagster_counts_them(counted: House) -> None:
    runs = counted.instance.run_storage
    assert isinstance(runs, RunStorage)
    for wanted in (None, dg.RunsFilter(exclude_subruns=True)):
        assert runs.get_runs_count(wanted) == PostgresRunStorage.get_runs_count(runs, wanted)
    assert runs.get_runs_count() > runs.get_runs_count(dg.RunsFilter(exclude_subruns=True))
