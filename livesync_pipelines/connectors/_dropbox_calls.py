"""How Dropbox is called: with which login, at which address, and what its refusals mean.

https://www.dropbox.com/developers/documentation/http/documentation,
https://www.dropbox.com/developers/reference/content-hash and
https://dropbox.tech/developers/using-oauth-2-0-with-offline-access, as others tell it (2026-11-22).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from typing import IO, Any

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import (
    CursorExpired,
    LiveSyncError,
    RateLimited,
    Reauthorise,
    Unavailable,
)
from livesync_pipelines.model.spec import OAuth
from livesync_pipelines.net.api import Api
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.judging import Judge, Refusal
from livesync_pipelines.net.verdict import BadAnswer, Conflict, Forbidden, Gone

DROPBOX = "https://api.dropboxapi.com"
_CONTENT = "https://content.dropboxapi.com"
_NOTIFY = "https://notify.dropboxapi.com"
_BLOCK_BYTES = 4 * 1024 * 1024
_CROWDED_S = 1.0
"""How long it is waited where others write to the same Dropbox at the same moment."""

OAUTH = OAuth(
    client="DROPBOX",
    authorize="https://www.dropbox.com/oauth2/authorize",
    token=f"{DROPBOX}/oauth2/token",
    scopes=("account_info.read", "files.metadata.read", "files.content.read"),
    writes=("files.content.write",),
    extra=(("token_access_type", "offline"),),
    whoami=f"{DROPBOX}/2/users/get_current_account",
    whoami_method="POST",
    who=("email",),
)


_LATER = {
    "lookup_failed": "Nothing to do: it is sent again with the next run.",
    "insufficient_space": "The Dropbox is full: make room there.",
}
_REFUSALS = {
    "folder": "A folder has this name there: rename it, or the file at the source.",
    "file_ancestor": "A part of its path is a file there: rename one of them.",
    "disallowed_name": "Dropbox has no such names: rename it at its source.",
    "malformed_path": "Dropbox has no such names: rename it at its source.",
    "no_write_permission": "The account may not write there.",
    "access_restricted": "The account may not write there.",
}


class WrongOffset(BadAnswer):
    """A piece of a file does not go on where its session ends, which is at `correct`."""

    code = "wrong_offset"

    def __init__(self, message: str, *, correct: int, where: str) -> None:
        super().__init__(message, where=where)
        self.correct = correct


def calls_at(limits: FetchLimits) -> str:
    """Where all is asked but what follows."""
    return f"{limits.api_url or DROPBOX}/2"


def apis(client: Client, limits: FetchLimits, judge: Judge) -> tuple[Api, Api]:
    """For calls, and for contents: Dropbox's two hosts."""
    contents = f"{limits.api_url or _CONTENT}/2"
    return (
        Api(client, calls_at(limits), limits.account, judge),
        Api(client, contents, limits.account, judge),
    )


def notices_at(limits: FetchLimits) -> str:
    """Where it is waited for a change."""
    return f"{limits.api_url or _NOTIFY}/2"


def judge(refusal: Refusal) -> LiveSyncError | None:
    """What Dropbox means by the summary of an error, `path/not_found/..` for one. A refusal whose
    summary has been cut off says nothing."""
    tags = _tags(refusal)
    word = "/".join(tags[:2])
    if refusal.status == 409 and not tags:
        return Unavailable(refusal.said("cut_off"), where=refusal.where)
    if refusal.status == 409 and word.startswith("reset"):
        return CursorExpired(refusal.said("reset"), where=refusal.where)
    if refusal.status == 409:
        kind = Gone if "not_found" in word else Forbidden
        return kind(refusal.said(word), where=refusal.where)
    if refusal.status == 401 and word == "missing_scope":
        return Reauthorise(
            f"{refusal.said('missing_scope')}: the account has not granted {_scope(refusal)}",
            hint="Enable it in the App Console and connect the account again: `livesync connect "
            f"dropbox --account NAME{' --write' if _scope(refusal) in OAUTH.writes else ''}`.",
            where=refusal.where,
        )
    return None


def judge_writing(refusal: Refusal) -> LiveSyncError | None:
    """What it means by refusing to write. `Conflict`: a file is there that was not expected."""
    tags = _tags(refusal)
    if refusal.status != 409 or not tags:
        return judge(refusal)
    said = refusal.said("/".join(tags[:3]))
    if "too_many_write_operations" in tags:
        return RateLimited(said, after_s=_CROWDED_S, where=refusal.where)
    if tags[:1] == ("incorrect_offset",):
        correct = int(refusal.word("error", "correct_offset"))
        return WrongOffset(said, correct=correct, where=refusal.where)
    if later := _hinted(_LATER, tags):
        return Unavailable(said, hint=later, where=refusal.where)
    if tags[1:3] == ("conflict", "file"):
        return Conflict(said, where=refusal.where)
    hint = _hinted(_REFUSALS, tags)
    return BadAnswer(said, hint=hint, where=refusal.where) if hint else judge(refusal)


def content_hash(content: bytes | IO[bytes]) -> str:
    """The SHA-256 of the SHA-256 of each four mebibytes, in hex."""
    source = BytesIO(content) if isinstance(content, bytes) else content
    source.seek(0)
    blocks = iter(lambda: source.read(_BLOCK_BYTES), b"")
    return sha256(b"".join(sha256(block).digest() for block in blocks)).hexdigest()


def version(meta: Mapping[str, Any]) -> str:
    """Of a file: what it says and how it is called."""
    return f"{meta['content_hash']}:{meta['name']}"


def _tags(refusal: Refusal) -> tuple[str, ...]:
    """Those that lead through the union of an error, without the dots that its summary ends in."""
    return tuple(tag for tag in refusal.word("error_summary").split("/") if tag.strip("."))


def _hinted(hints: Mapping[str, str], tags: tuple[str, ...]) -> str:
    """The hint for the first of these tags that has one."""
    return next((hints[tag] for tag in tags if tag in hints), "")


def _scope(refusal: Refusal) -> str:
    """The scope that is missing, where it is one that we know."""
    told = refusal.word("error", "required_scope")
    return told if told in (*OAUTH.scopes, *OAUTH.writes) else "enough"
