"""One call as it is made at every try, and whether another try may be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from tenacity import RetryCallState, wait_random_exponential

from livesync_pipelines.model.errors import LiveSyncError, OverBudget, RateLimited, Unavailable

from .judging import Judge, by_status
from .pace import PATIENCE_S
from .url import call_name, callable_url, with_userinfo
from .verdict import Unclear, Unsent

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PRECONDITIONS = ("if-match", "if-none-match", "if-unmodified-since")
KEYS = ("idempotency-key", "x-idempotency-key")
"""Headers by which a server knows a call that it has carried out already."""

_BACKOFF = wait_random_exponential(multiplier=0.5, max=8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which a call of an API is made.

    - `judge`: what its vendor means by a refusal.
    - `max_bytes`: of the decoded body; None: as many as the client allows.
    - `repeats`: made twice it does no more than made once; None: as its method and headers say.
    """

    judge: Judge = by_status
    max_bytes: int | None = None
    repeats: bool | None = None


PLAIN = Terms()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ask:
    """What one hop asks for, and what it is called in messages. `judge` None: any status below
    500 but 408, 425 and 429 is an answer."""

    method: str
    url: httpx.URL
    headers: httpx.Headers
    where: str
    content: bytes | None = None
    judge: Judge | None = None
    repeats: bool = True

    @property
    def changes(self) -> bool:
        return self.method not in SAFE


def asked(
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    content: bytes | None = None,
    terms: Terms | None = None,
) -> Ask:
    """Raises `BadInput` (`Refused`) for a URL that may not be called."""
    here = callable_url(url)
    carried = with_userinfo(httpx.URL(url), httpx.Headers(headers))
    return Ask(
        method=method,
        url=here,
        headers=carried,
        where=call_name(here, method),
        content=content,
        judge=terms.judge if terms else None,
        repeats=_repeats(method, carried, terms.repeats if terms else None),
    )


def _repeats(method: str, headers: httpx.Headers, said: bool | None) -> bool:
    """Whether a call that may have been carried out may be made again."""
    if said is not None:
        return said
    if method in SAFE or method == "DELETE" or any(key in headers for key in KEYS):
        return True
    return method == "PUT" and any(name in headers for name in PRECONDITIONS)


def may_help(ask: Ask, error: BaseException) -> bool:
    """Whether the same call may work when it is made again, and may be."""
    if not isinstance(error, Unavailable) or isinstance(error, (OverBudget, Unclear)):
        return False
    return ask.repeats or is_undone(error)


def is_undone(error: BaseException) -> bool:
    """Whether the server has certainly not done what it was asked for."""
    return isinstance(error, (RateLimited, Unsent))


def is_too_long(state: RetryCallState) -> bool:
    """Whether the wait before the next try is longer than anybody waits in place."""
    return state.upcoming_sleep > PATIENCE_S


def pause_s(state: RetryCallState) -> float:
    """Before the next try: what the server asked for, and full jitter."""
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.after_s if isinstance(error, RateLimited) else 0.0
    return asked_s + _BACKOFF(state)


def unclear(ask: Ask, error: LiveSyncError) -> Unclear:
    """What is raised where the server may have done it."""
    return Unclear(
        f"{error.message}; whether it was carried out is not known",
        hint="Nothing to do: it is looked at before it is asked for again.",
        where=ask.where,
    )
