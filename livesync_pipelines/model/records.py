"""What travels through the corridor: values from a connector, then tables with these schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from .errors import ItemFailure
from .operation import Op

UTC_TIME = pa.timestamp("us", tz="UTC")

LISTING = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("identity", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("modified_at", UTC_TIME),
        pa.field("state", pa.string()),
    ]
)
"""`key` is the source's own name for the item now; `version` changes when the item does;
`identity` survives a rename where the source can tell; `size` is in bytes; `state` is the
connector's own memory of the item (None: as it was)."""

RECORDS = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("media_type", pa.string(), nullable=False),
        pa.field("size", pa.int64()),
        pa.field("modified_at", UTC_TIME),
        pa.field("fetched_at", UTC_TIME, nullable=False),
        pa.field("attributes", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("content_hash", pa.binary(16), nullable=False),
        pa.field("fingerprint", pa.binary(16), nullable=False),
    ]
)
"""`text` is Markdown, normalised. `content_hash` is of the text alone, `fingerprint` of every
field that a reader can see."""

DELTAS = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("op", pa.string(), nullable=False),
        pa.field("changed_fields", pa.list_(pa.string()), nullable=False),
        pa.field("before", pa.binary(16)),
        pa.field("after", pa.binary(16)),
    ]
)
"""`op` is added, updated, moved or removed; `before` and `after` are record fingerprints."""

CHUNKS = pa.schema(
    [
        pa.field("chunk_id", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("heading_path", pa.list_(pa.string()), nullable=False),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("end", pa.int32(), nullable=False),
        pa.field("tokens", pa.int32(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
    ]
)
"""`start` and `end` are offsets in characters into the record's text; `tokens` is an estimate."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a listing, taken out of its table because the item must be fetched."""

    key: str
    version: str
    identity: str | None = None
    size: int | None = None
    modified_at: datetime | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The bytes of one item, and what the source says about them.

    `version` is the version of these very bytes: it may be newer than the listing's. `name`
    (a file name, or the last part of a path) and `media_type` decide how the bytes are read;
    `title` is None where the source has none, and the text's own first heading serves.
    """

    key: str
    version: str
    content: bytes
    name: str
    url: str
    media_type: str | None = None
    title: str | None = None
    modified_at: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """One bounded piece of a listing.

    - `entries`: a table of schema `LISTING`; in an ordered platform ascending by key.
    - `bodies`: contents that came along with the listing, by key; the rest is fetched.
    - `gone`: keys of which the source itself says that they are no more, with the reason
      (`deleted`, `moved`, `trashed`, `out_of_scope`, `access_lost`).
    - `failures`: items that could not be listed, and what else kept the listing from being
      complete (a sitemap, robots.txt). An item that failed is never absent.
    - `blind`: key prefixes below which nothing could be seen; nothing there is absent.
    - `resume`: where the next page begins, and None on the last alone. In an ordered platform it
      is the last key of the page; elsewhere it is opaque, or
      `operation.ANEW`.
    - `complete`: on the last page, that the whole selection was seen. Only then is anything absent.
    - `note`: what the connector wants to know next time (a feed's validators); None: as it was.
    - `total`: how many entries the whole listing will show, as far as the source tells by now. A
      last page that comes before so many were shown is taken for incomplete.
    """

    entries: pa.Table
    bodies: Mapping[str, Body] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[ItemFailure, ...] = ()
    blind: tuple[str, ...] = ()
    resume: str | None = None
    complete: bool = False
    note: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """One bounded piece of a change feed. An event only says which item to look at: what the page
    tells of an item is how it is now, each key once.

    - `entries`, `bodies`, `gone`, `failures`: as in a `ListingPage`, of what has changed.
    - `gone_below`: key prefixes, each with a slash at its end, below which nothing is left but what
      this page or a later one shows, with the reason: of a source that tells of a folder's end and
      not of what it held.
    - `moves`: an item that is known by its identity under another key has left that one: of a
      source that tells where an item is, and not where it was.
    - `cursor`: the place after this page, from which a later run goes on.
    - `token`: the source's own name of the next page; None on the last alone.
    """

    entries: pa.Table
    bodies: Mapping[str, Body] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    gone_below: Mapping[str, str] = field(default_factory=dict)
    moves: bool = False
    failures: tuple[ItemFailure, ...] = ()
    cursor: str
    token: str | None = None

    @property
    def is_silent(self) -> bool:
        told = (self.bodies, self.gone, self.gone_below, self.failures)
        return self.entries.num_rows == 0 and not any(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What a file says: Markdown text, the title it gives itself, and its other properties."""

    text: str
    media_type: str
    title: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """An item that could not be brought in: which version of it, if that is known, the bytes that
    could not be read, if there were any, and its entry, if it was listed."""

    failure: ItemFailure
    version: str | None = None
    content: bytes = b""
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class FailedBefore:
    """What is remembered of an item that failed; `retry_at` None: only a new version heals it."""

    version: str | None
    code: str
    tries: int
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a record. `start` and `end` are character offsets into the record's text;
    in a table the text also repeats the header, so it can be longer than the span."""

    text: str
    start: int
    end: int
    heading_path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One document of the source, normalised: the same fields as `RECORDS`, and what the
    connector wants remembered of it (`identity`, `state`)."""

    item_id: str
    key: str
    version: str
    title: str
    text: str
    url: str
    media_type: str
    attributes: Mapping[str, str]
    size: int | None
    modified_at: datetime | None
    fetched_at: datetime
    content_hash: bytes
    fingerprint: bytes
    identity: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was last applied of one item: its base for every comparison."""

    item_id: str
    key: str
    version: str
    identity: str | None
    title: str
    url: str
    media_type: str
    attributes: Mapping[str, str]
    content_hash: bytes
    fingerprint: bytes
    mapped: Mapping[str, str]
    chunk_ids: tuple[str, ...]
    mapping_version: str
    chunker_version: str


@dataclass(frozen=True, slots=True)
class Delta:
    """What became of one item. `op` is None when nothing that a reader sees has changed."""

    op: Op | None
    changed_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedChunk:
    """A chunk with its identity (a UUID, spelled out): words and record, never its position."""

    chunk_id: str
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Change:
    """One item as it leaves the corridor, ready to be written.

    `known` is None for a new item. `written` are the chunks whose words the capsule does not
    hold yet, `dropped` those that it must lose.
    """

    record: Record
    known: Known | None
    delta: Delta
    mapped: Mapping[str, str]
    layout: tuple[PlacedChunk, ...]
    written: tuple[PlacedChunk, ...]
    dropped: tuple[str, ...]
