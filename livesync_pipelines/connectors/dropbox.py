"""Dropbox: the files of one account, and of the folders that are shared with it.

API v2 as in dropbox-api-spec (`files.stone` and `auth.stone`, commit 0d994ebe) and the pages named
below, read 2026-11-22.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import BytesIO
from itertools import zip_longest
from typing import IO
from urllib.parse import quote

from livesync_pipelines.connectors._api_client import Called, client_for
from livesync_pipelines.connectors._dropbox_calls import (
    CONTENT,
    DROPBOX,
    OAUTH,
    Meta,
    api_of,
    content_hash,
    judge,
    latest,
    pieces,
    version,
)
from livesync_pipelines.connectors._dropbox_files import Files
from livesync_pipelines.connectors._dropbox_longpoll import Longpoll
from livesync_pipelines.connectors._dropbox_names import Names, folded
from livesync_pipelines.connectors._dropbox_options import DropboxConnection, DropboxSelection
from livesync_pipelines.connectors.base import FetchLimits, Memory, listing_table
from livesync_pipelines.connectors.choosing import Choice
from livesync_pipelines.model.errors import CursorExpired, ItemFailure
from livesync_pipelines.model.records import Body, Entry, FeedPage, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec

__all__ = ["Dropbox", "DropboxConnection", "DropboxSelection"]


class Dropbox(Called):
    """The key is the path in lower case, by which Dropbox itself tells files apart."""

    spec = PlatformSpec(
        name="dropbox",
        title="Dropbox",
        clock=Clock(granularity_s=0.0),
        absence=Absence.DELETED,
        identity=True,
        webhook="dropbox",
        oauth=OAUTH,
        docs=(
            "https://github.com/dropbox/dropbox-api-spec/blob/main/files.stone (2026-11-22)",
            "https://www.dropbox.com/developers/reference/content-hash (2026-11-22, not opened)",
            "https://www.dropbox.com/developers/reference/webhooks (2026-11-22, not opened)",
            "https://dropbox.tech/developers/using-oauth-2-0-with-offline-access "
            "(2026-11-22, not opened)",
        ),
        quirks=(
            "paths are told apart without regard to case; another spelling of a name is a change",
            "version is the content hash and the name: what is written anew with the same bytes "
            "has not changed",
            "deletions come without an id; that of a folder takes everything below it",
            "a move is a deletion and an arrival, known for a move by the file's id",
            "a shared folder is a folder; one that is left, or taken away, counts as deleted",
            "what can only be exported (Paper, Google's documents) is left out",
            "a chosen folder that is not there fails the sync: it has not become empty",
            "cursors may be forgotten (`reset`), which costs a listing",
            "webhooks are set up by hand in the App Console, and sign with the app's secret",
            "what is written is bound to a revision; a move is not, so that an edit of the very "
            "same moment moves along, and is told as one",
            "folders have no revisions: one that a removal leaves empty stays, and none makes room "
            "for a file of its name",
        ),
    )
    Connection = DropboxConnection
    Selection = DropboxSelection

    def __init__(
        self, connection: DropboxConnection, selection: DropboxSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._api = api_of(DROPBOX, self._client, limits, judge)
        self._content = api_of(CONTENT, self._client, limits, judge)
        self._longpoll = Longpoll(limits)
        self._account = connection.account
        self._where = f"the Dropbox of {connection.account}"
        self._names = Names(selection, self._where)
        self._folders = self._names.folders
        self._files = Files.of(self._client, limits, self._where)

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        """What happens meanwhile is left to the feed, whose cursor was taken before."""
        try:
            yield from self._listed(resume)
        except CursorExpired:
            yield from self._listed(None)

    def root(self, key: str) -> str:
        chosen = (folder for folder in self._folders if key.startswith(f"{folder}/"))
        return next(chosen, "")

    def place(self) -> str:
        return f"dropbox://{self._account}{self._names.base}/"

    def name_of(self, key: str) -> str:
        return self._names.name_of(key)

    def key_of(self, name: str) -> str:
        return self._names.key_of(name)

    def folded(self, name: str) -> str:
        return folded(name)

    def put(self, key: str, content: bytes | IO[bytes], *, expected_version: str | None) -> str:
        path = self._names.path_for(key)
        return self._files.put(path, content, key=key, expected_version=expected_version)

    def holds(self, entry: Entry, content: bytes) -> bool:
        return entry.version.startswith(f"{content_hash(content)}:")

    def move(self, key: str, to: str, *, expected_version: str) -> str:
        path = self._names.path_for(to)
        return self._files.move(key, to, path=path, expected_version=expected_version)

    def remove(self, key: str, *, expected_version: str) -> None:
        self._files.remove(key, expected_version=expected_version)

    def cursor(self) -> str:
        return json.dumps({folder: latest(self._api, folder) for folder in self._folders})

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        places: dict[str, str] = json.loads(cursor)
        if tuple(places) != self._folders:
            raise CursorExpired("Other folders are followed than before.")
        for folder in self._folders:
            for told in pieces(self._api, folder, places[folder]):
                places[folder] = told["cursor"]
                place = json.dumps(places)
                is_last = not told["has_more"] and folder == self._folders[-1]
                yield self._changed(told["entries"], place, token=None if is_last else place)

    def wait(self, timeout_s: float) -> bool:
        """Told of any change in the account, selected or not."""
        return self._longpoll.wait(timeout_s)

    @staticmethod
    def choices(connection: DropboxConnection, limits: FetchLimits) -> Iterator[Choice]:
        """The folders at the top, those that are shared with the account among them."""
        with client_for(limits) as client:
            for told in pieces(api_of(DROPBOX, client, limits, judge), "", deep=False):
                paths = [m["path_display"] for m in told["entries"] if m[".tag"] == "folder"]
                for path in paths:
                    yield Choice(title=path, kind="folder", option="folders", values=[path])

    def close(self) -> None:
        self._longpoll.close()
        super().close()

    def _listed(self, resume: str | None) -> Iterator[ListingPage]:
        """`resume` is a folder and the cursor of the page after it; None in place of a cursor is
        the folder's first page."""
        begun, cursor = json.loads(resume) if resume else (self._folders[0], None)
        folders = self._folders[self._folders.index(begun) :]
        for folder, following in zip_longest(folders, folders[1:]):
            for told in pieces(self._api, folder, cursor):
                goes_on = (folder, told["cursor"]) if told["has_more"] else (following, None)
                self._names.note(told["entries"])
                is_last = goes_on[0] is None
                yield ListingPage(
                    entries=listing_table(map(_entry, filter(self._means, told["entries"]))),
                    resume=None if is_last else json.dumps(goes_on),
                    complete=is_last,
                )
            cursor = None

    def _changed(self, told: Sequence[Meta], cursor: str, token: str | None) -> FeedPage:
        """Lines of the feed hold in their order: each replaces what is at its path, and all but
        folders also what is below."""
        there: dict[str, Entry] = {}
        gone: dict[str, str] = {}
        below: dict[str, str] = {}
        for meta in told:
            path = meta["path_lower"]
            there.pop(path, None)
            gone[path] = "deleted"
            if meta[".tag"] != "folder":
                below[f"{path}/"] = "deleted"
                for key in [key for key in there if key.startswith(f"{path}/")]:
                    del there[key]
            if self._means(meta):
                there[path] = _entry(meta)
        return FeedPage(
            entries=listing_table(there.values()),
            gone={path: why for path, why in gone.items() if path not in there},
            gone_below=below,
            cursor=cursor,
            token=token,
        )

    def _means(self, meta: Meta) -> bool:
        if meta[".tag"] != "file" or not meta.get("is_downloadable", True):
            return False
        return self._names.selects(meta["path_lower"])

    def read(self, entry: Entry) -> Body | ItemFailure:
        """What the file is now, wherever it lies: its id finds it."""
        into = BytesIO()
        answer = self._content.download(
            "files/download",
            into,
            headers={"dropbox-api-arg": json.dumps({"path": entry.identity or entry.key})},
            max_bytes=self.limits.max_bytes,
            method="POST",
        )
        meta, content = json.loads(answer.headers["dropbox-api-result"]), into.getvalue()
        if content_hash(content) != meta["content_hash"]:
            return ItemFailure(entry.key, "damaged", "its bytes do not have the hash they should")
        return Body(
            key=entry.key,
            version=version(meta),
            content=content,
            name=meta["name"],
            url=f"https://www.dropbox.com/home{quote(meta['path_display'])}",
            modified_at=_moment(meta),
            attributes={"path": meta["path_display"]},
        )


def _entry(meta: Meta) -> Entry:
    return Entry(
        key=meta["path_lower"],
        version=version(meta),
        identity=meta["id"],
        size=meta["size"],
        modified_at=_moment(meta),
    )


def _moment(meta: Meta) -> datetime:
    return datetime.fromisoformat(meta["server_modified"])
