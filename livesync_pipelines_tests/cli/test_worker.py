"""`livesync worker`: two machines with homes of their own, on one Postgres and one Redis or
RabbitMQ."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

import psutil
import psycopg
import pytest
import yaml

from livesync_pipelines.cli.children import free_port
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import accounts
from livesync_pipelines.store.accounts import Account, AccountState

from .conftest import Terminal

PATIENCE_S = 240.0
SYNCS = 8
COMMAND = [sys.executable, "-m", "livesync_pipelines.cli"]


@pytest.fixture(params=["redis", "rabbitmq"])
def broker_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A private broker, from Debian's packages."""
    serve = {"redis": a_redis, "rabbitmq": a_rabbitmq}[request.param]
    with serve(tmp_path) as url:
        yield url


@contextmanager
def a_redis(tmp_path: Path) -> Iterator[str]:
    program, port = needed("redis-server", "TEST_REDIS"), free_port()
    command = [program, "--port", f"{port}", "--bind", "127.0.0.1", "--save", "", "--dir"]
    with subprocess.Popen([*command, f"{tmp_path}"], stdout=subprocess.DEVNULL) as server:
        yield f"redis://127.0.0.1:{port}/0"
        server.terminate()


@contextmanager
def a_rabbitmq(tmp_path: Path) -> Iterator[str]:
    """With its port mapper, which would stay behind as a daemon if it had to start it itself."""
    needed("rabbitmq-server", "TEST_RABBITMQ")
    (program,) = Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server")
    port, home = free_port(), tmp_path / "rabbit"
    home.mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": f"{home}",
        "ERL_EPMD_PORT": f"{free_port()}",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": "livesync@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": f"{port}",
        "RABBITMQ_DIST_PORT": f"{free_port()}",
        "RABBITMQ_MNESIA_BASE": f"{home}",
        "RABBITMQ_LOG_BASE": f"{home}",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home / 'plugins'}",
        "RABBITMQ_CONF_ENV_FILE": f"{home / 'none'}",
    }
    with (
        subprocess.Popen(["epmd"], env=environ) as mapper,
        subprocess.Popen(
            [program], env=environ, stdout=subprocess.DEVNULL, start_new_session=True
        ) as server,
    ):
        try:
            until("RabbitMQ", lambda: answers(port))
            yield f"amqp://guest:guest@127.0.0.1:{port}//"
        finally:
            os.killpg(server.pid, signal.SIGKILL)  # asked to stop, both may take minutes
            mapper.kill()


def needed(name: str, must_have: str) -> str:
    program = shutil.which(name)
    if program is None:
        assert os.environ.get(must_have) != "required", f"{name} is not installed"
        pytest.skip(f"{name} is not installed")
    return program


def answers(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


class House:
    """`livesync up` and one more worker, and what their syncs have done."""

    def __init__(self, tmp_path: Path, database_url: str, broker_url: str) -> None:
        self.folder = tmp_path
        self.names = [f"notes{number}" for number in range(SYNCS)]
        self.connection = psycopg.connect(database_url, autocommit=True)
        self.environ = {
            "PATH": os.environ["PATH"],
            "EXTERNAL_SYNC_ENABLED": "true",
            "LIVESYNC_DATABASE_URL": database_url,
            "LIVESYNC_BROKER_URL": broker_url,
            "LIVESYNC_RUNS_AT_ONCE": "1",
            "LIVESYNC_PORT": f"{free_port()}",
            "LIVESYNC_DAGSTER_PORT": f"{free_port()}",
        }
        lines = ["capsules: {notes: {}}", "connections:"]
        for name in self.names:
            (tmp_path / name).mkdir()
            (tmp_path / name / "one.md").write_text("# One\n\nA heron.\n")
            lines.append(f"  {name}: {{platform: folder, path: {tmp_path / name}}}")
        lines.append("syncs:")
        lines += [
            f"  {name}: {{connection: {name}, target: notes, schedule: manual}}"
            for name in self.names
        ]
        self.file = tmp_path / "sync.yaml"
        self.file.write_text("\n".join(lines))

    @contextmanager
    def process(self, *words: str, home: str) -> Iterator[subprocess.Popen[str]]:
        environ = {**self.environ, "LIVESYNC_HOME": f"{self.folder / home}"}
        log = (self.folder / f"{home}.log").open("a")
        command = [*COMMAND, *words]
        with log, subprocess.Popen(command, env=environ, stderr=log, stdout=log, text=True) as run:
            try:
                yield run
            finally:
                run.send_signal(signal.SIGINT)

    def close(self) -> None:
        self.connection.close()

    def places(self) -> int:
        return self._count(
            "select count(*) from pg_locks where locktype = 'advisory' and classid = 7340004"
            " and database = (select oid from pg_database where datname = current_database())"
        )

    def synced(self) -> int:
        return self._count(
            "select count(distinct sync_id) from livesync.operations where status = 'success'"
        )

    def ask_for_all(self) -> None:
        for name in self.names:
            self.connection.execute(
                "insert into livesync.queue (sync_id, trigger, priority, full_resync)"
                " values (%s, 'webhook', 1, true)",
                (name,),
            )
        self.connection.execute("select pg_notify('livesync_queue', '')")

    def told(self) -> str:
        """What stands in the way, for whoever reads of a failure."""
        asked = (
            "select * from livesync.queue",
            "select run_id, status, update_timestamp, now() from runs order by id desc limit 20",
            "select sync_id, status, started_at from livesync.operations",
            "select classid, objid, pid from pg_locks where locktype = 'advisory'",
        )
        lines = [f"{row}" for ask in asked for row in self.connection.execute(ask).fetchall()]
        logs = sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("*/logs/*.log"))
        lines += [
            f"{log.name}: {line}" for log in logs for line in log.read_text().split("\n")[-40:]
        ]
        return "\n".join(lines)

    def processes_of_runs(self) -> set[str]:
        """Of all runs so far, by the number that their logs name."""
        found = self.connection.execute(
            "select event from event_logs where dagster_event_type = 'ENGINE_EVENT'"
            " and event like '%%Started process for run%%'"
        ).fetchall()
        return {
            event.split("Started process for run (pid: ")[1].split(")")[0] for (event,) in found
        }

    def _count(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])


def until(what: str, holds: Callable[[], bool], told: Callable[[], str] = str) -> None:
    end = monotonic() + PATIENCE_S
    while not holds():
        assert monotonic() < end, f"waited in vain: {what}\n{told()}"
        sleep(0.1)


def test_two_workers_share_the_load_and_the_death_of_one_loses_nothing(
    tmp_path: Path, database_url: str, broker_url: str
) -> None:
    with (
        closing(House(tmp_path, database_url, broker_url)) as house,
        house.process("up", f"{house.file}", home="first"),
    ):
        until("the first worker", lambda: house.places() == 1)
        with house.process("worker", home="second") as second:
            until("the second worker", lambda: house.places() == 2)
            house.ask_for_all()
            until("all syncs", lambda: house.synced() == SYNCS, house.told)
            assert len(house.processes_of_runs()) >= 2
            house.connection.execute("delete from livesync.operations")
            house.ask_for_all()
            until("some syncs", lambda: house.synced() > 0, house.told)
            for process in psutil.Process(second.pid).children(recursive=True):
                process.kill()
            second.kill()
            until("all syncs, without the second", lambda: house.synced() == SYNCS, house.told)
            assert house.places() == 1


def test_a_worker_without_a_broker_says_what_to_set(terminal: Terminal) -> None:
    result = terminal("worker")
    assert result.exit_code == 2
    assert "LIVESYNC_BROKER_URL is not set" in result.stderr


def test_a_worker_that_lacks_the_key_of_the_accounts_says_what_to_set(
    terminal: Terminal, engine: Engine
) -> None:
    now = datetime.now(UTC)
    ada = Account(
        name="ada",
        project_id="demo",
        platform="google_drive",
        base="",
        client_id="c",
        who="ada@example.com",
        state=AccountState.CONNECTED,
        sealed=b"elsewhere",
        expires_at=None,
        scopes=(),
        connected_at=now,
        renewed_at=now,
    )
    with engine.database.pooled() as connection:
        accounts.keep(connection, ada)
    result = terminal("worker", LIVESYNC_BROKER_URL="redis://127.0.0.1:1/0")
    assert result.exit_code == 2
    assert "The account ada is sealed with a key that this machine does not have." in result.stderr
    assert "LIVESYNC_VAULT_KEY" in result.stderr
    another = b64encode(bytes(32)).decode()
    broker = {"LIVESYNC_BROKER_URL": "redis://127.0.0.1:1/0", "LIVESYNC_VAULT_KEY": another}
    result = terminal("worker", **broker)
    assert result.exit_code != 0
    assert "account:ada" in result.stderr


def test_the_default_launcher_is_one_variable_away(
    terminal: Terminal, applied: Path, tmp_path: Path
) -> None:
    written = tmp_path / "home" / "dagster" / "dagster.yaml"
    for launcher, named in (("warm", True), ("default", False)):
        assert terminal("sync", "run", "handbook-docs", LIVESYNC_LAUNCHER=launcher).exit_code == 0
        with written.open() as file:
            assert ("run_launcher" in yaml.safe_load(file)) is named
