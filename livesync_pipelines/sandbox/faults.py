"""Faults on demand: what the next calls that fit a pattern get instead of their answer."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

FaultKind = Literal["429", "403", "500", "503", "expired_token", "reset", "truncated", "slow"]
"""`429`, `403`, `500`, `503` and `expired_token` are answered in the vendor's own shape; 403 is
that of a rate limit. `reset` ends the connection without an answer; `truncated` announces the whole
body and sends half of it; `slow` waits and then answers."""

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


@dataclass(slots=True, kw_only=True)
class Fault:
    """`match` is `METHOD /path` with `*` for anything; `after` calls that fit pass before the first
    of the `times` that do not; `retry_after_s` becomes a Retry-After header."""

    match: str
    kind: FaultKind
    times: int = 1
    after: int = 0
    retry_after_s: int | None = None
    delay_s: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        if self.times < 1 or self.after < 0:
            raise ValueError("times is 1 or more, and after is 0 or more")


class Faults:
    """The faults that are still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def waiting(self) -> tuple[Fault, ...]:
        return tuple(self._waiting)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault of this call, if it has one; it is used up by that."""
        for fault in self._waiting:
            if not fnmatchcase(f"{method} {path}", fault.match):
                continue
            if fault.after:
                fault.after -= 1
                continue
            fault.times -= 1
            if not fault.times:
                self._waiting.remove(fault)
            return fault
        return None
