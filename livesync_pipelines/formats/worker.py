"""The child: `python -m livesync_pipelines.formats.worker '{"memory_bytes": ...}'`.

It reads jobs from standard input and answers on what was standard output. It ends when its input
does, so it cannot outlive its parent; if a library then still holds the interpreter, an alarm that
is set before each job ends it. (PR_SET_PDEATHSIG would end it with the *thread* that started it.)
"""

from __future__ import annotations

import gc
import json
import os
import queue
import resource
import signal
import sys
import threading
from dataclasses import fields
from importlib import import_module
from typing import Any, BinaryIO

from .limits import ExtractLimits, Job, Reading, Unreadable, too_many_chars
from .wire import LENGTHS, head

_MODULES = {
    "csv": "delimited",
    "tsv": "delimited",
    "json": "notation",
    "jsonl": "notation",
    "html": "html",
    "rst": "restructured",
    "mail": "mail",
    "pdf": "pdf",
    "zip": "packages",
    "ole": "ole",
}
_MAX_DEPTH = 5_000
_TOO_MUCH = "It needs more memory than one file may have."


def read(job: Job) -> Reading:
    """One file, by the reader of its family; whatever a library raises becomes `Unreadable`."""
    module = import_module(f"{__package__}.{_MODULES.get(job.family, 'plain')}")
    try:
        reading: Reading = module.read(job)
    except Unreadable:
        raise
    except MemoryError as error:
        raise Unreadable("out_of_memory", _TOO_MUCH) from error
    except RecursionError as error:
        raise Unreadable("malformed", "It is nested too deeply.") from error
    except Exception as error:  # any parser may raise anything on hostile bytes
        if "memory" in str(error).lower():
            raise Unreadable("out_of_memory", _TOO_MUCH) from error
        kind = type(error).__name__
        raise Unreadable("malformed", f"It is broken or truncated ({kind}).") from error
    if len(reading.text) > job.limits.max_chars:
        raise too_many_chars(job.limits)
    return reading


def main() -> None:
    limits = ExtractLimits(**json.loads(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a library that prints must not garble the answers
    _confine(limits)
    jobs: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(jobs,), daemon=True).start()
    _send(answers, head({"ready": True}, 0))
    while True:
        header, content = jobs.get()
        signal.setitimer(signal.ITIMER_REAL, limits.timeout_s + 5)
        answer, text = _answer(Job(content=content, limits=limits, **header))
        del content
        answer["retire"] = _is_worn(limits)
        _send(answers, head(answer, len(text)), text)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(job: Job) -> tuple[dict[str, Any], bytes]:
    try:
        reading = read(job)
        text = _storable(reading.text)
    except Unreadable as wrong:
        return {"code": wrong.code, "reason": wrong.reason}, b""
    answer = {f.name: getattr(reading, f.name) for f in fields(reading) if f.name != "text"}
    answer["attributes"] = {
        key: _storable(value).decode() for key, value in reading.attributes.items() if value
    }
    answer["title"] = _storable(reading.title or "").decode() or None
    return answer, text


def _storable(text: str) -> bytes:
    """No NUL (Postgres takes none) and no lone surrogates (UTF-8 has none)."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text.encode("utf-8", "replace")


def _confine(limits: ExtractLimits) -> None:
    """No core dump, no file written, and no more address space than allowed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    sys.setrecursionlimit(_MAX_DEPTH)
    gc.disable()  # trees of elements have no cycles; a child that grows is replaced


def _is_worn(limits: ExtractLimits) -> bool:
    """That a fresh child should take the next file: this one still holds much of its memory."""
    if not sys.platform.startswith("linux"):
        return False
    with open("/proc/self/statm", "rb") as statm:
        resident = int(statm.read().split()[1]) * resource.getpagesize()
    return resident > limits.memory_bytes / 3


def _receive(jobs: queue.SimpleQueue[tuple[dict[str, Any], bytes]]) -> None:
    source = os.fdopen(0, "rb", buffering=0)
    try:
        while True:
            header_bytes, content_bytes = LENGTHS.unpack(_exactly(source, LENGTHS.size))
            header = json.loads(_exactly(source, header_bytes))
            jobs.put((header, _exactly(source, content_bytes)))
    except MemoryError:
        os.write(2, b"memory allocation failed: the file itself does not fit")
        os._exit(1)


def _exactly(source: BinaryIO, count: int) -> bytes:
    """The next `count` bytes; at the end of the input the process ends."""
    parts: list[bytes] = []
    while count:
        part = source.read(min(count, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _send(answers: BinaryIO, *parts: bytes) -> None:
    for part in parts:
        view = memoryview(part)
        while view:
            view = view[answers.write(view) :]


if __name__ == "__main__":
    main()
