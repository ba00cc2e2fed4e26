"""What a connector may remember, in plain dictionaries, fed with pages as the engine would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Entry, ListingPage


class FakeMemory:
    """The memory of a sync: empty at first, then what `keep` was told."""

    def __init__(self, keys: Sequence[str] = (), note: str | None = None) -> None:
        self._note = note
        self._states: dict[str, str | None] = dict.fromkeys(keys)

    @property
    def note(self) -> str | None:
        return self._note

    def states(self, keys: Sequence[str]) -> Mapping[str, str]:
        known = {key: self._states.get(key) for key in keys}
        return {key: state for key, state in known.items() if state is not None}

    def keys(self) -> Iterator[str]:
        return iter(sorted(self._states))

    def keep(self, pages: Sequence[ListingPage]) -> None:
        """After a run: every listed item is in step, what is gone is forgotten."""
        for page in pages:
            self._note = self._note if page.note is None else page.note
            for entry in entries_of(page):
                self._states[entry.key] = entry.state or self._states.get(entry.key)
            for key in page.gone:
                self._states.pop(key, None)


def entries_of(page: ListingPage) -> list[Entry]:
    """The rows of a page as values."""
    return [Entry(**row) for row in page.entries.to_pylist()]


def all_entries(pages: Sequence[ListingPage]) -> dict[str, Entry]:
    return {entry.key: entry for page in pages for entry in entries_of(page)}


def all_bodies(connector: Connector, pages: Sequence[ListingPage]) -> dict[str, Body | ItemFailure]:
    """What the items say, by key: what came along with the listing, and the rest fetched."""
    came = {key: body for page in pages for key, body in page.bodies.items()}
    wanted = [entry for key, entry in all_entries(pages).items() if key not in came]
    return came | {answer.key: answer for answer in connector.fetch(wanted)}
