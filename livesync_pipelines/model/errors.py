"""Errors are named for what comes next.

    LiveSyncError
    ├── BadInput            the caller mends the request            exit 2, HTTP 400
    │   └── NotFound        the caller names something that is there  exit 2, HTTP 404
    ├── NeedsPerson         a person decides                        exit 3, HTTP 409
    │   └── Drifted         an end has other columns: the sync pauses
    ├── Unavailable         the same call may work later: retry
    │   └── RateLimited     it will work after `after_s` seconds
    │       └── OverBudget  it was not made: our own budget says wait; no item is to blame
    ├── Reauthorise         the owner reconnects the account        exit 1, HTTP 409
    ├── CursorExpired       list again, nothing is lost
    └── Broken              somebody mends code, set-up or source   exit 1, HTTP 500

What is wrong with one item is no exception: it is an `ItemFailure`, a value in the stream, and
the page goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

_ENDS = (".", "!", "?", ":")


class LiveSyncError(Exception):
    """Carries what a person needs at night: what happened, what to do, and where.

    `message` and `hint` never hold a secret, a body or a query string.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def as_dict(self) -> dict[str, str]:
        """The `error` object of the contract with callers: code, message, hint, where."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "where": self.where,
        }


def in_a_line(error: Mapping[str, str]) -> str:
    """An error document for a person: what it is, and what to do."""
    return in_a_row(error["message"], error.get("hint", ""))


def in_a_row(text: str, more: str) -> str:
    """Two texts for a person, each a sentence or several."""
    return f"{text}{'' if text.endswith(_ENDS) else '.'} {more}" if more else text


class BadInput(LiveSyncError):
    code = "bad_input"
    exit_code = 2


class NotFound(BadInput):
    code = "not_found"


class NeedsPerson(LiveSyncError):
    code = "needs_person"
    exit_code = 3


class Drifted(NeedsPerson):
    code = "drifted"


class Unavailable(LiveSyncError):
    code = "unavailable"


class RateLimited(Unavailable):
    code = "rate_limited"

    def __init__(self, message: str, *, after_s: float, hint: str = "", where: str = "") -> None:
        super().__init__(message, hint=hint, where=where)
        self.after_s = after_s


class OverBudget(RateLimited):
    code = "over_budget"


class Reauthorise(LiveSyncError):
    code = "reauthorise"


class CursorExpired(LiveSyncError):
    code = "cursor_expired"


class Broken(LiveSyncError):
    code = "broken"


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """One item that could not be read; its last good version stays as it is.

    `code` is one short word a program can act on (`unreadable`, `too_large`, `encrypted`,
    `timed_out`, `half_written`, ...); `reason` is one sentence for a person.
    """

    key: str
    code: str
    reason: str
