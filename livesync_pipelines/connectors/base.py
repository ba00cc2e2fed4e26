"""What a connector is: a spec, a listing, a fetch. What else it can do is found on its class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar, Protocol, Self, runtime_checkable
from urllib.parse import urlsplit

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import LISTING, Body, Entry, FeedPage, ListingPage
from livesync_pipelines.model.spec import Budget, PlatformSpec
from livesync_pipelines.net.api import ANONYMOUS, Account
from livesync_pipelines.net.pace import PATIENCE_S, UNPACED, Pacer

PAGE_ITEMS = 2_000
"""How many entries a listing page holds at most, unless the platform has a smaller page."""
_FEWEST_CALLS = 100


class Options(BaseModel):
    """Settings of a connection or of a selection: unknown names are errors, values never change.

    A field that holds a secret is a `pydantic.SecretStr`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BudgetOptions(Options):
    """At most `calls` in any `per_s` seconds, by all syncs of the connection together."""

    calls: int = Field(ge=1, le=1_000_000)
    per_s: float = Field(gt=0, le=2_678_400)

    @model_validator(mode="after")
    def _lets_a_sync_come_to_its_end(self) -> Self:
        if self.noun().spacing_s > PATIENCE_S and self.calls < _FEWEST_CALLS:
            raise ValueError(
                "with so few calls no sync comes to its end: allow one in "
                f"{PATIENCE_S:.0f} s, or {_FEWEST_CALLS} over a longer time"
            )
        return self

    def noun(self) -> Budget:
        return Budget(self.calls, self.per_s)


class Remote(Options):
    """Settings of a connection whose platform is called over the network. `budget` holds beside
    those that the platform declares."""

    budget: BudgetOptions | None = None


class Accounted(Remote):
    """Settings of a connection that calls its platform in the name of an account, which
    `livesync connect PLATFORM --account NAME` has connected."""

    account: str = Field(min_length=1)


class Memory(Protocol):
    """What was kept of earlier runs of the same sync. All of it is from before this run."""

    @property
    def note(self) -> str | None:
        """The connector's own note, as the last page gave it."""

    def states(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The connector's own memory of items (`state` of their last entry), by key; of files that
        are copied, the version that both ends agreed on."""

    def keys(self) -> Iterator[str]:
        """Every key that is now in step, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """How much one item may cost. `max_bytes` is checked before the bytes are in memory;
    `timeout_s`: for connecting, and for each silence; `tries`: in all, of one call that fails.

    `pacer`: the budgets that every call to the platform is counted against. `account`: in whose
    name it is called, where the connection names an account. `api_url`: below which address the
    platform is found in place of its own; empty: there. It comes from the environment, never from a
    connection: who writes one must not choose where the tokens of an account go."""

    max_bytes: int = 50_000_000
    timeout_s: float = 30.0
    tries: int = 3
    pacer: Pacer = UNPACED
    account: Account = ANONYMOUS
    api_url: str = ""

    @property
    def allow_private(self) -> tuple[str, ...]:
        """The hosts that may be on a private address: the one that the environment names."""
        host = urlsplit(self.api_url).hostname
        return (host,) if host else ()

    def allowed(self, bodies: Iterable[Body]) -> tuple[Mapping[str, Body], tuple[ItemFailure, ...]]:
        """Of contents that came along, by key those that are small enough, and why not."""
        small, failures = dict[str, Body](), list[ItemFailure]()
        for body in bodies:
            if (size := len(body.content)) <= self.max_bytes:
                small[body.key] = body
            else:
                reason = f"it has {size} bytes; {self.max_bytes} are allowed"
                failures.append(ItemFailure(body.key, "too_large", reason))
        return small, tuple(failures)


class Platform(ABC):
    """One platform. An instance serves one run of one sync and is closed after it."""

    spec: ClassVar[PlatformSpec]
    Connection: ClassVar[type[Options]]
    """What a user says under `connections:` (beside `platform`)."""
    Selection: ClassVar[type[Options]]
    """What a user says under `select:` of a sync; of an end of rows or files, also under its
    `target:` (beside `connection`)."""

    def __init__(self, connection: Options, selection: Options, limits: FetchLimits) -> None:
        self.connection = connection
        self.selection = selection
        self.limits = limits

    @classmethod
    def watched(cls, selection: Mapping[str, object]) -> bool:
        """Whether what is so selected says by itself when it may have changed."""
        return issubclass(cls, Watches)

    def close(self) -> None:
        """Give back what the instance holds: sockets, clients."""


class Connector(Platform):
    """A platform of documents and files."""

    @abstractmethod
    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        """Everything that the selection holds, in pages, from the start or from `resume`.

        Raises a `LiveSyncError` where nothing can be listed at all; what concerns one item is
        an `ItemFailure` in its page. The last page says whether the listing is complete.
        """

    @abstractmethod
    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        """The bytes of these items, one answer each, in any order, never all held at once."""

    def root(self, key: str) -> str:
        """The part of the selection that an item belongs to (a site, a space, a chosen folder).
        Such a part can go as a whole, so whether too many items have gone is asked for each; a
        platform whose selection has one part only needs not say."""
        return ""


@runtime_checkable
class Probes(Protocol):
    """A connector that answers cheaply whether anything changed."""

    def probe(self, memory: Memory) -> str:
        """A mark of the source's present state; the same mark means that nothing changed."""


@runtime_checkable
class NotesMarks(Protocol):
    """A connector whose listing notes what a probe would have said at that moment. A sync that has
    just listed needs not ask again whether that is still so."""

    def mark_of(self, note: str | None) -> str | None:
        """The mark that stands in this note; None where only a run can tell."""


class Listed(Connector):
    """A connector whose listing is cheap enough to be its probe. A sync that has just listed needs
    not ask again whether that is still so."""

    def probe(self, memory: Memory) -> str:
        mark = ListingMark()
        for page in self.listing(memory):
            mark.add(page)
        return f"{mark}"


class ListingMark:
    """A mark over keys and versions in order, and over what could not be seen."""

    def __init__(self) -> None:
        self._digest = blake2b(digest_size=16)

    def add(self, page: ListingPage) -> None:
        for column in page.entries.select(["key", "version"]).columns:
            self._tell(column.to_pylist())
        for failure in page.failures:
            self._tell([failure.key, failure.code])

    def _tell(self, words: Sequence[str]) -> None:
        """Also words that are no text: a name of bytes that mean no characters, say."""
        self._digest.update("".join(f"{word}\0" for word in words).encode(errors="surrogatepass"))

    def __str__(self) -> str:
        return self._digest.hexdigest()


@runtime_checkable
class Watches(Protocol):
    """A platform that says by itself when something may have changed."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for that, at most so long; whether it has come. What happens between two calls is
        not missed; True at once where nobody has waited until now."""


@runtime_checkable
class Feeds(Protocol):
    """A connector whose source tells what has changed since a place in its change feed.

    Once a sync has been listed, and until `CursorExpired`, it is followed by the feed alone, so
    the feed must tell of everything that a listing would show: also of what comes into the
    selection or leaves it. Absence means deletion there (`Absence.DELETED`).
    """

    def cursor(self) -> str:
        """The place in the feed now: what happens from here on comes after it."""

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        """What has changed since this place, at least one page. Raises `CursorExpired` when the
        source cannot tell any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A message that something has changed. `name` is the same when it comes again; `receipt` is
    what it is forgotten by."""

    name: str
    body: str
    receipt: str


class Inbox(Protocol):
    """Where a platform leaves messages for us."""

    def announcements(self, *, waiting: bool) -> Sequence[Announcement]:
        """Some of what lies there, for which it may wait a second; none when it is empty."""

    def forget(self, announcements: Sequence[Announcement]) -> None:
        """Take these away; until then they come again."""

    def depth(self) -> int:
        """About how many lie there."""


@runtime_checkable
class Announced(Protocol):
    """A connector whose platform may leave messages of changes in a queue."""

    @staticmethod
    def inbox(connection: Any) -> Inbox | None:
        """The queue that these settings of a connection name, if they do."""


def listing_table(entries: Iterable[Entry]) -> pa.Table:
    """A table of schema `LISTING` from entries."""
    rows = [(e.key, e.version, e.identity, e.size, e.modified_at, e.state) for e in entries]
    columns = zip(*rows, strict=True) if rows else ([] for _ in LISTING)
    return pa.table(
        [pa.array(list(c), f.type) for c, f in zip(columns, LISTING, strict=True)], schema=LISTING
    )


def listing_of(bodies: Iterable[Body]) -> pa.Table:
    """That of items whose contents came along."""
    return listing_table(Entry(b.key, b.version, modified_at=b.modified_at) for b in bodies)
