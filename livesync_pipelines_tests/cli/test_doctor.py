from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.cli.work import checks
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.operating import Errand, operate
from livesync_pipelines.model.sync import Priority, Trigger
from livesync_pipelines.store import holders, queue
from livesync_pipelines.store.operations import Operation, Outcome

from .conftest import CONFIG, Run, Terminal


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {check["check"]: check["verdict"] for check in document["checks"]}


def free_port() -> str:
    """One that nobody gets who asks the system for any, as the other tests do meanwhile."""
    while True:
        port = random.randint(20_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return str(port)


@pytest.fixture
def ports() -> dict[str, Any]:
    return {"LIVESYNC_PORT": free_port(), "LIVESYNC_DAGSTER_PORT": free_port()}


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield str(holder.getsockname()[1])


def test_a_healthy_house_has_nothing_that_fails(
    terminal: Terminal, synced: dict[str, Any], ports: dict[str, Any]
) -> None:
    document = terminal.document("doctor", **ports)
    assert document["ok"] is True
    assert {name for name, said in verdicts(document).items() if said != "ok"} == set()
    assert verdicts(document)["sync handbook-docs"] == "ok"
    result = terminal("doctor", **ports)
    assert result.exit_code == 0
    assert "Nothing fails." in result.stdout


def test_a_wrong_variable_fails_and_ends_with_1(terminal: Terminal) -> None:
    document = terminal.document("doctor", code=1, LIVESYNC_PORT="seven")
    assert document["ok"] is False
    assert verdicts(document)["environment"] == "failed"


def test_an_unknown_variable_and_a_switched_off_house_are_warnings(
    terminal: Terminal, ports: dict[str, Any]
) -> None:
    environ = {"LIVESYNC_PROT": "1", "EXTERNAL_SYNC_ENABLED": "no", **ports}
    found = verdicts(terminal.document("doctor", **environ))
    assert found["environment"] == "warning"
    assert found["external sync"] == "warning"


def test_a_taken_port_says_which_variable_to_set(
    terminal: Terminal, taken: str, ports: dict[str, Any]
) -> None:
    document = terminal.document("doctor", code=1, **{**ports, "LIVESYNC_PORT": taken})
    assert verdicts(document)["HTTP port"] == "failed"
    result = terminal("doctor", **{**ports, "LIVESYNC_PORT": taken})
    assert "set LIVESYNC_PORT to a free port" in result.stdout


def test_a_database_that_does_not_answer_fails(terminal: Terminal, ports: dict[str, Any]) -> None:
    nobody = "postgresql://someone@127.0.0.1:1/livesync"
    document = terminal.document("doctor", code=1, LIVESYNC_DATABASE_URL=nobody, **ports)
    assert verdicts(document)["database"] == "failed"


@pytest.mark.parametrize(
    ("apart_s", "verdict", "said"),
    [
        (0, "ok", "within 2 s of the database's"),
        (300, "failed", "this machine's is 300 s ahead of the database's"),
        (-300, "failed", "this machine's is 300 s behind the database's"),
    ],
)
def test_a_clock_that_is_far_from_the_databases_fails(
    engine: Engine, apart_s: int, verdict: str, said: str
) -> None:
    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=apart_s)

    with engine.database.connect() as connection:
        (found,) = checks.clock(now, connection)
    assert (found.verdict, found.message) == (verdict, said)
    assert bool(found.do) is (verdict == "failed")


def test_a_broker_that_does_not_answer_fails(terminal: Terminal, ports: dict[str, Any]) -> None:
    address = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    result = terminal("doctor", LIVESYNC_BROKER_URL=address)
    assert result.exit_code == 1
    assert "cannot be used, so no run begins: " in result.stdout
    assert "Connection refused" in result.stdout
    assert "hunter2" not in result.output


def test_a_home_that_cannot_be_written_to_fails(
    terminal: Terminal, tmp_path: Path, ports: dict[str, Any]
) -> None:
    file = tmp_path / "file"
    file.touch()
    document = terminal.document("doctor", code=1, LIVESYNC_HOME=str(file), **ports)
    assert verdicts(document)["home"] == "failed"


def test_a_connection_whose_variable_is_gone_fails(
    terminal: Terminal, tmp_path: Path, ports: dict[str, Any]
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(CONFIG.replace("path: docs", 'path: "${DOCS}"'))
    assert terminal("apply", str(file), DOCS=str(tmp_path)).exit_code == 0
    document = terminal.document("doctor", code=1, **ports)
    assert verdicts(document)["connection docs"] == "failed"


def test_a_file_of_the_configuration_that_is_wrong_fails(
    terminal: Terminal, tmp_path: Path, ports: dict[str, Any]
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("syncs: 5\n")
    document = terminal.document("doctor", code=1, LIVESYNC_CONFIG=str(file), **ports)
    assert verdicts(document)["LIVESYNC_CONFIG"] == "failed"


def test_syncs_that_rest_or_fail_are_told(
    terminal: Terminal, docs: Path, run: Run, ports: dict[str, Any]
) -> None:
    run()
    docs.rename(docs.with_name("away"))
    assert run()["status"] == "failed"
    document = terminal.document("doctor", code=1, **ports)
    assert verdicts(document)["sync handbook-docs"] == "failed"
    terminal("sync", "pause", "handbook-docs")
    assert verdicts(terminal.document("doctor", **ports))["sync handbook-docs"] == "warning"


def stop_a_run(engine: Engine, name: str, *, cancels: bool) -> None:
    def stopped(_: Operation) -> Outcome:
        raise KeyboardInterrupt

    errand = Errand(sync_id=name, trigger=Trigger.POLL, cancelled=lambda _: cancels)
    with engine.database.connect() as connection, pytest.raises(KeyboardInterrupt):
        operate(engine, connection, errand, stopped)


@pytest.mark.parametrize(
    ("cancels", "words"), [(True, "was cancelled"), (False, "was interrupted")]
)
def test_a_sync_whose_last_run_was_stopped_is_told(
    terminal: Terminal,
    applied: Path,
    engine: Engine,
    ports: dict[str, Any],
    cancels: bool,
    words: str,
) -> None:
    name = "handbook-docs"
    stop_a_run(engine, name, cancels=cancels)
    document = terminal.document("doctor", **ports)
    (found,) = (one for one in document["checks"] if one["check"] == f"sync {name}")
    assert found["verdict"] == "warning"
    assert words in found["message"]
    assert f"livesync sync run {name}" in found["do"]


def test_a_cancel_is_told_beside_the_removals_that_wait(
    terminal: Terminal, applied: Path, docs: Path, run: Run, engine: Engine, ports: dict[str, Any]
) -> None:
    name, strict = "handbook-docs", "schedule: hourly, limits: {delete_items: 0, delete_share: 0}"
    applied.write_text(applied.read_text().replace("schedule: hourly", strict))
    assert terminal("apply", f"{applied}").exit_code == 0
    run()
    (docs / "leave.md").unlink()
    assert run()["status"] == "waiting_for_approval"
    stop_a_run(engine, name, cancels=True)
    checks = terminal.document("doctor", **ports)["checks"]
    (found,) = (one for one in checks if one["check"] == f"sync {name}")
    shown = (found["message"] + found["do"], terminal("status", name).stdout)
    for told in shown:
        assert "Nothing was removed" in told
        assert "The run was cancelled" in told
        assert f"livesync sync approve {name}" in told
        assert f"livesync sync run {name}" in told
    everything = terminal("status")
    assert "waiting_for_approval" in everything.stdout
    assert "The run was cancelled" in everything.stderr


def test_how_many_runs_can_be_carried_out_at_once_is_told(
    terminal: Terminal, engine: Engine, ports: dict[str, Any]
) -> None:
    with engine.database.connect() as worker:
        for _ in range(3):
            holders.hold(worker)
        told = terminal("doctor", **ports).stdout
    assert "3 runs at once, by the workers that live now" in told


def test_requests_that_wait_while_nothing_begins_are_told(
    terminal: Terminal, applied: Path, engine: Engine, ports: dict[str, Any]
) -> None:
    with engine.database.connect() as connection:
        queue.put(connection, "handbook-docs", trigger=Trigger.PERSON, priority=Priority.NORMAL)
        assert verdicts(terminal.document("doctor", **ports))["queue"] == "ok"
        connection.execute("update livesync.queue set queued_at = now() - interval '1 hour'")
    assert verdicts(terminal.document("doctor", **ports))["queue"] == "warning"
    assert "1 folder sync waiting since" in terminal("doctor", **ports).stdout
