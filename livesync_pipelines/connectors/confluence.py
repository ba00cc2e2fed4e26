"""Confluence Cloud: pages, blog posts, attachments and comments of wiki spaces.

REST v2 and the download of REST v1, as in the pages named below, as others tell it (2026-11-22).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import urlsplit

from propcache.api import cached_property

from livesync_pipelines.connectors._api_client import Called, client_for
from livesync_pipelines.connectors._confluence_adf import adf_markdown
from livesync_pipelines.connectors._confluence_api import ConfluenceApi
from livesync_pipelines.connectors._confluence_changes import Changes
from livesync_pipelines.connectors._confluence_items import (
    HANGING,
    STATUSES,
    TEXTS,
    Item,
    Json,
    Kind,
    Remembered,
    item_of,
    key_of,
    labels_of,
    text_of,
    why_gone,
)
from livesync_pipelines.connectors._confluence_options import (
    ConfluenceConnection,
    ConfluenceSelection,
)
from livesync_pipelines.connectors._confluence_storage import storage_markdown
from livesync_pipelines.connectors.base import FetchLimits, Memory, listing_table
from livesync_pipelines.connectors.choosing import Choice
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.operation import ANEW
from livesync_pipelines.model.records import Body, Entry, FeedPage, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec
from livesync_pipelines.net.api import Basic
from livesync_pipelines.net.client import Client

__all__ = ["Confluence", "ConfluenceConnection", "ConfluenceSelection"]

_REST = "https://developer.atlassian.com/cloud/confluence"


def _api_of(client: Client, connection: ConfluenceConnection, limits: FetchLimits) -> ConfluenceApi:
    account = Basic(connection.email, connection.api_token.get_secret_value())
    at = limits.api_url or connection.url
    return ConfluenceApi(client, at, account, max_bytes=limits.max_bytes)


class Confluence(Called):
    """The key is the space's and the content's id, which it keeps for life: `GARDEN/65537`."""

    spec = PlatformSpec(
        name="confluence",
        title="Confluence Cloud",
        clock=Clock(granularity_s=60.0, late_s=3_600.0),
        absence=Absence.DELETED,
        identity=True,
        explicit_deletes=True,
        docs=(
            f"{_REST}/rest/v2/api-group-page/ (2026-11-22, not opened)",
            f"{_REST}/rest/v2/api-group-attachment/ (2026-11-22, not opened)",
            f"{_REST}/rest/v1/api-group-content---attachments/ (2026-11-22, not opened)",
            f"{_REST}/rest/v1/api-group-search/ (2026-11-22, not opened)",
            f"{_REST}/cql-functions/ (2026-11-22, in part)",
            f"{_REST}/rate-limiting/ (2026-11-22, not opened)",
            "https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html "
            "(2026-11-22, not opened)",
        ),
        quirks=(
            "version is the number of the version; a change of labels alone is not seen, unless "
            "they select",
            "edits are found by CQL, from an hour before the last look on, for its index lags; it "
            "is silent about what has gone, so that it is also asked how many contents there are: "
            "what is new must explain that number, or all is listed",
            "all is listed once a day at least: as many comings as goings hide behind a number, "
            "such as a page that moves between chosen spaces",
            "what is trashed or archived is told as such; what is restricted and what is deleted "
            "for good look alike: both are absent",
            "a space that the account does not see any more loses nothing: it fails, and says so",
            "attachments and comments can be listed for the whole site only; those of other spaces "
            "are left out",
            "a page of the new editor is read from its storage format where it has one, else from "
            "its document format",
            "macros that show other content (children, excerpts of other pages) show nothing",
            "whiteboards, databases and folders are left out: they have no text",
            "a page is written in one version only (409); its title is there once in a space, so "
            "that it is made once; a deletion names no version, and is looked at before and after",
            "what is written over a page leaves no place for comments that hang on its words",
            "written from what others tell of these pages, and never held to the real Confluence",
            "Cloud calls nobody without an app: it is polled",
        ),
    )
    Connection = ConfluenceConnection
    Selection = ConfluenceSelection
    width = 4

    def __init__(
        self, connection: ConfluenceConnection, selection: ConfluenceSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits, max_bytes=limits.max_bytes)
        self._site = connection.url
        self._selection = selection
        self._api = _api_of(self._client, connection, limits)
        self._changes = Changes(self._api, selection, self.spec.clock, self._host)

    @staticmethod
    def choices(connection: ConfluenceConnection, limits: FetchLimits) -> Iterator[Choice]:
        with client_for(limits, max_bytes=limits.max_bytes) as client:
            for space in _api_of(client, connection, limits).all_spaces():
                key, title = str(space["key"]), str(space["name"])
                yield Choice(title=title, kind="space", option="spaces", values=[key])

    def root(self, key: str) -> str:
        return key.partition("/")[0]

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        """Space by space, then what hangs on their pages. What comes twice, because it was moved
        meanwhile, is taken once."""
        told = _Told(memory)
        for space_id, space in self._spaces.items():
            for kind in TEXTS:
                yield from self._texts(told, kind, space_id, space)
        for kind in HANGING:
            if kind in self._selection.types:
                yield from self._hanging(told, kind)
        unseen = tuple(f"{key}/" for key in self._unseen)
        yield ListingPage(
            entries=listing_table(()),
            failures=tuple(ItemFailure(below, "not_seen", _NOT_SEEN) for below in unseen),
            blind=unseen,
            complete=True,
        )

    def cursor(self) -> str:
        return self._changes.place(self._spaces)

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        return self._changes.since(cursor)

    def probe(self, memory: Memory) -> str:
        return self._changes.mark()

    @cached_property
    def _spaces(self) -> dict[str, str]:
        """Keys by id. Raises `BadInput` where there is none: credentials that are not taken look
        like an empty site where anybody may read."""
        found = self._api.spaces(self._selection.spaces)
        if not found:
            raise BadInput(
                f"{self._host} shows the account none of the spaces",
                hint="See whether `spaces` names their keys, and whether the account may read "
                "them. Nothing was taken for deleted.",
                where=self._host,
            )
        return found

    @property
    def _unseen(self) -> list[str]:
        return sorted(set(self._selection.spaces) - set(self._spaces.values()))

    @property
    def _host(self) -> str:
        return urlsplit(self._site).hostname or ""

    def _texts(self, told: _Told, kind: Kind, space_id: str, space: str) -> Iterator[ListingPage]:
        """The trash and the archive are looked at to tell why something is gone."""
        labels = self._selection.labels
        meant = self._api.labelled(kind, space_id, labels) if labels else None
        lists = kind in self._selection.types
        for items in self._api.contents(kind, space_id, STATUSES[kind]):
            kept = [one for one in items if self._keeps(one, meant) and told.is_new(one, space)]
            reasons = {key_of(space, one.id): self._why_gone(one) for one in items}
            gone = {key: why for key, why in reasons.items() if why}
            yield ListingPage(
                entries=listing_table(one.entry(space) for one in kept if lists),
                gone=told.known(gone),
                resume=ANEW,
            )

    def _hanging(self, told: _Told, kind: Kind) -> Iterator[ListingPage]:
        for items in self._api.hanging(kind):
            kept = [(one, told.spaces.get(one.known.above)) for one in items]
            yield ListingPage(
                entries=listing_table(one.entry(space) for one, space in kept if space),
                resume=ANEW,
            )

    def _keeps(self, item: Item, meant: set[str] | None) -> bool:
        return self._why_gone(item) is None and (meant is None or item.id in meant)

    def _why_gone(self, item: Item) -> str | None:
        return why_gone(item, archived=self._selection.archived)

    def read(self, entry: Entry) -> Body | ItemFailure:
        known = Remembered.read(entry.state or "")
        read = self._file if known.kind == "attachment" else self._text
        return read(entry, known)

    def _file(self, entry: Entry, known: Remembered) -> Body:
        into = BytesIO()
        self._api.download(known.above, known.id, known.number, into)
        return Body(
            key=entry.key,
            version=entry.version,
            content=into.getvalue(),
            name=known.title,
            url=self._url(known),
            media_type=known.media_type or None,
            modified_at=entry.modified_at,
            attributes={"type": known.kind, "space": self.root(entry.key), "page": known.above},
        )

    def _text(self, entry: Entry, known: Remembered) -> Body | ItemFailure:
        told = self._api.content(known.kind, known.id, "storage")
        item = item_of(known.kind, told)
        if self._why_gone(item):
            return ItemFailure(entry.key, "vanished", f"it is {item.status}")
        attributes = {
            "type": known.kind,
            "space": self.root(entry.key),
            "labels": ", ".join(labels_of(told)),
            "status": item.status,
        }
        return Body(
            key=entry.key,
            version=item.version,
            content=self._markdown(told, known).encode(),
            name=f"{item.id}.md",
            url=self._url(item.known),
            media_type="text/markdown",
            title=item.known.title,
            modified_at=item.modified_at,
            attributes={name: value for name, value in attributes.items() if value},
        )

    def _markdown(self, told: Json, known: Remembered) -> str:
        """Of a page without storage format its document format; a page may also be empty."""
        base, storage = f"{self._site}/wiki/", text_of(told, "storage")
        if storage:
            return storage_markdown(storage, base)
        form = "atlas_doc_format"
        document = text_of(self._api.content(known.kind, known.id, form), form)
        return adf_markdown(document, base) if document else ""

    def _url(self, known: Remembered) -> str:
        return f"{self._site}/wiki{known.webui}"


@dataclass
class _Told:
    """What a listing has shown: the spaces of pages and blog posts that are kept, by their id."""

    memory: Memory
    spaces: dict[str, str] = field(default_factory=dict)

    def is_new(self, item: Item, space: str) -> bool:
        """And from now on it is known."""
        is_new = item.id not in self.spaces
        self.spaces[item.id] = self.spaces.get(item.id, space)
        return is_new

    def known(self, gone: dict[str, str]) -> dict[str, str]:
        """Of what is not there any more, what ever was."""
        held = self.memory.states(list(gone))
        return {key: why for key, why in gone.items() if key in held}


_NOT_SEEN = "the account does not see this space, or there is none of this key"
