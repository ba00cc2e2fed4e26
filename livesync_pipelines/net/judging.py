"""What a refusal (400 and above) means: first the vendor is heard, then HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livesync_pipelines.model.errors import LiveSyncError, RateLimited

from .verdict import (
    TRANSIENT,
    UNSAID_WAIT_S,
    BadAnswer,
    Conflict,
    Forbidden,
    Gone,
    Unauthorised,
    request_id,
    retry_after_s,
)

_WORD = re.compile(r"[\w.:/-]{1,64}")
_RECONNECT = "Connect the account again: `livesync connect PLATFORM --account NAME`."
_MEANINGS: Mapping[int, type[BadAnswer]] = {
    403: Forbidden,
    404: Gone,
    410: Gone,
    409: Conflict,
    412: Conflict,
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Refusal:
    """What a server said instead of doing it. `content` is the start of its body, decoded, and
    for judging: it may quote what was sent, so a message quotes no more of it than one sentence of
    the vendor's on what a person has to mend."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    where: str
    at: datetime

    def json(self) -> Any:
        """The body; None where it is no JSON."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    def word(self, *path: str | int) -> str:
        """What the body says at this path of names and places; empty where it says nothing there,
        or something that is neither a text nor a whole number."""
        at = self.json()
        for step in path:
            if isinstance(at, dict):
                at = at.get(step)
            elif isinstance(at, list) and isinstance(step, int):
                at = next(iter(at[step:]), None)
            else:
                return ""
        return str(at) if isinstance(at, (str, int)) else ""

    def said(self, word: str = "") -> str:
        """One sentence: the call, the status, the vendor's own word for the error where it is a
        word, and its name of the request."""
        shown = f" {word}" if _WORD.fullmatch(word) else ""
        named = request_id(self.headers, self.content)
        return f"{self.where} answered {self.status}{shown}{named}"

    def limited(self, word: str = "") -> RateLimited:
        """It means *wait*, for as long as it says, whatever its status."""
        wait_s = retry_after_s(self.headers.get("retry-after"), self.at)
        return RateLimited(
            self.said(word), after_s=UNSAID_WAIT_S if wait_s is None else wait_s, where=self.where
        )


Judge = Callable[[Refusal], LiveSyncError | None]
"""What a vendor means by a refusal; None: what HTTP says of the status."""


def by_status(refusal: Refusal) -> LiveSyncError | None:
    """What HTTP says; None for what concerns the whole server (429, 5xx), which `verdict.check`
    knows."""
    if refusal.status >= 500 or refusal.status == 429 or refusal.status in TRANSIENT:
        return None
    if refusal.status == 401:
        return Unauthorised(refusal.said(), hint=_RECONNECT, where=refusal.where)
    kind = _MEANINGS.get(refusal.status, BadAnswer)
    return kind(refusal.said(), where=refusal.where)


def judged_by(vendor: Judge) -> Judge:
    """The vendor's word, and where it says nothing the word of HTTP."""
    return lambda refusal: vendor(refusal) or by_status(refusal)
