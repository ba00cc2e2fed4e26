"""How Dropbox is called: with which login, at which address, and what its refusals mean.

https://www.dropbox.com/developers/documentation/http/documentation,
https://www.dropbox.com/developers/reference/content-hash and
https://dropbox.tech/developers/using-oauth-2-0-with-offline-access, as others tell it (2026-11-22).
"""

from __future__ import annotations

from hashlib import sha256

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import CursorExpired, LiveSyncError, Reauthorise
from livesync_pipelines.model.spec import OAuth
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.verdict import Forbidden, Gone

DROPBOX = "https://api.dropboxapi.com"
_CONTENT = "https://content.dropboxapi.com"
_NOTIFY = "https://notify.dropboxapi.com"
_BLOCK_BYTES = 4 * 1024 * 1024
_ANSWER_BYTES = 50_000_000
"""Of JSON: a page of a thousand files. What a file may have is said when it is downloaded."""

OAUTH = OAuth(
    client="DROPBOX",
    authorize="https://www.dropbox.com/oauth2/authorize",
    token=f"{DROPBOX}/oauth2/token",
    scopes=("account_info.read", "files.metadata.read", "files.content.read"),
    extra=(("token_access_type", "offline"),),
    whoami=f"{DROPBOX}/2/users/get_current_account",
    whoami_method="POST",
    who=("email",),
)


def client_for(limits: FetchLimits) -> Client:
    return Client(
        allow_private=limits.allow_private,
        timeout_s=limits.timeout_s,
        max_bytes=_ANSWER_BYTES,
        pacer=limits.pacer,
    )


def calls_at(limits: FetchLimits) -> str:
    """Where all is asked but what follows."""
    return f"{limits.api_url or DROPBOX}/2"


def content_at(limits: FetchLimits) -> str:
    """Where bytes are asked for."""
    return f"{limits.api_url or _CONTENT}/2"


def notices_at(limits: FetchLimits) -> str:
    """Where it is waited for a change."""
    return f"{limits.api_url or _NOTIFY}/2"


def judge(refusal: Refusal) -> LiveSyncError | None:
    """What Dropbox means by the summary of an error, `path/not_found/..` for one."""
    said = refusal.json()
    summary = str(said.get("error_summary", "")) if isinstance(said, dict) else ""
    word = "/".join(summary.split("/")[:2]).rstrip("/.")
    if refusal.status == 409 and word.startswith("reset"):
        return CursorExpired(refusal.said("reset"), where=refusal.where)
    if refusal.status == 409:
        kind = Gone if "not_found" in word else Forbidden
        return kind(refusal.said(word), where=refusal.where)
    if refusal.status == 401 and word.startswith("missing_scope"):
        return Reauthorise(
            f"{refusal.said('missing_scope')}: the account has not granted enough",
            hint="Connect it again, and allow all that is asked for: `livesync accounts`.",
            where=refusal.where,
        )
    return None


def content_hash(content: bytes) -> str:
    """The SHA-256 of the SHA-256 of each four mebibytes, in hex."""
    view = memoryview(content)
    blocks = (view[at : at + _BLOCK_BYTES] for at in range(0, len(content), _BLOCK_BYTES))
    return sha256(b"".join(sha256(block).digest() for block in blocks)).hexdigest()
