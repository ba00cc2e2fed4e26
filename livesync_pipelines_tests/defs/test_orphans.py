"""A run whose process was killed takes nobody's place for long."""

from __future__ import annotations

import dagster as dg

from livesync_pipelines.defs.assets import cancelled_in
from livesync_pipelines.defs.coordinator import TRIGGER_TAG
from livesync_pipelines.defs.orphans import close_orphans, held_tags
from livesync_pipelines.model.sync import Trigger

from .conftest import House


def begun(house: House, tags: dict[str, str]) -> str:
    run = dg.DagsterRun(job_name="sync_folder", status=dg.DagsterRunStatus.STARTED, tags=tags)
    house.instance.add_run(run)
    return run.run_id


def status(house: House, run_id: str) -> dg.DagsterRunStatus:
    run = house.instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_run_ends_with_the_process_that_carries_it_out(house: House) -> None:
    with house.engine.database.connect() as connection:
        with house.engine.database.connect() as living:
            run_id = begun(house, held_tags(living))
            assert close_orphans(house.instance, connection) == 0
            assert status(house, run_id) is dg.DagsterRunStatus.STARTED
            living.execute("select pg_advisory_unlock_all()")
        assert close_orphans(house.instance, connection) == 1
        assert status(house, run_id) is dg.DagsterRunStatus.FAILURE
        assert close_orphans(house.instance, connection) == 0


def test_an_interrupt_is_a_wish_to_cancel_where_somebody_has_asked_for_it(house: House) -> None:
    run_id = begun(house, {})
    cancelled, stop = cancelled_in(house.instance, run_id), dg.DagsterExecutionInterruptedError()
    assert not cancelled(stop)
    run = house.instance.get_run_by_id(run_id)
    assert run is not None
    house.instance.report_run_canceling(run)
    assert cancelled(stop)
    assert not cancelled(SystemExit())


def test_who_waits_for_a_run_at_a_terminal_cancels_it_by_an_interrupt(house: House) -> None:
    stop = dg.DagsterExecutionInterruptedError()
    with house.engine.database.connect() as living:
        waits, of_up = (
            begun(house, {**held_tags(living), TRIGGER_TAG: str(trigger)})
            for trigger in (Trigger.PERSON, Trigger.POLL)
        )
    assert cancelled_in(house.instance, waits)(stop)
    assert not cancelled_in(house.instance, of_up)(stop)


def test_the_runs_of_others_are_left_alone(house: House) -> None:
    run_id = begun(house, {})
    with house.engine.database.connect() as connection:
        assert close_orphans(house.instance, connection) == 0
    assert status(house, run_id) is dg.DagsterRunStatus.STARTED
