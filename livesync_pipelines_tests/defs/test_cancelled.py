"""What becomes of requests whose run is cancelled before it begins, in whichever way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from livesync_pipelines.defs.coordinator import PromptCoordinator
from livesync_pipelines.defs.housekeeping import ask_again
from livesync_pipelines.defs.requests import RUN_KEY_TAG
from livesync_pipelines.engine import report
from livesync_pipelines.engine.house import utc_now
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.model.live import LiveKind
from livesync_pipelines.store import events, operations

from .conftest import SYNC, House, a_sync
from .test_automation import age_requests, drain, put, quick

Cancel = Callable[[House, dg.RunRequest], None]


def made(house: House, request: dg.RunRequest, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """What the daemon makes of a request."""
    location = RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", port=1), "odd")
    run = dg.DagsterRun(
        job_name="sync_folder",
        status=status,
        tags={**request.tags, RUN_KEY_TAG: request.run_key or ""},
        remote_job_origin=RemoteJobOrigin(location, "sync_folder"),
    )
    house.instance.add_run(run)
    return run


def from_dagsters_queue(house: House, request: dg.RunRequest) -> None:
    run = made(house, request, dg.DagsterRunStatus.QUEUED)
    coordinator = PromptCoordinator()
    coordinator.register_instance(house.instance)
    assert coordinator.cancel_run(run.run_id)


def forced(house: House, request: dg.RunRequest) -> None:
    """As Dagster's UI does with a run that is about to begin."""
    run = made(house, request, dg.DagsterRunStatus.STARTING)
    house.instance.report_run_canceled(run, message="Forcibly marked as canceled.")


@pytest.fixture(params=[from_dagsters_queue, forced])
def cancel(request: pytest.FixtureRequest) -> Cancel:
    how: Cancel = request.param
    return how


def condition(house: House, sync_id: str = SYNC) -> object:
    with house.engine.database.connect() as connection:
        return report.status(house.engine, connection, sync_id=sync_id)["syncs"][0]["condition"]


def test_a_sync_is_queued_from_when_it_is_asked_for_until_its_run_is_cancelled(
    house: House, cancel: Cancel
) -> None:
    assert condition(house) == "new"
    put(house)
    assert condition(house) == "queued"
    (request,) = drain(house)
    cancel(house, request)
    assert condition(house) == "queued"
    assert drain(house) == []
    assert condition(house) == "cancelled"
    put(house)
    assert condition(house) == "queued"


def test_what_a_person_cancels_before_it_begins_waits_for_its_next_trigger(
    house: House, cancel: Cancel
) -> None:
    names = [f"s{number}" for number in range(5)]
    house.configure(*(a_sync(name) for name in names), a_sync("other"))
    quick(house)
    for name in (*names, "other"):
        put(house, name)
    requests = {request.partition_key: request for request in drain(house)}
    put(house, names[1])
    cancel(house, requests[None])
    age_requests(house)
    assert ask_again(house.instance, house.engine) == len(set(requests) - {None})
    with house.engine.database.connect() as connection:
        told = {name: operations.history(connection, name) for name in (*names, "other")}
    cancelled = {name for name, found in told.items() for line in found if line["error"]}
    assert cancelled == {"other", *names} - set(requests)
    assert {line["error"]["code"] for found in told.values() for line in found} == {"cancelled"}


def test_those_who_watch_hear_of_it_once(house: House, cancel: Cancel) -> None:
    put(house)
    (request,) = drain(house)
    cancel(house, request)
    for _ in range(2):
        drain(house)
    with house.engine.database.connect() as connection:
        (line,) = operations.history(connection, SYNC)
        (told,) = events.after(connection, "demo", 0, limit=10)
    assert (told.kind, told.operation_id) == (LiveKind.FAILED, line["operation_id"])
    assert told.document["error"]["code"] == "cancelled"


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_change_that_is_told_after_a_cancel_is_looked_at(
    house: House, cancel: Cancel, seen_before: bool
) -> None:
    put(house)
    (request,) = drain(house)
    cancel(house, request)
    if seen_before:
        assert drain(house) == []
    put(house)
    (again,) = drain(house)
    assert again.run_key != request.run_key
    with house.engine.database.connect() as connection:
        (line,) = operations.history(connection, SYNC)
    assert line["error"]["code"] == "cancelled"


@pytest.mark.parametrize("schedule", ["realtime", "every_15_minutes"])
def test_what_is_cancelled_before_it_begins_is_due_again_by_its_schedule(
    house: House, cancel: Cancel, schedule: str
) -> None:
    """Though its source was asked already, and says the same when it is asked again."""
    house.configure(a_sync(schedule=schedule))
    sweep(house.engine)
    (request,) = drain(house)
    cancel(house, request)
    assert drain(house) == []
    assert sweep(house.engine) == []
    later = replace(house.engine, now=lambda: utc_now() + timedelta(minutes=16))
    assert sweep(later) == [SYNC]
