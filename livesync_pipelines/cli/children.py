"""Child processes that end with their parent, whatever ends it."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from types import FrameType, TracebackType
from typing import Self

from livesync_pipelines.model.errors import BadInput, Broken
from livesync_pipelines.settings import made

LOOPBACK = "127.0.0.1"
_PATIENCE_S = 5.0
"""So long after it was asked to stop a child may live."""

_NEEDS_S = 30.0
"""So long one that needs another waits for it; then it is started all the same."""

_PR_SET_PDEATHSIG = 1
_TAIL_LINES = 15
_STARTS, _SOON_S = 4, 120.0
"""A child that has to be started so often in so short a time is not started again."""


class Stopped(Exception):
    """A signal asked this process to stop."""


@contextmanager
def stoppable() -> Iterator[None]:
    """The first SIGINT or SIGTERM raises `Stopped`; later ones do not interrupt the stop."""

    def stop(number: int, frame: FrameType | None) -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)
        raise Stopped

    before = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


class Child:
    """A server that this process starts, on a port, with its own log file.

    It leads a session of its own, so that a Ctrl-C at the terminal reaches it only through us,
    and on Linux it is told when we die. `needs`: the port of another one, which it is not started
    before; a while is waited for that.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        port: int | None,
        log: Path,
        needs: int | None = None,
    ) -> None:
        self.name = name
        self._command = command
        self._port = port
        self._log = log
        self._needs = needs
        self._asked_at: float | None = None
        self._started: deque[float] = deque(maxlen=_STARTS)

    def __enter__(self) -> Self:
        made(self._log.parent)
        self._start()
        return self

    def _start(self) -> None:
        until = monotonic() + _NEEDS_S
        while self._needs is not None and not _answers(self._needs) and monotonic() < until:
            sleep(0.1)
        self._started.append(monotonic())
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent  # noqa: PLW1509 - one system call, which takes no lock
                if sys.platform == "linux"
                else None,
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ask it to stop, then make it: it and all that it has started."""
        self.ask_to_stop()
        if self._asked_at is not None:
            try:
                self._process.wait(patience_left(self._asked_at, monotonic()))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if _group_lives(self._process.pid):
            os.killpg(self._process.pid, signal.SIGKILL)

    def ask_to_stop(self) -> None:
        """Without waiting for it; asking again does no harm."""
        if self._process.poll() is None and self._asked_at is None:
            self._process.send_signal(signal.SIGINT)
            self._asked_at = monotonic()

    def wait_until_ready(self, patience_s: float) -> None:
        """Return when its port, if it has one, answers.

        Raises `Broken` when it ends first, or takes too long.
        """
        until = monotonic() + patience_s
        while self._port is not None and not _answers(self._port):
            self.raise_if_lost(0.1)
            if monotonic() > until:
                raise Broken(
                    f"{self.name} does not answer on port {self._port} after {patience_s:.0f} s.",
                    hint=f"Read {self._log}.",
                )

    def raise_if_lost(self, wait_s: float) -> None:
        """Wait a little; raises `Broken` with the end of its log when the process has ended."""
        try:
            code = self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            return
        lines = self._log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        raise Broken(
            f"{self.name} has ended by itself (exit code {code}):\n  " + "\n  ".join(lines),
            hint=f"Read {self._log}.",
        )

    def restart_if_lost(self, wait_s: float) -> bool:
        """Wait a little; start the process again if it has ended, and say so.

        Raises `Broken`, as `raise_if_lost`, when it keeps ending.
        """
        quick = len(self._started) == _STARTS and monotonic() - self._started[0] < _SOON_S
        try:
            self.raise_if_lost(wait_s)
        except Broken:
            if quick:
                raise
            self._start()
            return True
        return False


def patience_left(asked_at: float, now: float) -> float:
    """For how many more seconds a child is waited for. They are counted from when it was asked, so
    that several that were asked together are not waited for one after the other."""
    return max(0.0, asked_at + _PATIENCE_S - now)


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Keep this home for one `livesync up`; raises `BadInput` when another one has it."""
    place = made(home) / "up.lock"
    with place.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(
                f"Another `livesync up` is at work in {home}.",
                hint="Stop that one first, or set LIVESYNC_HOME to another folder.",
                where=str(place),
            ) from error
        yield


def refuse_taken(port: int, what: str, variable: str) -> None:
    """Raises `BadInput` when something already listens on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise BadInput(
                f"Port {port}, meant for {what}, is taken by another program.",
                hint=f"Stop it (is LiveSync already up?), or set {variable} to a free port.",
                where=f"{LOOPBACK}:{port}",
            ) from error


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
