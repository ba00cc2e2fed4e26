"""How Google's APIs are called: with which login, at which address, and what their refusals mean.

https://developers.google.com/workspace/drive/api/guides/handle-errors, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import Broken, LiveSyncError, RateLimited, Reauthorise
from livesync_pipelines.model.spec import OAuth
from livesync_pipelines.net.api import Api, Params, paged
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.verdict import BadAnswer, Forbidden, retry_after_s

GOOGLE = "https://www.googleapis.com"
DOCS = "https://docs.google.com"
"""Where the links lead by which native documents of any size are exported."""
SCOPE = f"{GOOGLE}/auth/"
_LOGIN = "https://oauth2.googleapis.com"
PAUSE_S = 1.0
"""What a refusal for haste is taken to mean that names no time; the client adds its own backoff."""

_FIRST = ("error", "errors", 0)
"""Where the first of the errors is that an answer names."""

_HASTE = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "sharingRateLimitExceeded", "quotaExceeded"}
)
_TOKENS = frozenset({"pageToken", "syncToken"})
_EXPIRED = frozenset({"fullSyncRequired", "updatedMinTooLongAgo"})


class BadToken(BadAnswer):
    """The token of a page or of a place in a feed is not known, or not any more."""

    code = "bad_token"


class TooLargeToExport(Forbidden):
    """A native document of more than ten megabytes in the format that it is wanted in, which no
    link of Google's leads to either."""

    code = "too_large_to_export"


class Abusive(Forbidden):
    """Google takes the file for malware or spam."""

    code = "abusive"


_KINDS: Mapping[str, type[BadAnswer]] = {
    "exportSizeLimitExceeded": TooLargeToExport,
    "cannotDownloadAbusiveFile": Abusive,
    "insufficientFilePermissions": Forbidden,
    "insufficientParentPermissions": Forbidden,
}


def google_oauth(*scopes: str, writes: tuple[str, ...] = ()) -> OAuth:
    """How accounts of a Google API are connected; the scopes are named without their common part.
    One that lets write lets read as well.

    `access_type=offline` asks for a refresh token, `prompt=consent` for a new one each time.
    """
    reads = tuple(f"{SCOPE}{scope}" for scope in scopes)
    return OAuth(
        client="GOOGLE",
        authorize="https://accounts.google.com/o/oauth2/v2/auth",
        token=f"{_LOGIN}/token",
        revoke=f"{_LOGIN}/revoke",
        scopes=(*reads, "openid", f"{SCOPE}userinfo.email"),
        writes=tuple(f"{SCOPE}{scope}" for scope in writes),
        reads=reads,
        extra=(("access_type", "offline"), ("prompt", "consent")),
        whoami=f"{GOOGLE}/oauth2/v3/userinfo",
        who=("email",),
    )


def judge(refusal: Refusal) -> LiveSyncError | None:
    """What Google means where it says more than the status does."""
    reason, where = refusal.word(*_FIRST, "reason"), refusal.where
    if refusal.status == 429 or (refusal.status == 403 and reason in _HASTE):
        wait_s = retry_after_s(refusal.headers.get("retry-after"), refusal.at)
        after_s = PAUSE_S if wait_s is None else wait_s
        return RateLimited(refusal.said(reason), after_s=after_s, where=where)
    if refusal.status == 403 and reason == "insufficientPermissions":
        return Reauthorise(
            f"{refusal.said(reason)}: the account has not granted enough",
            hint="Connect it again, and allow all that is asked for (`livesync accounts`); to "
            "write, with --write.",
            where=where,
        )
    if refusal.status == 403 and reason == "accessNotConfigured":
        return Broken(
            refusal.said(reason),
            hint="Enable the API in the Google Cloud project of the client.",
            where=where,
        )
    of_token = refusal.word(*_FIRST, "location") in _TOKENS or reason in _EXPIRED
    if refusal.status in {400, 404, 410} and of_token:
        return BadToken(refusal.said(reason), where=where)
    if refusal.status == 403 and reason == "storageQuotaExceeded":
        return Broken(refusal.said(reason), hint="The Drive is full: make room.", where=where)
    kind = _KINDS.get(reason)
    return kind(refusal.said(reason), where=where) if kind else None


def api_of(client: Client, limits: FetchLimits, path: str) -> Api:
    """One of Google's APIs, as the account of these limits is served there."""
    return Api(client, f"{limits.api_url or GOOGLE}/{path}", limits.account, judge)


def pages(
    api: Api, path: str, asked: Params, token: str | None = None
) -> Iterator[Mapping[str, Any]]:
    """What a method that lists answers, from the first page or from that of a token on."""

    def page(at: str | None) -> Mapping[str, Any]:
        found: Mapping[str, Any] = api.get(path, {**asked, **({"pageToken": at} if at else {})})
        return found

    return paged(page, lambda shown: shown.get("nextPageToken"), token)
