"""The processes that files are read in."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from livesync_pipelines.formats.extract import ExtractLimits, Extractor
from livesync_pipelines.model.errors import Broken, ItemFailure
from livesync_pipelines.model.records import Body, Extracted

from .conftest import body

SMALL = body("a,b\n1,2\n", "a.csv")
SLOW = body("<p>word <b>bold</b></p>" * 400_000, "slow.html")


def children() -> set[int]:
    """The readers that this process has started."""
    pids: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile
            pids |= set(map(int, (task / "children").read_text().split()))
    return {pid for pid in pids if b"formats.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def resident_bytes(pid: int) -> int:
    """A child that holds much is at work."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def own(extractor: Extractor, before: set[int]) -> int:
    """The pid of the one child of this extractor."""
    next(extractor.extract([SMALL]))
    (pid,) = children() - before
    return pid


def is_gone(pid: int) -> bool:
    """That a process ends within ten seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(handle, "rb", closefd=True):
        return bool(select.select([handle], [], [], 10)[0])


@pytest.fixture
def single() -> Iterator[Extractor]:
    with Extractor(workers=1) as extractor:
        yield extractor


def test_text_needs_no_child(single: Extractor) -> None:
    before = children()
    assert len(list(single.extract([body("# A", "a.md"), body("x = 1", "a.py")]))) == 2
    assert children() == before


def test_a_child_is_used_again_and_ends_with_its_extractor() -> None:
    before = children()
    with Extractor(workers=2) as extractor:
        assert len(list(extractor.extract([SMALL] * 50))) == 50
        started = children() - before
        assert 1 <= len(started) <= 2
    assert all(map(is_gone, started))


def test_a_child_killed_while_idle_costs_nothing(single: Extractor) -> None:
    pid = own(single, children())
    os.kill(pid, signal.SIGKILL)
    ((_, outcome),) = single.extract([SMALL])
    assert isinstance(outcome, Extracted)


@pytest.mark.parametrize(
    ("death", "code"), [(signal.SIGSEGV, "crashed"), (signal.SIGKILL, "out_of_memory")]
)
def test_a_child_that_dies_of_its_first_file_costs_that_file(
    single: Extractor, death: signal.Signals, code: str
) -> None:
    """A kill from outside is the kernel's way to say that memory is out."""
    before = children()
    outcomes: list[object] = []
    reading = threading.Thread(
        target=lambda: outcomes.extend(o for _, o in single.extract([SLOW, SMALL]))
    )
    reading.start()
    while not (working := [pid for pid in children() - before if resident_bytes(pid) > 80e6]):
        assert reading.is_alive()
    os.kill(working[0], death)
    reading.join()
    assert isinstance(outcomes[0], ItemFailure)
    assert outcomes[0].code == code
    assert isinstance(outcomes[1], Extracted)


def test_children_end_when_their_parent_is_killed() -> None:
    """Even while one of them works."""
    program = (
        "import os, sys\n"
        "from livesync_pipelines.formats.extract import Extractor\n"
        "from livesync_pipelines_tests.formats.test_children import SLOW, SMALL, children\n"
        "extractor = Extractor(workers=1)\n"
        "next(extractor.extract([SMALL]))\n"
        "print(*children(), flush=True)\n"
        "next(extractor.extract([SLOW]))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert is_gone(pid)


def test_a_child_inherits_no_sockets_and_no_secrets(
    single: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_PASSWORD", "hunter2")
    with socket.socket() as open_socket:
        open_socket.set_inheritable(True)
        pid = own(single, children())
        links = [os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    assert not [link for link in links if "socket" in link]
    assert b"hunter2" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_parsers_are_imported_in_children_only_and_dagster_in_neither() -> None:
    heavy = {"lxml", "selectolax", "pypdfium2", "python_calamine", "charset_normalizer"}
    assert not imported("livesync_pipelines.formats.extract") & (heavy | {"dagster"})
    assert not imported("livesync_pipelines.formats.worker") & (
        heavy | {"dagster", "pyarrow", "httpx", "pydantic"}
    )


def imported(module: str) -> set[str]:
    program = f"import {module}, sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return set(done.stdout.decode().split())


def test_many_threads_may_share_an_extractor(single: Extractor) -> None:
    outcomes: list[tuple[int, str]] = []

    def work(number: int) -> None:
        bodies = [body(f"n\n{number * 100 + i}", "a.csv") for i in range(20)]
        for _, outcome in single.extract(bodies):
            assert isinstance(outcome, Extracted)
            outcomes.append((number, outcome.text.split()[-2]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        wanted = [str(number * 100 + i) for i in range(20)]
        assert [word for of, word in outcomes if of == number] == wanted


def test_bodies_are_taken_as_they_are_needed(single: Extractor) -> None:
    """The source may be endless: it is asked for a few more than were handed out."""
    taken = 0

    def endless() -> Iterator[Body]:
        nonlocal taken
        while True:
            taken += 1
            yield SMALL if taken % 2 else body("# x", "a.md")

    outcomes = single.extract(endless())
    for _ in range(100):
        next(outcomes)
    assert taken <= 140


def test_an_extractor_whose_children_cannot_start_says_so() -> None:
    with (
        Extractor(ExtractLimits(memory_bytes=1_000_000), workers=1) as hopeless,
        pytest.raises(Broken, match="does not start"),
    ):
        next(hopeless.extract([SMALL]))


def test_a_closed_extractor_refuses(single: Extractor) -> None:
    single.close()
    with pytest.raises(RuntimeError):
        next(single.extract([SMALL]))
