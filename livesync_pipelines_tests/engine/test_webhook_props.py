"""Deliveries that are lost, doubled, late, shuffled or forged change nothing but the lag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread

import pytest
import standardwebhooks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livesync_pipelines.auth.call import Call
from livesync_pipelines.engine.gate import Gate
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.noting import Noter
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import (
    Capsule,
    Connection,
    Desired,
    SyncConfig,
    Trigger,
    Webhook,
)
from livesync_pipelines.store import catalog, queue, webhooks
from livesync_pipelines.store.database import rows
from livesync_pipelines.store.webhooks import Event

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FORGED = "whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3"
EMPTY = ("queue", "webhook_events", "webhook_senders", "syncs", "connections", "capsules")
PER_ITEM = ("shadow", "records", "contents", "documents", "chunks", "ledger", "item_failures")

Edit = tuple[str, int | None]
"""A file, and the number of its new text; None: it goes."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Of the edit with this number; `late`: after so many more edits."""

    edit: int
    late: int
    is_forged: bool


EDITS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 5)), min_size=1, max_size=8
)
DELIVERIES = st.lists(
    st.builds(Delivery, st.integers(0, 7), st.integers(0, 8), st.booleans()), max_size=16
)
"""Edits that no delivery names are those that were lost; one that two name was doubled."""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS, deliveries=DELIVERIES)
def test_whatever_becomes_of_deliveries_the_final_state_is_that_of_polling_alone(
    engine: Engine, edits: list[Edit], deliveries: list[Delivery]
) -> None:
    with a_folder(engine) as (house, folder):
        for edit in edits:
            write(folder, edit)
        run_sync(house, "docs", trigger=Trigger.POLL)
        expected = held(house)
    with a_folder(engine) as (house, folder):
        play(house, folder, edits, deliveries)
        run_sync(house, "docs", trigger=Trigger.POLL)
        assert held(house) == expected
        assert_noted(house, edits, deliveries)


def play(house: Engine, folder: Path, edits: list[Edit], deliveries: list[Delivery]) -> None:
    """Every edit, what is called in after it, and the runs that follow from that."""
    gate = Gate(house)
    gate.learn().result()
    try:
        for place in range(len(edits) + 8):
            if place < len(edits):
                write(folder, edits[place])
            for one in deliveries:
                if one.edit < len(edits) and one.edit + one.late == place:
                    call_in(house, gate, one)
            with house.database.connect() as connection:
                for request in queue.take(connection, now=house.now()):
                    run_sync(house, request.sync_id, trigger=request.trigger)
    finally:
        gate.close()


def call_in(house: Engine, gate: Gate, one: Delivery) -> None:
    at, name, body = house.now(), f"msg_{one.edit}", "{}"
    signer = standardwebhooks.Webhook(FORGED if one.is_forged else KEY)
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signer.sign(name, at, body),
    }
    call = Call(method="POST", url="https://x/", headers=headers, body=body.encode(), at=at)
    sender = gate.sender("folder", "files")
    told = gate.proved(sender, call)
    assert (told is None) == one.is_forged
    if told is not None:
        gate.note(sender, call, told).result()


def assert_noted(house: Engine, edits: list[Edit], deliveries: list[Delivery]) -> None:
    good = [one.edit for one in deliveries if not one.is_forged and one.edit < len(edits)]
    with house.database.pooled() as connection:
        seen = {event["delivery_id"]: event["seen"] for event in webhooks.listed(connection)}
    assert seen == {f"msg_{edit}": good.count(edit) for edit in good}


def write(folder: Path, edit: Edit) -> None:
    name, number = edit
    if number is None:
        (folder / f"{name}.md").unlink(missing_ok=True)
    else:
        (folder / f"{name}.md").write_text(f"# {name}\n\nText {number} of {name}.\n")


def held(house: Engine) -> Mapping[str, str]:
    with house.database.pooled() as connection:
        found = rows(
            connection,
            "select s.key, c.text from livesync.shadow s"
            " join livesync.documents d using (sync_id, item_id)"
            " join livesync.contents c on c.sync_id = d.sync_id"
            " and c.content_hash = d.content_hash",
        )
    return {row["key"]: row["text"] for row in found}


@contextmanager
def a_folder(engine: Engine) -> Iterator[tuple[Engine, Path]]:
    """An empty folder and its sync, in an empty database."""
    house = replace(engine, environ={"KEY": KEY})
    with TemporaryDirectory() as place, house.database.pooled() as connection:
        for table in (*PER_ITEM, *EMPTY):
            connection.execute(f"delete from livesync.{table}".encode())
        source = Connection(
            name="files",
            project_id="demo",
            platform="folder",
            options={"path": place},
            webhook=Webhook(scheme="standard", secret="${KEY}"),
        )
        sync = SyncConfig(
            sync_id="docs",
            project_id="demo",
            connection="files",
            capsule="handbook",
            schedule="hourly",
        )
        sync = replace(sync, limits=replace(sync.limits, delete_items=1_000))
        capsule = Capsule(name="handbook", project_id="demo")
        catalog.apply(
            connection, Desired(connections=(source,), capsules=(capsule,), syncs=(sync,))
        )
        yield house, Path(place)


def an_event(engine: Engine, name: str, connection: str = "files") -> Event:
    return Event(
        connection=connection,
        delivery_id=name,
        received_at=engine.now(),
        scheme="standard",
        digest=b"",
    )


def test_calls_that_come_together_are_each_kept_once_whoever_takes_them(engine: Engine) -> None:
    """Two processes, the same deliveries at the same time, many syncs that both want to queue."""
    with a_folder(engine) as (house, _):
        with house.database.pooled() as connection:
            sync = catalog.sync(connection, "docs")
            more = tuple(replace(sync, sync_id=f"docs-{number}") for number in range(20))
            catalog.apply(connection, Desired(syncs=more))
        noters, start = [Noter(house), Noter(house)], Barrier(2)

        def take(noter: Noter, order: int) -> None:
            start.wait()
            names = [f"msg_{number}" for number in range(500)][::order]
            for done in [noter.note(an_event(house, name)) for name in names]:
                done.result()

        threads = [
            Thread(target=take, args=(noter, order))
            for noter, order in zip(noters, (1, -1), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for noter in noters:
            noter.close()
        with house.database.pooled() as connection:
            events = webhooks.listed(connection, limit=10_000)
            (sender,) = webhooks.senders(connection)
            assert queue.depth(connection)[0] == 21
    assert [event["seen"] for event in events] == [2] * 500
    assert (sender["delivered"], sender["doubled"]) == (500, 500)


def test_who_is_no_sender_any_more_when_his_call_is_written_is_no_trouble(engine: Engine) -> None:
    with a_folder(engine) as (house, _):
        noter = Noter(house)
        dones = [noter.note(an_event(house, "m", connection=name)) for name in ("gone", "files")]
        assert [done.result() for done in dones] == [None, None]
        noter.close()
        with house.database.pooled() as connection:
            assert queue.depth(connection)[0] == 1


@pytest.mark.parametrize("schedule", ["manual", "hourly"])
def test_what_waits_for_a_person_waits_on(engine: Engine, schedule: str) -> None:
    with a_folder(engine) as (house, _), house.database.pooled() as connection:
        sync = replace(catalog.sync(connection, "docs"), schedule=schedule)
        catalog.apply(connection, Desired(syncs=(sync,)))
        webhooks.note(connection, [an_event(house, "m")])
        assert queue.depth(connection)[0] == (0 if schedule == "manual" else 1)


def test_a_hint_that_comes_while_its_sync_runs_is_a_reason_to_run_once_more(
    engine: Engine,
) -> None:
    with a_folder(engine) as (house, _), house.database.pooled() as connection:
        webhooks.note(connection, [an_event(house, "m1")])
        (first,) = queue.take(connection, now=house.now())
        run_sync(house, first.sync_id, trigger=first.trigger)
        webhooks.note(connection, [an_event(house, "m2")])
        (second,) = queue.take(connection, now=house.now() + timedelta(seconds=1))
        assert second.trigger is Trigger.WEBHOOK
        assert second.key != first.key
