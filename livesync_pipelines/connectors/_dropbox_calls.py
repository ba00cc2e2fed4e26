"""How Dropbox is called: with which login, at which address, and what its refusals mean.

https://www.dropbox.com/developers/documentation/http/documentation,
https://www.dropbox.com/developers/reference/content-hash and
https://dropbox.tech/developers/using-oauth-2-0-with-offline-access, as others tell it (2026-11-22).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from typing import IO, Any, TypeAlias

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import (
    BadInput,
    CursorExpired,
    LiveSyncError,
    RateLimited,
    Reauthorise,
    Unavailable,
)
from livesync_pipelines.model.spec import OAuth
from livesync_pipelines.net.api import Account, Api, paged
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.judging import Judge, Refusal
from livesync_pipelines.net.verdict import BadAnswer, Conflict, Forbidden, Gone

DROPBOX = "https://api.dropboxapi.com"
CONTENT = "https://content.dropboxapi.com"
NOTIFY = "https://notify.dropboxapi.com"
_PAGE_ITEMS = 1_000
"""What Dropbox takes for about so many; its most is 2,000, which is ours too."""
_BLOCK_BYTES = 4 * 1024 * 1024
_CROWDED_S = 1.0
"""How long it is waited where others write to the same Dropbox at the same moment."""

Meta: TypeAlias = Mapping[str, Any]
"""A file, a folder or a deletion, as Dropbox shows it; or an answer that holds such."""

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


def api_of(
    host: str,
    client: Client,
    limits: FetchLimits,
    judge: Judge,
    account: Account | None = None,
) -> Api:
    """One of Dropbox's hosts, as `account` or that of the limits is served there."""
    return Api(client, f"{limits.api_url or host}/2", account or limits.account, judge)


def pieces(
    api: Api, folder: str, cursor: str | None = None, *, deep: bool = True
) -> Iterator[Meta]:
    """What lies in a folder, in answers that each bear the cursor of the next: from the first on,
    or from a cursor, which may be a place in the feed of changes. Raises `CursorExpired`, and
    `BadInput` where there is no such folder."""

    def piece(at: str | None) -> Meta:
        if at is not None:
            return _told(api, "files/list_folder/continue", folder, {"cursor": at})
        return _told(api, "files/list_folder", folder, _followed(folder, deep=deep))

    return paged(piece, lambda told: told["cursor"] if told["has_more"] else None, cursor)


def latest(api: Api, folder: str) -> str:
    """The cursor of what happens below a folder from now on. Raises `BadInput` where there is no
    such folder."""
    route = "files/list_folder/get_latest_cursor"
    return str(_told(api, route, folder, _followed(folder, deep=True))["cursor"])


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
    correct = refusal.word("error", "correct_offset")
    if tags[:1] == ("incorrect_offset",) and correct.isdecimal():
        return WrongOffset(said, correct=int(correct), where=refusal.where)
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


def version(meta: Meta) -> str:
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


def _followed(folder: str, *, deep: bool) -> Meta:
    """What a listing and the cursor that follows it ask for: the same."""
    return {
        "path": folder,
        "recursive": deep,
        "limit": _PAGE_ITEMS,
        "include_non_downloadable_files": False,
    }


def _told(api: Api, route: str, folder: str, asked: Meta) -> Meta:
    try:
        told: Meta = api.post(route, asked, repeats=True)
    except Gone as error:
        raise BadInput(
            f"The account has no folder {folder}.",
            hint="Mend `folders` of the sync. Nothing was taken for deleted.",
            where=f"folder {folder}",
        ) from error
    return told
