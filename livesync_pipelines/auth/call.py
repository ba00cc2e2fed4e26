"""A request as it came in, what proves it, and what it then tells."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ALWAYS = timedelta.max
"""The window of a scheme without a clock."""

FIVE_MINUTES = timedelta(minutes=5)
"""What Standard Webhooks tolerates, either way (https://www.standardwebhooks.com, 2026-11-22)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`url` is absolute, as the sender was told it; the names of `headers` are in lower case and
    their values decoded as Latin-1; `at` is when it came in."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime

    def header(self, name: str) -> str:
        """The value, empty where there is none."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a call says once its proof holds.

    - `delivery`: the sender's name for it, the same when it is sent again. None where the sender
      has none and two changes can look the same: then every call counts as a new one.
    - `hints`: what may have changed, in the sender's words, never more than `told.HINTS`.
    - `test`: there is nothing behind it; it is answered and not noted.
    - `confirm`: an address that is to be called once for more to come.
    """

    delivery: str | None
    hints: tuple[str, ...] = ()
    test: bool = False
    confirm: str | None = None


def _unclocked(_: Call) -> datetime | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One way to sign.

    - `key`: from what a user writes to the bytes that sign; raises ValueError where it is none.
    - `how`: what a user is to write, for the message when he wrote something else.
    - `proves`: whether the call was signed with these bytes. It looks at nothing else.
    - `stamp`: when the sender says that he sent it; None where it cannot be read.
    - `window`: a stamp that is older is refused.
    - `ahead`: and so is one that is further ahead of our clock.
    - `tells`: what it says, asked only once it is proved.
    - `keyed_by`: what stands in for a secret in the configuration: `secret` or `topic`.
    - `asks`: what a proof has to wait for, where that is done over the network; None: nothing.
    - `sends_secret`: the platform makes the secret and sends it in its first call.
    - `subscription`: which of our subscriptions a call is of, by its name (empty: of none, which
      only the proof can forbid); None: calls are of none.
    - `secret_of`: the secret of one subscription, from a key and the subscription's name.
    """

    name: str
    title: str
    how: str
    key: Callable[[str], bytes]
    proves: Callable[[Call, bytes], bool]
    tells: Callable[[Call], Told]
    stamp: Callable[[Call], datetime | None] = _unclocked
    window: timedelta = ALWAYS
    ahead: timedelta = FIVE_MINUTES
    keyed_by: str = "secret"
    asks: Callable[[Call, bytes], Future[Any] | None] | None = None
    sends_secret: bool = False
    subscription: Callable[[Call], str] | None = None
    secret_of: Callable[[bytes, str], str] | None = None
    docs: tuple[str, ...] = ()


def verify(scheme: Scheme, call: Call, keys: tuple[bytes, ...]) -> Told | None:
    """What the call tells; None where no key proves it, or it is not from now."""
    proofs = [scheme.proves(call, key) for key in keys]
    in_time = _in_time(scheme, call)
    return scheme.tells(call) if any(proofs) and in_time else None


def _in_time(scheme: Scheme, call: Call) -> bool:
    if scheme.window == ALWAYS:
        return True
    stamp = scheme.stamp(call)
    return stamp is not None and -scheme.ahead <= call.at - stamp <= scheme.window


def same(said: str, expected: str) -> bool:
    """In constant time; what is no ASCII is never the same."""
    return hmac.compare_digest(said.encode(), expected.encode())


def any_of(*answers: bool) -> bool:
    """Whether one is true, all of them having been worked out."""
    return any(answers)
