"""What the client takes from the machine, in one place, so that a test can hand in its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


def system_addresses(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says of a name, in its order of preference, each once.

    Raises `OSError` (`socket.gaierror`).
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Clocks, sleep and name resolution. `monotonic` is in seconds."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = utc_now
    resolve: Callable[[str, int], Sequence[str]] = system_addresses
