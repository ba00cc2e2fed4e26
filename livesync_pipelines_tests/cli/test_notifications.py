"""What a person sees of notifications in a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.notify.relay import relay
from livesync_pipelines.settings import Settings
from livesync_pipelines_tests.notify.receivers import SECRET, Receiver, a_receiver

from .conftest import CONFIG, Run, Terminal
from .test_doctor import free_port, verdicts

MEANS = {"LIVESYNC_WEBHOOK_SECRET": SECRET, "LIVESYNC_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture
def told(terminal: Terminal, docs: Path, applied: Path, receiver: Receiver) -> Terminal:
    """A terminal with the means to tell, and a sync that tells the receiver."""
    notify = f'notify: {{on: [success, error], to: ["{receiver.url()}"]}}'
    applied.write_text(CONFIG.replace("schedule: hourly", f"schedule: hourly, {notify}"))
    terminal.environ |= MEANS
    assert terminal("apply", str(applied)).exit_code == 0
    terminal.environ |= {"LIVESYNC_PORT": free_port(), "LIVESYNC_DAGSTER_PORT": free_port()}
    return terminal


def listed(terminal: Terminal) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = terminal.document("notifications", "list")["notifications"]
    return found


def test_a_run_in_a_terminal_tells_without_anything_else_running(
    told: Terminal, receiver: Receiver
) -> None:
    done = told.process("sync", "run", "handbook-docs", "--json")
    assert json.loads(done.stdout)["status"] == "success", done.stderr
    assert receiver.kinds() == ["sync.changed"]
    (row,) = listed(told)
    assert (row["kind"], row["state"], row["tries"]) == ("changed", "delivered", 1)
    assert row["address"] == receiver.url()
    assert "delivered" in told("notifications", "list", "handbook-docs").stdout


def test_what_did_not_arrive_is_said_and_sent_again(
    told: Terminal, receiver: Receiver, run: Run, engine: Engine
) -> None:
    assert told("notifications", "list").stdout == "Nobody has been told anything yet.\n"
    run()
    receiver.answers = [410]
    assert relay(engine, Settings.load(MEANS)).failed == 1
    document = told.document("doctor")
    assert verdicts(document)["notifications"] == "warning"
    said = " ".join(check["message"] for check in document["checks"])
    assert "wants no more (HTTP 410)" in said
    assert "1 did not arrive" in said
    receiver.answers = [500]
    again = told("notifications", "retry", "handbook-docs")
    assert again.exit_code == 1
    assert "1 to be sent again; sent 0, failed 1." in again.stdout
    engine_says = listed(told)[0]
    assert (engine_says["state"], engine_says["tries"]) == ("waiting", 1)
    assert "answered 500" in engine_says["error"]


def test_dead_ones_arrive_after_a_retry(
    told: Terminal, receiver: Receiver, run: Run, engine: Engine
) -> None:
    run()
    receiver.answers = [410]
    relay(engine, Settings.load(MEANS))
    document = told.document("notifications", "retry")
    assert document == {"retried": 1, "sent": 1, "failed": 0}
    assert verdicts(told.document("doctor"))["notifications"] == "ok"


def test_an_address_that_cannot_be_told_shows_when_it_is_applied_and_in_doctor(
    told: Terminal, applied: Path, receiver: Receiver
) -> None:
    missing = {"LIVESYNC_WEBHOOK_SECRET": ""}
    applied.write_text(applied.read_text().replace("[success, error]", "[error]"))
    result = told("apply", str(applied), **missing)
    assert result.exit_code == 0
    assert "only sent signed, and LIVESYNC_WEBHOOK_SECRET is not set" in result.stderr
    document = told.document("doctor", code=1, **missing)
    assert verdicts(document)["messages of handbook-docs"] == "failed"
    assert verdicts(told.document("doctor"))["notifications"] == "ok"


def test_there_is_no_notification_of_a_sync_that_is_not_there(terminal: Terminal) -> None:
    for word in ("list", "retry"):
        error = terminal.document("notifications", word, "x", code=2)["error"]
        assert error["code"] == "not_found"
