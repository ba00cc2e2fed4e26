"""Who called what, and what it got: without tokens, codes, secrets or bodies."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, urlencode

_KEPT = 100_000
_SHOWN = frozenset(
    ("alt", "corpora", "driveId", "mimeType", "orderBy", "pageSize", "pageToken", "q", "uploadType")
)
"""The parameters that are noted; every other one might be a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`status` is None where the connection was cut; `fault` is what was played on it."""

    at: datetime
    method: str
    path: str
    query: str
    status: int | None
    person: str | None
    fault: str | None


class Calls:
    """The last hundred thousand of them."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=_KEPT)

    def note(self, call: Call) -> None:
        self._calls.append(call)

    def clear(self) -> None:
        self._calls.clear()

    def matching(self, pattern: str) -> list[Call]:
        """Those whose `METHOD /path` fits the pattern, oldest first."""
        return [call for call in self._calls if fnmatchcase(f"{call.method} {call.path}", pattern)]


def without_secrets(query: str) -> str:
    """The parameters of a query that may be shown, as a query."""
    return urlencode([(name, value) for name, value in parse_qsl(query) if name in _SHOWN])
