"""What an answer means. Pure: status, headers and body in, one verdict out.

Broken
└── BadAnswer        this one answer can never be used; says nothing of other items
    ├── TooLarge     it is longer than the limit
    ├── Gone         what was asked for is not there, or not for this account to know of
    ├── Forbidden    it is there, and this account may not do that with it
    └── Conflict     it is not in the version that was expected; nothing was done
BadInput
└── Refused          the address is not one that we may call
Reauthorise
└── Unauthorised     the credentials are not (or no longer) taken: renewed ones may be
Unavailable
├── Unsent           the server was not reached: nothing was done
└── Unclear          it may have been done: look before it is asked for again
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from livesync_pipelines.model.errors import (
    BadInput,
    Broken,
    RateLimited,
    Reauthorise,
    Unavailable,
)

LONGEST_WAIT_S = 3_600.0
UNSAID_WAIT_S = 60.0
"""How long a 429 without a readable `Retry-After` is taken to mean."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
TRANSIENT = frozenset({408, 425})
REQUEST_IDS = (
    "x-request-id",
    "x-amz-request-id",
    "x-dropbox-request-id",
    "atl-traceid",
    "x-arequestid",
    "request-id",
    "x-correlation-id",
    "cf-ray",
)
"""Dropbox's as its SDK 12.2 reads it; Atlassian's as
https://support.atlassian.com/rovo/kb/identify-and-share-atl-traceid-with-atlassian-support-for-troubleshooting/
and, of the second, as others tell it (2026-11-22). Google names calls in no header that is known.
"""
_NAMED_WITHIN = "request_id"
"""Where Notion's and Box's errors name the call, as notion-client 3.1 and box-openapi say. It goes
before the headers, which are then those of what stands before the vendor."""

_SECONDS = re.compile(r"[+-]?\d{1,20}(\.\d{1,9})?")
_PRINTABLE = re.compile(r"[\w.:/+=-]{1,128}")


class BadAnswer(Broken):
    code = "bad_answer"


class TooLarge(BadAnswer):
    code = "too_large"


class Gone(BadAnswer):
    code = "gone"


class Forbidden(BadAnswer):
    code = "forbidden"


class Conflict(BadAnswer):
    code = "conflict"


class Refused(BadInput):
    code = "refused_address"


class Unauthorised(Reauthorise):
    """Has the code of what it is a kind of: the same comes next."""


class Unsent(Unavailable):
    """Has the code of what it is a kind of: the same comes next."""


class Unclear(Unavailable):
    code = "unclear"


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from either form of `Retry-After`; None when there is nothing to read.

    Times gone by and negative numbers mean now; nothing means more than an hour.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        wait_s = float(text)
    else:
        at = http_date(text)
        if at is None:
            return None
        wait_s = (at - now).total_seconds()
    return min(max(wait_s, 0.0), LONGEST_WAIT_S)


def http_date(text: str | None) -> datetime | None:
    """A date out of a header, in any of the forms that were ever in use; None for no date."""
    try:
        found = parsedate_to_datetime((text or "")[:64])
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def check(
    status: int, headers: Mapping[str, str], now: datetime, *, where: str, content: bytes = b""
) -> None:
    """Raise what a status means for the whole source: later (`Unavailable`, `RateLimited`).

    Everything else (2xx, 3xx, 4xx) is for the caller to judge.
    """
    said = f"{where} answered {status}{request_id(headers, content)}"
    wait_s = retry_after_s(headers.get("retry-after"), now)
    if status == 429 or (status == 503 and wait_s is not None):
        raise RateLimited(said, after_s=UNSAID_WAIT_S if wait_s is None else wait_s, where=where)
    if status >= 500 or status in TRANSIENT:
        raise Unavailable(said, where=where)


def request_id(headers: Mapping[str, str], content: bytes = b"") -> str:
    """The server's own name for the call, as ` (request abc)`; empty where it gave none. `content`
    is the body of a refusal, as far as it was read."""
    for value in (_named_within(content), *(headers.get(name, "") for name in REQUEST_IDS)):
        if _PRINTABLE.fullmatch(value):
            return f" (request {value})"
    return ""


def _named_within(content: bytes) -> str:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    named = said.get(_NAMED_WITHIN) if isinstance(said, dict) else None
    return named if isinstance(named, str) else ""
