"""What starts runs: schedules for what is due, a sensor for what is queued."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import sleep, time

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import PRIORITY_TAG
from dagster._daemon.types import DaemonHeartbeat

from livesync_pipelines.connectors import PLATFORMS
from livesync_pipelines.definitions import defs
from livesync_pipelines.defs import automation
from livesync_pipelines.defs.automation import DRAINS, POLLS, await_requests
from livesync_pipelines.defs.coordinator import (
    GIVES_WAY_TAG,
    LAST,
    LONG,
    TAKES_LONG_TAG,
    TURN,
)
from livesync_pipelines.defs.housekeeping import ask_again, keep_house
from livesync_pipelines.defs.notices import send_notifications
from livesync_pipelines.defs.partitions import SYNCS, SYNCS_TAG
from livesync_pipelines.defs.pools import size_pools
from livesync_pipelines.defs.requests import MOST
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.defs.subscriptions import keep_subscriptions
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Connection, Desired, Notify, NotifyOn, Priority, Trigger
from livesync_pipelines.store import catalog, operations, queue, subscription_list
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines_tests.notify.receivers import SECRET, a_receiver

from .conftest import SYNC, House, a_sync
from .test_corridor import run

QUIET = "Nothing is due, or what is due has not changed."
POLL = next(poll for poll in POLLS if poll.name == "poll_folder")


def poll(house: House) -> str:
    """What the schedule says when it is evaluated."""
    context = dg.build_schedule_context(house.instance, resources={"livesync": LiveSync()})
    answer = POLL(context)
    assert isinstance(answer, dg.SkipReason)
    return answer.skip_message or ""


def drain(house: House) -> list[dg.RunRequest]:
    answer = DRAINS[0](sensing(house))
    return list(answer.run_requests or []) if isinstance(answer, dg.SensorResult) else []


def sensing(house: House) -> dg.SensorEvaluationContext:
    return dg.build_sensor_context(house.instance, resources={"livesync": LiveSync()})


def quick(house: House) -> None:
    """All have run, and were done soon."""
    with house.engine.database.connect() as connection:
        connection.execute("update livesync.syncs set takes_long = false")


def put(house: House, sync_id: str = SYNC, *, full: bool = False) -> None:
    with house.engine.database.connect() as connection:
        queue.put(connection, sync_id, trigger=Trigger.PERSON, priority=Priority.NORMAL, full=full)


def looked_at(house: House) -> None:
    """Nothing is new here, and nothing is due."""
    with house.engine.database.connect() as connection:
        connection.execute("update livesync.syncs set next_due_at = now() + interval '1 hour'")


def test_a_new_sync_is_due_at_once_and_requested_once(house: House) -> None:
    assert poll(house) == "Queued 1 syncs, for `drain_queue`."
    assert [(r.job_name, r.partition_key) for r in drain(house)] == [("sync_folder", SYNC)]
    assert poll(house) == QUIET
    assert drain(house) == []


def test_a_few_new_syncs_do_not_wait_for_the_minute(house: House) -> None:
    house.configure(a_sync("by-hand", "manual"), *(a_sync(f"s{number}") for number in range(9)))
    assert [len(json.loads(request.tags[SYNCS_TAG])) for request in drain(house)] == [2, 2, 2]
    assert poll(house) == "Queued 4 syncs, for `drain_queue`."


def test_a_changed_sync_does_not_wait_for_its_schedule(house: House) -> None:
    (request,) = drain(house)
    assert run(house, **dict(request.tags)).success
    assert drain(house) == []
    house.configure(a_sync(schedule="daily"))
    assert [request.partition_key for request in drain(house)] == [SYNC]


def test_a_request_runs_as_it_stands_and_carries_its_trigger(house: House) -> None:
    poll(house)
    (request,) = drain(house)
    assert request.job_name is not None
    done = defs.resolve_job_def(request.job_name).execute_in_process(
        instance=house.instance, partition_key=request.partition_key, tags=dict(request.tags)
    )
    assert done.success
    with house.engine.database.connect() as connection:
        assert operations.history(connection, SYNC)[0]["trigger"] == "poll"


def test_a_source_that_has_not_changed_costs_no_run(house: House) -> None:
    poll(house)
    (request,) = drain(house)
    run(house, **dict(request.tags))
    with house.engine.database.connect() as connection:
        connection.execute("update livesync.syncs set next_due_at = now() - interval '1 hour'")
    assert poll(house) == QUIET
    (house.folder / "three.md").write_text("# Three\n")
    with house.engine.database.connect() as connection:
        connection.execute("update livesync.syncs set next_due_at = now() - interval '1 hour'")
    poll(house)
    assert len(drain(house)) == 1


def test_many_hints_of_one_sync_are_one_request(house: House) -> None:
    put(house)
    put(house, full=True)
    (request,) = drain(house)
    assert request.tags["livesync/full"] == "true"
    assert request.run_key is not None


def test_the_sensor_hands_out_every_waiting_sync(house: House) -> None:
    house.configure(a_sync("second"), a_sync("third"))
    looked_at(house)
    for sync_id in ("second", "third"):
        put(house, sync_id)
    assert {request.partition_key for request in drain(house)} == {"second", "third"}


def test_a_burst_is_one_run_and_critical_and_full_ones_go_alone(house: House) -> None:
    names = [f"s{number}" for number in range(MOST + 2)]
    house.configure(
        *(a_sync(name) for name in names),
        replace(a_sync("urgent"), priority=Priority.CRITICAL),
        a_sync("whole"),
    )
    looked_at(house)
    quick(house)
    for name in names:
        put(house, name)
    put(house, "whole", full=True)
    with house.engine.database.connect() as connection:
        queue.put(connection, "urgent", trigger=Trigger.PERSON, priority=Priority.CRITICAL)
    with house.engine.database.connect() as connection:
        connection.execute("update livesync.syncs set takes_long = true where sync_id = 'urgent'")
    requests = drain(house)
    assert requests[0].partition_key == "urgent"
    assert requests[0].tags[TAKES_LONG_TAG] == "true"
    assert [r.partition_key for r in requests[1:] if r.partition_key] == ["whole"]
    assert {r.partition_key: r.tags[PRIORITY_TAG] for r in requests} == {
        "urgent": "1",
        "whole": LAST,
        None: "0",
    }
    several = [json.loads(r.tags[SYNCS_TAG]) for r in requests if SYNCS_TAG in r.tags]
    assert [len(syncs) for syncs in several] == [MOST // 2 + 1] * 2
    assert {name for syncs in several for name in syncs} == set(names)
    assert len({r.run_key for r in requests}) == len(requests)


def test_while_runs_wait_for_places_only_critical_syncs_are_handed_out(house: House) -> None:
    house.configure(a_sync("calm"), replace(a_sync("urgent"), priority=Priority.CRITICAL))
    looked_at(house)
    quick(house)
    waiting = [waits(house) for _ in range(3)]
    put(house, "calm")
    with house.engine.database.connect() as connection:
        queue.put(connection, "urgent", trigger=Trigger.PERSON, priority=Priority.CRITICAL)
    assert [request.partition_key for request in drain(house)] == ["urgent"]
    house.instance.delete_run(waiting[0].run_id)
    assert [request.partition_key for request in drain(house)] == ["calm"]


def test_what_takes_long_keeps_only_others_of_its_kind_waiting_and_not_for_ever(
    house: House,
) -> None:
    house.configure(a_sync("calm"), a_sync("least"), a_sync("slow"))
    looked_at(house)
    quick(house)
    for _ in range(3):
        waits(house, {GIVES_WAY_TAG: LONG})
    put(house, "calm")
    with house.engine.database.connect() as connection:
        connection.execute("update livesync.syncs set takes_long = true where sync_id = 'slow'")
        queue.put(connection, "least", trigger=Trigger.PERSON, priority=Priority.LOW)
        put(house, "slow")
        assert [request.partition_key for request in drain(house)] == ["calm", "least"]
        connection.execute("update livesync.queue set queued_at = queued_at - %s", (queue.AGES_IN,))
    assert [request.partition_key for request in drain(house)] == ["slow"]


def test_syncs_of_low_priority_that_wait_keep_nobody_else_waiting(house: House) -> None:
    house.configure(a_sync("calm"), a_sync("least"))
    looked_at(house)
    quick(house)
    for _ in range(3):
        waits(house, {PRIORITY_TAG: LAST})
    put(house, "calm")
    with house.engine.database.connect() as connection:
        queue.put(connection, "least", trigger=Trigger.PERSON, priority=Priority.LOW)
    assert [request.partition_key for request in drain(house)] == ["calm"]


def test_what_waits_for_its_sync_to_be_free_keeps_nothing_waiting(house: House) -> None:
    house.configure(a_sync("new"))
    looked_at(house)
    for _ in range(9):
        waits(house, {GIVES_WAY_TAG: TURN})
    put(house, "new")
    assert [request.partition_key for request in drain(house)] == ["new"]


def test_who_took_long_the_last_time_goes_alone_and_leaves_a_place_as_what_is_new_does(
    house: House,
) -> None:
    slow, new = [f"slow{n}" for n in range(5)], [f"new{n}" for n in range(5)]
    house.configure(
        *map(a_sync, [*slow, *new, "quick"]),
        replace(a_sync("urgent"), priority=Priority.CRITICAL),
        replace(a_sync("least"), priority=Priority.LOW),
    )
    looked_at(house)
    with house.engine.database.connect() as connection:
        connection.execute(
            "update livesync.syncs set takes_long = sync_id like 'slow%' where sync_id !~ 'new'"
        )
        queue.put(connection, "urgent", trigger=Trigger.PERSON, priority=Priority.CRITICAL)
        queue.put(connection, "least", trigger=Trigger.PERSON, priority=Priority.LOW)
    for name in (*slow, *new, "quick"):
        put(house, name)
    requests = drain(house)
    assert {r.partition_key or "new": r.tags.get(GIVES_WAY_TAG) for r in requests} == {
        **dict.fromkeys([*slow, "new", "new2"], LONG),
        "least": None,
        "quick": None,
        "urgent": None,
    }
    assert {r.partition_key or "new": r.tags[PRIORITY_TAG] for r in requests} == {
        **dict.fromkeys([*slow, "new", "new2", "quick"], "0"),
        "least": LAST,
        "urgent": "1",
    }
    assert not any(TAKES_LONG_TAG in request.tags for request in requests)
    several = [json.loads(r.tags[SYNCS_TAG]) for r in requests if SYNCS_TAG in r.tags]
    assert [len(syncs) for syncs in several] == [2, 2], "what is new is shared out"


def waits(house: House, tags: Mapping[str, str] | None = None) -> dg.DagsterRun:
    """A run without a place."""
    location = RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", port=1), "odd")
    run = dg.DagsterRun(
        job_name="sync_folder",
        status=dg.DagsterRunStatus.QUEUED,
        tags=tags,
        remote_job_origin=RemoteJobOrigin(location, "sync_folder"),
    )
    house.instance.add_run(run)
    return run


def age_requests(house: House) -> None:
    with house.engine.database.connect() as connection:
        connection.execute("update livesync.queue set requested_at = now() - interval '30 seconds'")


def test_a_request_that_a_dying_daemon_has_lost_is_made_again(house: House) -> None:
    put(house)
    (lost,) = drain(house)
    age_requests(house)
    assert ask_again(house.instance, house.engine) == 1
    (again,) = drain(house)
    assert again.partition_key == lost.partition_key
    assert again.run_key != lost.run_key


def beats(house: House, daemon: str) -> None:
    house.instance.add_daemon_heartbeat(DaemonHeartbeat(time(), "SENSOR", daemon, errors=[]))


def is_watched(house: House) -> bool:
    """Whether an evaluation has begun to wait."""
    query = "select from pg_locks where locktype = 'advisory' and objid::bigint = %s"
    with house.engine.database.connect() as connection:
        return connection.execute(query, (AdvisoryLock.WATCH,)).rowcount > 0


def test_who_was_asked_by_a_daemon_that_is_no_more_takes_nothing_from_the_next_one(
    house: House,
) -> None:
    looked_at(house)
    beats(house, "killed")
    with ThreadPoolExecutor() as beside:
        late = beside.submit(await_requests, house.engine, house.instance, hold_s=60.0)
        while not is_watched(house):
            assert not late.done()
            sleep(0.02)
        beats(house, "next")
        assert late.result() == []
    put(house)
    assert [asked.partition_key for asked in drain(house)] == [SYNC]


def test_a_request_whose_run_waits_for_a_place_is_not_made_again(house: House) -> None:
    names = [f"s{number}" for number in range(5)]
    house.configure(*(a_sync(name) for name in names))
    looked_at(house)
    quick(house)
    put(house, "s0")
    (alone,) = drain(house)
    for name in names[1:]:
        put(house, name)
    (together,) = drain(house)
    for request in (alone, together):
        assert request.run_key is not None
        tags = {**request.tags, "dagster/run_key": request.run_key}
        waiting = dg.DagsterRunStatus.NOT_STARTED
        house.instance.add_run(dg.DagsterRun(job_name="sync_folder", status=waiting, tags=tags))
    age_requests(house)
    assert ask_again(house.instance, house.engine) == 0
    assert drain(house) == []


def test_what_waits_behind_one_that_takes_long_is_handed_out_anew(house: House) -> None:
    names = [f"s{number}" for number in range(4)]
    house.configure(*(a_sync(name) for name in names))
    looked_at(house)
    quick(house)
    for name in names:
        put(house, name)
    (together,) = drain(house)
    tags = {**together.tags, "dagster/run_key": together.run_key or ""}
    begun = dg.DagsterRun(job_name="sync_folder_together", tags=tags)
    house.instance.add_run(begun)
    house.instance.report_dagster_event(
        DagsterEvent(DagsterEventType.PIPELINE_START.value, begun.job_name), begun.run_id
    )
    run_sync(house.engine, "s0", trigger=Trigger.WEBHOOK)
    age_requests(house)
    assert ask_again(house.instance, house.engine) == 0
    later = replace(house.engine, now=lambda: datetime.now(UTC) + timedelta(seconds=40))
    assert ask_again(house.instance, later) == 3
    assert {asked.partition_key for asked in drain(house)} == set(names[1:])


def test_a_sync_that_dagster_does_not_know_yet_gets_its_partition_with_its_first_run(
    house: House,
) -> None:
    name = SYNCS["folder"].name
    assert name is not None
    house.instance.delete_dynamic_partition(name, SYNC)
    put(house)
    (request,) = drain(house)
    assert house.partitions() == {request.partition_key}


def test_the_house_is_kept_by_a_sensor_of_its_own(house: House) -> None:
    house.configure()
    said = keep_house(sensing(house))
    assert isinstance(said, dg.SkipReason)
    assert said.skip_message == (
        "Closed 0 runs, sent 0 again; asked for 0 again, and for 0 with questions whose time is "
        "over."
    )
    assert len(house.instance.event_log_storage.get_pool_limits()) == len(SYNCS)


def test_subscriptions_are_kept_up_by_a_sensor_of_their_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket that nobody answers for is asked, and holds up nothing."""
    options = {"bucket": "b1x", "endpoint_url": "http://127.0.0.1:1", "region": "us-east-1"}
    options |= {"notifications": "arn:aws:sqs:us-east-1:123456789012:q", "access_key_id": "x"}
    source = Connection(
        name="bucket",
        project_id="demo",
        platform="s3",
        options={**options, "secret_access_key": "${HOME}"},
    )
    sync = replace(a_sync("bucket"), connection="bucket")
    with house.engine.database.connect() as connection:
        catalog.apply(connection, Desired(connections=(source,), syncs=(sync,)))
    assert keep_subscriptions(sensing(house)) == dg.SkipReason("Asked for 1 subscriptions.")
    with house.engine.database.connect() as connection:
        (found,) = subscription_list.listed(connection)
    assert (found["state"], found["error"]["code"]) == ("failing", "unavailable")
    monkeypatch.setenv("EXTERNAL_SYNC_ENABLED", "false")
    assert "EXTERNAL_SYNC_ENABLED" in str(keep_subscriptions(sensing(house)))


def test_every_platform_has_a_pool_of_the_size_that_it_declares(house: House) -> None:
    storage = house.instance.event_log_storage
    size_pools(house.instance)
    storage.set_concurrency_slots("folder", 9)
    size_pools(house.instance)
    limits = {pool.name: pool.limit for pool in storage.get_pool_limits()}
    assert limits == {name: 9 if name == "folder" else 4 for name in PLATFORMS}


def test_a_realtime_folder_is_queued_when_it_changes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automation, "HOLD_S", 30.0)
    house.configure(a_sync(schedule="realtime"))
    (first,) = drain(house)
    run(house, **dict(first.tags))
    (house.folder / "one.md").write_text("# One\n\nA kingfisher instead.\n")
    (request,) = drain(house)
    assert request.tags["livesync/trigger"] == "watch"


def test_both_stand_still_and_say_why_where_external_sync_is_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(house)
    monkeypatch.setenv("EXTERNAL_SYNC_ENABLED", "false")
    resources = {"livesync": LiveSync()}
    polled = POLL(dg.build_schedule_context(house.instance, resources=resources))
    for answer in (DRAINS[0](sensing(house)), keep_house(sensing(house)), polled):
        assert isinstance(answer, dg.SkipReason)
        assert "EXTERNAL_SYNC_ENABLED" in (answer.skip_message or "")


def test_what_is_to_be_told_is_sent_by_a_sensor_that_waits_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sense() -> str:
        context = dg.build_sensor_context(house.instance, resources={"livesync": LiveSync()})
        answer = send_notifications(context)
        assert isinstance(answer, dg.SkipReason)
        return answer.skip_message or ""

    with a_receiver() as receiver, ThreadPoolExecutor() as pool:
        monkeypatch.setenv("LIVESYNC_WEBHOOK_SECRET", SECRET)
        monkeypatch.setenv("LIVESYNC_WEBHOOK_PRIVATE_HOSTS", "127.0.0.1")
        house.configure(replace(a_sync(), notify=Notify((NotifyOn.SUCCESS,), (receiver.url(),))))
        waiting = pool.submit(sense)
        run(house)
        assert waiting.result() == "Sent 1, failed 0."
        assert receiver.kinds() == ["sync.changed"]
    monkeypatch.setenv("EXTERNAL_SYNC_ENABLED", "false")
    assert "EXTERNAL_SYNC_ENABLED" in sense()
