"""Pages of one Confluence space, written one at a time, each only in the version that was seen.

REST v2, group page, as others tell it (2026-11-22): an update names the number that follows the one
it knows, and any other is refused with 409; a title is there once in a space, and a second page of
it is refused with 400 or 409. A page may be made although the answer says that it was not. A
deletion and a restoring name no version, so the page is looked at before them and after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from livesync_pipelines.connectors._confluence_api import ConfluenceApi, judge_reading
from livesync_pipelines.connectors._confluence_form import normal
from livesync_pipelines.connectors._confluence_items import Item, item_of, text_of
from livesync_pipelines.connectors.files import Moved
from livesync_pipelines.model.errors import (
    BadInput,
    LiveSyncError,
    RateLimited,
    Reauthorise,
    Unavailable,
)
from livesync_pipelines.net.asking import is_undone
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.verdict import BadAnswer, Conflict, Gone

SCOPES = ("write:page:confluence", "delete:page:confluence")
_MESSAGE = re.compile(r"LiveSync: (.*) \[([0-9a-f]{32})\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PageVersion:
    """What is known of a page: its id, the number of its version, and the digest of what we have
    given it, where that version is ours."""

    id: str
    number: int
    digest: str = ""

    @classmethod
    def read(cls, version: str) -> Self:
        page_id, number, *digest = version.split(" ")
        return cls(page_id, int(number), *digest)

    @classmethod
    def of(cls, item: Item) -> Self:
        """As a list shows it: of a version that is ours, what was said of it tells."""
        found = _MESSAGE.fullmatch(item.message)
        return cls(item.id, item.known.number, found[2] if found else "")

    def __str__(self) -> str:
        return " ".join([self.id, str(self.number), *([self.digest] if self.digest else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a page is to be. `name` is that of its document, and `digest` that of its form. `parent`
    is the id of the page above it: empty, the page stays where it is."""

    name: str
    digest: str
    title: str
    storage: str
    parent: str = ""

    @property
    def message(self) -> str:
        """What the page's history says of this version."""
        return f"LiveSync: {self.name} [{self.digest}]"


def name_in(message: str) -> str | None:
    """Of which file a version was made, where it is ours."""
    found = _MESSAGE.fullmatch(message)
    return found[1] if found else None


class Pages:
    """`where` is what the space is called in messages."""

    def __init__(self, api: ConfluenceApi, space_id: str, where: str) -> None:
        self._api = api
        self._space_id = space_id
        self._where = where

    def now(self, page_id: str) -> tuple[Item, str] | None:
        """A page and its storage format, also out of the trash; None where there is none."""
        try:
            told = self._api.content("page", page_id, "storage")
        except Gone:
            return None
        return item_of("page", told), text_of(told, "storage")

    def is_elsewhere(self, page_id: str) -> bool:
        """Whether a page without storage format has its text in the new editor's own."""
        form = "atlas_doc_format"
        return bool(text_of(self._api.content("page", page_id, form), form))

    def titled(self, title: str) -> Item | None:
        return self._api.titled(self._space_id, title)

    def make(self, wanted: Wanted) -> PageVersion:
        """Made once, whatever becomes of the answer: its title is there once. Raises `TitleTaken`
        where a page has it that is another than this one."""
        asked = {"spaceId": self._space_id, **_asked(wanted)}
        with self._told(wanted.name):
            try:
                made = item_of("page", self._api.send("POST", "pages", asked, repeats=True))
            except (BadAnswer, Unavailable) as error:
                if is_undone(error):
                    raise
                return self._made(wanted, error)
            return PageVersion(made.id, made.known.number, wanted.digest)

    def change(self, seen: PageVersion, wanted: Wanted) -> PageVersion:
        """Write over this version and no other. Raises `Moved`, `TitleTaken`."""
        with self._told(wanted.name):
            self._expected(wanted.name, seen)
            said = {"number": seen.number + 1, "message": wanted.message}
            asked = {"id": seen.id, **_asked(wanted), "version": said}
            try:
                self._api.send("PUT", f"pages/{seen.id}", asked, repeats=True)
            except (BadAnswer, Unavailable) as error:
                if is_undone(error):
                    raise
                self._look_after(seen, wanted, error)
            return PageVersion(seen.id, seen.number + 1, wanted.digest)

    def trash(self, name: str, seen: PageVersion) -> None:
        """A page that is gone already is no error. An edit that comes in between is brought back
        out of the trash, where it can be sent back."""
        with self._told(name):
            found = self.now(seen.id)
            if found is None or found[0].status != "current":
                return
            if found[0].known.number != seen.number:
                raise self.moved(name)
            try:
                self._api.send("DELETE", f"pages/{seen.id}", repeats=False)
            except RateLimited:
                raise
            except Unavailable:
                if self._is_current(seen.id):
                    raise
            after = self.now(seen.id)
            if after is not None and after[0].known.number != seen.number:
                if after[1]:
                    self._restore(*after)
                raise self.moved(name)

    def _restore(self, page: Item, storage: str) -> None:
        said = {"number": page.known.number + 1, "message": "LiveSync: out of the trash"}
        body = {"representation": "storage", "value": storage}
        asked = {"id": page.id, "status": "current", "title": page.known.title, "body": body}
        self._api.send("PUT", f"pages/{page.id}", {**asked, "version": said}, repeats=True)

    def _made(self, wanted: Wanted, error: BadAnswer | Unavailable) -> PageVersion:
        """After an answer that is none, or one that says no: whether the page is there."""
        there = self.titled(wanted.title)
        found = self.now(there.id) if there else None
        if found is None:
            raise error
        page, storage = found
        if page.parent == wanted.parent and normal(storage) == wanted.storage:
            return PageVersion(page.id, page.known.number, wanted.digest)
        raise TitleTaken(page, normal(storage)) from error

    def _look_after(
        self, seen: PageVersion, wanted: Wanted, error: BadAnswer | Unavailable
    ) -> None:
        """Returns where the page has become what was wanted."""
        found = self.now(seen.id)
        if found is None or found[0].status != "current":
            raise self.moved(wanted.name) from error
        now = PageVersion.of(found[0])
        if now == PageVersion(seen.id, seen.number + 1, wanted.digest):
            return
        if now.number != seen.number:
            raise self.moved(wanted.name) from error
        there = None if isinstance(error, Unavailable) else self.titled(wanted.title)
        if there is not None and there.id != seen.id:
            raise TitleTaken(there) from error
        raise error

    def _expected(self, name: str, seen: PageVersion) -> None:
        """That a page in the trash is not taken out of it by writing to it."""
        found = self.now(seen.id)
        if found is None or found[0].status != "current" or found[0].known.number != seen.number:
            raise self.moved(name)

    def _is_current(self, page_id: str) -> bool:
        found = self.now(page_id)
        return found is not None and found[0].status == "current"

    def moved(self, name: str) -> Moved:
        said = f"the page of {name} in {self._where} is another than it was; it was left alone"
        return Moved(said, where=self._where)

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """What concerns one page alone, as such."""
        try:
            yield
        except (Conflict, Gone) as error:
            raise self.moved(name) from error
        except BadAnswer as error:
            raise BadInput(
                f"{name} cannot be a page of {self._where}: {error.message}",
                hint="May the account add, edit and delete pages there?",
                where=self._where,
            ) from error


class TitleTaken(Exception):
    """The space has another page of this title; `storage` is its text, where that was looked at."""

    def __init__(self, page: Item, storage: str = "") -> None:
        super().__init__(page.id)
        self.page = page
        self.storage = storage


def _asked(wanted: Wanted) -> dict[str, Any]:
    above = {"parentId": wanted.parent} if wanted.parent else {}
    body = {"representation": "storage", "value": wanted.storage}
    return {"status": "current", "title": wanted.title, "body": body, **above}


def judge_writing(refusal: Refusal) -> LiveSyncError | None:
    """A token may be one that only reads: which scopes it lacks is said."""
    if refusal.status == 401 and "scope" in _words(refusal):
        return Reauthorise(
            f"{refusal.said()}: the API token lacks a scope: {' or '.join(SCOPES)}",
            hint="Make one with these scopes at "
            "https://id.atlassian.com/manage-profile/security/api-tokens, or one without scopes, "
            "and set `api_token` of the connection.",
            where=refusal.where,
        )
    return judge_reading(refusal)


def _words(refusal: Refusal) -> str:
    """What it says, for looking into only."""
    return (refusal.word("errors", 0, "title") or refusal.word("message")).lower()
