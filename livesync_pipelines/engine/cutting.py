"""Texts are cut into chunks beside this process, while it reads the next ones."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import Any, Self

import orjson

import livesync_pipelines
from livesync_pipelines.core import corridor
from livesync_pipelines.model.records import Chunk, PlacedChunk, Record

Layout = tuple[PlacedChunk, ...]

WORTH_CHARS = 1_000_000
"""A process takes a fifth of a second to start, and cuts this much in a tenth of that time; but
what comes with so much comes with more."""
LENGTH = Struct("!Q")
_log = logging.getLogger(__name__)


class Cutter:
    """Cuts records into chunks: few of them here and now, many in a process of its own, that is
    started with the first of them. Should that be lost, all is cut here."""

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cutter")
        self._process: subprocess.Popen[bytes] | None = None
        self._lost = False
        self._cutting: Future[list[Layout]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._process is not None:
            self._process.communicate()

    def begin(self, records: Sequence[Record]) -> Callable[[], list[Layout]]:
        """Begin to cut; what is returned waits for the chunks of each record."""
        if self._lost or sum(len(record.text) for record in records) < WORTH_CHARS:
            return lambda: self._cut_here(records)
        self._cutting = self._thread.submit(self._cut_beside, records)
        return self._cutting.result

    @property
    def is_busy(self) -> bool:
        """Whether something is being cut beside this process."""
        return self._cutting is not None and not self._cutting.done()

    def _cut_here(self, records: Sequence[Record]) -> list[Layout]:
        return [corridor.place(record, scope=self._scope) for record in records]

    def _cut_beside(self, records: Sequence[Record]) -> list[Layout]:
        if self._lost:
            return self._cut_here(records)
        if self._process is None:
            self._process = _start()
        try:
            answer = _ask(self._process, [self._scope, [(r.item_id, r.text) for r in records]])
        except OSError as error:
            self._lost = True
            _log.warning("the process that cuts texts is lost (%s); they are cut here", error)
            return self._cut_here(records)
        return [_layout(r.text, told) for r, told in zip(records, answer, strict=True)]


def _layout(text: str, told: list[Any]) -> Layout:
    return tuple(
        [
            PlacedChunk(chunk_id, Chunk(header + text[start:end], start, end, tuple(path)))
            for chunk_id, header, start, end, path in told
        ]
    )


def _start() -> subprocess.Popen[bytes]:
    """A fresh interpreter, not a fork of a process with threads; it ends when its input does."""
    package = str(Path(livesync_pipelines.__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.cutter"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": package},
        start_new_session=True,
    )


def _ask(process: subprocess.Popen[bytes], question: Any) -> list[Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    said = orjson.dumps(question)
    process.stdin.write(LENGTH.pack(len(said)))
    process.stdin.write(said)
    process.stdin.flush()
    head = process.stdout.read(LENGTH.size)
    size = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else -1
    answer = process.stdout.read(size) if size >= 0 else b""
    if len(answer) != size:
        raise BrokenPipeError("it ended without an answer")
    told: list[Any] = orjson.loads(answer)
    return told
