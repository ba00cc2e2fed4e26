"""What comes after a failure: try again, wait, give up for now, or ask a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from livesync_pipelines.model.errors import (
    BadInput,
    Drifted,
    NeedsPerson,
    RateLimited,
    Reauthorise,
    Unavailable,
)

TRIES = 3
"""So often an operation or an item is tried before it is left to its schedule, or to a person."""

FIRST_WAIT_S, LONGEST_WAIT_S, GROWTH = 60.0, 86_400.0, 4.0

SETTLED = frozenset({"encrypted", "malformed", "unsupported", "too_large", "bad_name", "empty"})
"""Item failures that the same version would only repeat: such an item is not read again."""


_FIRST_ITEM_WAIT_S = 900.0


@dataclass(frozen=True, slots=True)
class Next:
    """What follows a failed operation.

    - `wait_s`: how long the source is left alone at least, in seconds.
    - `again`: it is queued once more for then, whatever its schedule.
    - `pause`: it rests until a person has mended something; why, as `reauthorise`, `drift` or
      `failures`.
    """

    wait_s: float = 0.0
    again: bool = False
    pause: str | None = None


def after(error: Exception, *, failures: int, key: str) -> Next:
    """What follows this error, the `failures`-th in a row (from 1) of the sync named `key`."""
    match error:
        case RateLimited(after_s=after_s):
            return Next(min(max(after_s, FIRST_WAIT_S), LONGEST_WAIT_S), again=True)
        case Reauthorise() | Drifted():
            return Next(pause="drift" if isinstance(error, Drifted) else "reauthorise")
        case BadInput() | NeedsPerson():
            return Next(backoff_s(failures, key))
        case Unavailable():
            return Next(backoff_s(failures, key), again=failures < TRIES)
        case _ if failures < TRIES:
            return Next(backoff_s(failures, key), again=True)
    return Next(pause="failures")


def resuming(sync_id: str, hint: str) -> str:
    """What a person does about a sync that rests: mends what the `hint` says, if it says anything,
    and lets it go on."""
    command = f"`livesync sync resume {sync_id}`"
    if command in hint:
        return hint
    return (
        f"{hint.rstrip('. ')}. Then resume it with {command}."
        if hint
        else (f"Resume it with {command}.")
    )


def cancelled(sync_id: str, schedule: str, *, begun: bool) -> dict[str, str]:
    """What a person is told of a run that somebody cancelled, as the document of an error. It is
    left alone until its next trigger."""
    message = "The run was cancelled before it began: it has not looked for what has changed."
    if begun:
        message = (
            "The run was cancelled. What it had written until then stays; it has not looked at the "
            "rest of what has changed."
        )
    again = f"Run it again with `livesync sync run {sync_id}`"
    by_itself = (
        "."
        if schedule == "manual"
        else ("; by itself it runs at the next change that is told, or when its schedule says.")
    )
    return {"code": "cancelled", "message": message, "hint": again + by_itself, "where": ""}


def backoff_s(failures: int, key: str) -> float:
    """A minute, four, sixteen ...: at most a day, each a little earlier, for each `key` another."""
    full = _grown(FIRST_WAIT_S, failures)
    drawn = int.from_bytes(blake2b(f"{key} {failures}".encode(), digest_size=4).digest())
    return full * (0.75 + 0.25 * drawn / 2**32)


def item_retry_at(code: str, *, tries: int, now: datetime) -> datetime | None:
    """When an item that has failed so often is read again; None: not before it has changed."""
    if code in SETTLED:
        return None
    return now + timedelta(seconds=_grown(_FIRST_ITEM_WAIT_S, tries))


def _grown(first_s: float, times: int) -> float:
    steps = min(times - 1, 10)  # a day is reached long before
    return min(first_s * GROWTH**steps, LONGEST_WAIT_S)
