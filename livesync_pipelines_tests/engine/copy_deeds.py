"""What people do to files that are copied to another platform, and what befalls the runs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from livesync_pipelines.model.operation import Status
from livesync_pipelines.net.api import Api
from livesync_pipelines_tests.engine.copies import BACK, SYNC, Copies, Killed
from livesync_pipelines_tests.engine.house import wait_until_free
from livesync_pipelines_tests.sandbox.served import Sandbox


def edit_for(copies: Copies, method: str) -> None:
    """Of two files that are in step: what makes the next run call this method of the goal."""
    copies.put(a__txt="one", b__txt="two two")
    copies.run()
    if method == "put":
        copies.put(a__txt="two!")
        copies.origin.put("deep/c.txt", b"new")
    elif method == "move":
        copies.origin.put("deep/a.txt", b"one")
        copies.origin.remove("a.txt")
    else:
        copies.origin.remove("a.txt")


def edit_in_every_way(copies: Copies) -> None:
    """Of five files that are in step two are edited, one renamed, two removed; two are new."""
    for name in ("a.txt", "b.txt", "c.txt", "d.txt", "e.txt"):
        copies.origin.put(name, name.encode())
    copies.run()
    copies.put(a__txt="other words", b__txt="other words too")
    copies.origin.put("new/one.txt", b"1")
    copies.origin.put("newer/two.txt", b"2")
    copies.origin.put("moved/c.txt", copies.origin.get("c.txt"))
    for name in ("c.txt", "d.txt", "e.txt"):
        copies.origin.remove(name)


def run_until_success(copies: Copies, *, most: int) -> None:
    for _ in range(most):
        if copies.run().status is Status.SUCCESS:
            return


def run_that_may_die(copies: Copies) -> None:
    try:
        copies.run()
    except Killed:
        wait_until_free(copies.engine)


@contextmanager
def killed_after(monkeypatch: pytest.MonkeyPatch, kind: type, method: str) -> Iterator[None]:
    """The process ends whenever such a connector has done this, and before it could tell."""
    real = getattr(kind, method)

    def dies(self: object, *said: object, **more: object) -> None:
        real(self, *said, **more)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(kind, method, dies)
        yield


def two_faults(sandbox: Sandbox, chance: random.Random, calls: Sequence[str]) -> None:
    """At two of these calls, at once or later."""
    for match in chance.sample(calls, 2):
        kind = chance.choice(["429", "500", "503", "reset", "truncated"])
        sandbox.fault(match, kind, after=chance.randrange(3))


def assert_in_pieces(copies: Copies, sandbox: Sandbox, pieces: str, *, size: int) -> None:
    """A file goes on after a fault at its second piece. `pieces`: the calls that send them."""
    large = random.Random(1).randbytes(size)
    for kind in ("503", "reset", "truncated", "429"):
        copies.origin.put(f"{kind}.bin", large + kind.encode())
        sandbox.fault(pieces, kind, after=1)
        assert copies.run().status is Status.SUCCESS
    copies.origin.put("503.bin", large[::-1])
    assert copies.run().counts.updated == 1
    assert copies.equal()


def assert_no_echo(copies: Copies) -> None:
    """There and back between the same two places, by two syncs."""
    copies.configure_back()
    copies.put(a__txt="one", b__txt="one")
    copies.origin.put("Deep/C.txt", b"one")
    steps: list[tuple[str, dict[str, str], int]] = [
        (SYNC, {}, 3),
        (BACK, {}, 0),
        (SYNC, {"a__txt": "two!"}, 1),
        (BACK, {}, 0),
        (SYNC, {}, 0),
        (BACK, {}, 0),
    ]
    for name, edits, wrote in steps:
        copies.put(**edits)
        result = copies.run(name)
        assert (result.status, result.counts.synced_items) == (Status.SUCCESS, wrote)
    copies.target.put("b.txt", b"edited there")
    assert copies.run(BACK).counts.updated == 1
    assert copies.run().counts.synced_items == 0
    assert copies.equal()
    assert copies.conflicts(settled=True) == []


def changed_in_every_way(copies: Copies, *, new: str) -> None:
    """Files in step; then one is edited, one moved, one removed, one added in a folder, and one
    (`new`) beside them."""
    for name in ("a.txt", "b.txt", "moved.txt"):
        copies.origin.put(name, name.encode())
    copies.run()
    copies.origin.put("x/moved.txt", copies.origin.get("moved.txt"))
    copies.origin.put("x/y/new.txt", b"new")
    copies.origin.put("a.txt", b"other words")
    copies.origin.put(new, b"newer")
    for name in ("b.txt", "moved.txt"):
        copies.origin.remove(name)


def assert_a_crash_does_no_harm(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, *, call: int, sent: bool
) -> None:
    """The process dies at this call of those that change something, before it is sent or after;
    the next run brings both ends in step, with nothing twice and nobody asked."""
    real, left = Api.call, [call]

    def dies(self: Api, method: str, *said: Any, **more: Any) -> Any:
        left[0] -= method != "GET"
        dead = left[0] < 0 and method != "GET"
        answer = None if dead and not sent else real(self, method, *said, **more)
        if dead:
            raise Killed
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Api, "call", dies)
        run_that_may_die(copies)
    result = copies.run()
    assert (result.status, copies.conflicts(settled=True)) == (Status.SUCCESS, [])
    assert copies.equal()
