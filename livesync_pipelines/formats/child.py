"""The parent's end of a child process: start it, ask it one thing in time, end it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import livesync_pipelines
from livesync_pipelines.model.errors import Broken

from .limits import ExtractLimits
from .wire import LENGTHS, head

_START_S = 60.0
_MAX_HEADER_BYTES = 1 << 24
_CHUNK = 1 << 18
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class ChildLostError(Exception):
    """The child gave no answer and is dead now; `code` and `reason` say what it died of."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Child:
    """One child process. `served` is how many files it has answered for; `retired` that it asked
    to be replaced. Not for two threads at once."""

    def __init__(self, limits: ExtractLimits) -> None:
        self.served = 0
        self.retired = False
        self._limits = limits
        self._errors = b""
        self._process = _start(limits)
        self._in, self._out, self._err = (
            _unblocked(self._process.stdin),
            _unblocked(self._process.stdout),
            _unblocked(self._process.stderr),
        )
        try:
            self._exchange([], _START_S)
        except ChildLostError as lost:
            raise Broken(
                "the process that reads files does not start",
                hint=f"{lost.reason} Are all dependencies installed?",
                where="formats",
            ) from lost

    def ask(self, header: Mapping[str, object], content: bytes) -> tuple[dict[str, Any], bytes]:
        """The answer to one job. A child that is lost has been killed when this raises."""
        parts = [memoryview(head(header, len(content))), memoryview(content)]
        answer, text = self._exchange(parts, self._limits.timeout_s)
        self.served += 1
        self.retired = bool(answer.get("retire"))
        return answer, text

    def kill(self) -> None:
        """End it now; safe to call twice, and from another thread to interrupt `ask`."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it and let go of its pipes; only by whoever holds it."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _exchange(self, parts: list[memoryview], timeout_s: float) -> tuple[dict[str, Any], bytes]:
        """Writes and reads at once, so that neither side can wait for the other for ever."""
        deadline = time.monotonic() + timeout_s
        poll = select.poll()
        poll.register(self._out, select.POLLIN)
        poll.register(self._err, select.POLLIN)
        if parts:
            poll.register(self._in, select.POLLOUT)
        received = bytearray()
        while not self._is_whole(received):
            left_s = deadline - time.monotonic()
            ready = poll.poll(left_s * 1000) if left_s > 0 else []
            if left_s <= 0:
                self._lose("timed_out", f"It could not be read in {timeout_s:g} s.")
            for fd, _ in ready:
                if fd == self._in:
                    if self._write(parts):
                        poll.unregister(fd)
                elif fd == self._out:
                    received += self._read_out()
                elif not self._read_err():
                    poll.unregister(fd)
        header_bytes, _ = LENGTHS.unpack_from(received)
        start = LENGTHS.size + header_bytes
        return json.loads(received[LENGTHS.size : start]), bytes(received[start:])

    def _is_whole(self, received: bytearray) -> bool:
        if len(received) < LENGTHS.size:
            return False
        header_bytes, text_bytes = LENGTHS.unpack_from(received)
        if header_bytes > _MAX_HEADER_BYTES or text_bytes > 4 * self._limits.max_chars:
            self._lose("crashed", "Its reader gave an answer that makes no sense.")
        whole: int = LENGTHS.size + header_bytes + text_bytes
        return len(received) >= whole

    def _write(self, parts: list[memoryview]) -> bool:
        """Writes what the pipe takes; true when all is written or nobody reads any more (then
        the other pipe ends too, and says so)."""
        try:
            written = os.write(self._in, parts[0][:_CHUNK])
        except BrokenPipeError:
            return True
        parts[0] = parts[0][written:]
        if not parts[0]:
            del parts[0]
        return not parts

    def _read_out(self) -> bytes:
        part = os.read(self._out, _CHUNK)
        if not part:
            self._lose(*self._cause())
        return part

    def _read_err(self) -> bytes:
        part = os.read(self._err, _CHUNK)
        self._errors = (self._errors + part)[-4_096:]
        return part

    def _cause(self) -> tuple[str, str]:
        status = self._process.wait()
        while select.select([self._err], [], [], 0)[0] and self._read_err():
            continue
        words = self._errors.lower()
        if -status == signal.SIGKILL or b"memory allocation" in words or b"bad_alloc" in words:
            return "out_of_memory", "It needs more memory than one file may have."
        name = signal.Signals(-status).name if status < 0 else f"status {status}"
        return "crashed", f"Its reader died of it ({name})."

    def _lose(self, code: str, reason: str) -> None:
        self.close()
        raise ChildLostError(code, reason)


def _start(limits: ExtractLimits) -> subprocess.Popen[bytes]:
    """A fresh interpreter: no fork of a process with threads, no inherited files or sockets, none
    of the parent's secrets in its environment, and no Ctrl-C of its own."""
    package = str(Path(livesync_pipelines.__file__).parent.parent)
    known = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(known)
    environment["MALLOC_ARENA_MAX"] = "2"
    return subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.worker", json.dumps(asdict(limits))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        close_fds=True,
        cwd="/",
        env=environment,
        start_new_session=True,
    )


def _unblocked(pipe: IO[bytes] | None) -> int:
    assert pipe is not None
    os.set_blocking(pipe.fileno(), False)
    return pipe.fileno()
