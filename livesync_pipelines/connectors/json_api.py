"""A JSON API: the items of its listings as documents.

What the pages of a listing are is in `_json_api_pages`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from livesync_pipelines.connectors._json_api_options import (
    JsonApiConnection,
    JsonApiSelection,
    found,
)
from livesync_pipelines.connectors._json_api_pages import Pages, client_of, written
from livesync_pipelines.connectors.base import (
    PAGE_ITEMS,
    FetchLimits,
    Listed,
    ListingMark,
    Memory,
    listing_of,
    listing_table,
)
from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import ANEW
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec

LOOK_PAGES = 10
"""With more, only a run tells whether anything has changed."""

__all__ = ["JsonApi", "JsonApiConnection", "JsonApiSelection"]

_ENDINGS = {"markdown": "md", "html": "html", "text": "txt"}


class JsonApi(Listed):
    """The key is what an item's `id` says."""

    spec = PlatformSpec(
        name="json_api",
        title="JSON API",
        clock=Clock(granularity_s=0.0),
        absence=Absence.DELETED,
        docs=(
            "https://jmespath.org/specification.html (2026-11-23, not opened)",
            "https://www.rfc-editor.org/rfc/rfc8288 (2026-11-23, not opened)",
        ),
        quirks=(
            "version is a hash of what is read of an item: an edit of anything else is none",
            "an item that the pages do not show is looked for in all of them once more, for pages "
            "move while they are read; then it counts as deleted",
            "while an item has no id, nothing is taken for deleted: it may be any of them",
            "of two items with one id the first is taken",
            "a listing that the API cuts short without saying so is taken for all there is",
            "pages by number and by offset end at one without items: an API that answers it with "
            "an error cannot be read so",
            "a next page is followed on the same server alone",
            "only GET, and no secret in an address: an API that wants its key in the query is not "
            "called",
            "a number that would be rounded is kept as it was sent",
            f"of more than {LOOK_PAGES} pages a run tells whether anything has changed",
        ),
    )
    Connection = JsonApiConnection
    Selection = JsonApiSelection

    def __init__(
        self, connection: JsonApiConnection, selection: JsonApiSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._selection = selection
        self._client = client_of(connection, limits)
        self._pages = Pages(self._client, connection, selection.path, selection)

    def close(self) -> None:
        self._client.close()

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        seen, nameless, number = set[str](), False, 0
        for number, items in enumerate(self._pages, start=1):
            for page in self._listed(items, number, seen):
                nameless = nameless or any(one.code == "no_id" for one in page.failures)
                yield page
        if number > 1 and not seen.issuperset(memory.keys()):
            for items in self._pages:
                yield from self._listed(items, None, seen)
        yield ListingPage(entries=listing_table(()), complete=not nameless)

    def probe(self, memory: Memory) -> str:
        """Raises `Unavailable` where there are many pages."""
        mark, seen = ListingMark(), set[str]()
        for number, items in enumerate(self._pages, start=1):
            if number > LOOK_PAGES:
                raise Unavailable(f"{self._pages.where} has more than {LOOK_PAGES} pages")
            for page in self._listed(items, number, seen):
                mark.add(page)
        return f"{mark}"

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        """By a listing of its own, as far as that is needed."""
        wanted = {entry.key for entry in entries}
        for items in self._pages if wanted else ():
            for item in items:
                key = self._key(item)
                if key in wanted:
                    wanted.remove(key)
                    yield self._read(key, item)
            if not wanted:
                return
        for key in sorted(wanted):
            yield ItemFailure(key, "vanished", f"{self._pages.where} does not show it any more")

    def _listed(
        self, items: Sequence[Any], number: int | None, seen: set[str]
    ) -> Iterator[ListingPage]:
        """The items that were not seen before, in pieces. `number`: that of their page, where what
        has no id is to be told."""
        answers: list[Body | ItemFailure] = []
        for place, item in enumerate(items, start=1):
            key = self._key(item)
            if key is None:
                if number is not None:
                    answers.append(self._nameless(number, place))
            elif key not in seen:
                seen.add(key)
                answers.append(self._read(key, item))
        for start in range(0, len(answers), PAGE_ITEMS):
            piece = answers[start : start + PAGE_ITEMS]
            bodies = {one.key: one for one in piece if isinstance(one, Body)}
            yield ListingPage(
                entries=listing_of(bodies.values()),
                bodies=bodies,
                failures=tuple(one for one in piece if isinstance(one, ItemFailure)),
                resume=ANEW,
            )

    def _key(self, item: Any) -> str | None:
        try:
            key = found(self._selection.id, item)
        except ValueError:
            return None
        if isinstance(key, bool) or not isinstance(key, (str, int)) or key == "":
            return None
        return str(key)

    def _nameless(self, number: int, place: int) -> ItemFailure:
        reason = f"it has no text or number at `id: {self._selection.id}`"
        return ItemFailure(f"page {number}, item {place}", "no_id", reason)

    def _read(self, key: str, item: Any) -> Body | ItemFailure:
        try:
            said = _Said.of(item, self._selection)
        except ValueError as error:
            return ItemFailure(key, "unreadable", f"{error}")
        if len(said.content) > self.limits.max_bytes:
            reason = f"it has {len(said.content)} bytes; {self.limits.max_bytes} are allowed"
            return ItemFailure(key, "too_large", reason)
        return Body(
            key=key,
            version=said.version(),
            content=said.content,
            name=said.name,
            url=said.link or self._pages.address,
            title=said.title,
            modified_at=said.modified_at,
            attributes=said.attributes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What is read of an item."""

    content: bytes
    name: str
    title: str | None
    link: str | None
    modified_at: datetime | None
    attributes: Mapping[str, str]

    @classmethod
    def of(cls, item: Any, selection: JsonApiSelection) -> _Said:
        """Raises `ValueError`, which says what cannot be read."""
        if selection.text is None:
            content, name = written(item, indented=True), "item.json"
        else:
            content = _text(found(selection.text, item)).encode("utf-8", "replace")
            name = f"item.{_ENDINGS[selection.format]}"
        attributes = {
            attribute: word
            for attribute, expression in selection.attributes.items()
            if (word := _word(expression, item)) is not None
        }
        return cls(
            content=content,
            name=name,
            title=_word(selection.title, item),
            link=_word(selection.link, item),
            modified_at=_moment(_word(selection.modified, item)),
            attributes=attributes,
        )

    def version(self) -> str:
        said = [self.name, self.title, self.link, dict(self.attributes)]
        return blake2b(written(said) + self.content, digest_size=16).hexdigest()


def _text(value: Any) -> str:
    """A text, or the paragraphs of a list of texts."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n\n".join(_text(one) for one in value if one is not None)
    if isinstance(value, dict):
        raise ValueError("its `text` is an object, and neither a text nor a list of texts")
    return value if isinstance(value, str) else written(value).decode()


def _word(expression: str | None, item: Any) -> str | None:
    """What is found, in one line of text; a list or an object as JSON."""
    value = None if expression is None else found(expression, item)
    if value is None or isinstance(value, str):
        return value
    return written(value).decode()


def _moment(text: str | None) -> datetime | None:
    """A time without a zone is one of UTC. Raises `ValueError` for what is no time."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"its `modified` is no time in ISO 8601: {text[:80]!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
