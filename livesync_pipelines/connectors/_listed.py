"""A whole listing at once, of few files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.model.records import Entry


class NoMemory:
    """Of a source that is seen for the first time."""

    note: str | None = None

    def states(self, keys: Sequence[str]) -> Mapping[str, str]:
        return {}

    def keys(self) -> Iterator[str]:
        return iter(())


def whole_listing(connector: Connector, where: str) -> Iterator[Entry]:
    """Everything that the selection holds; raises `Unavailable` where a part cannot be seen."""
    for page in connector.listing(NoMemory()):
        for failure in page.failures:
            raise Unavailable(f"{failure.key} in {where}: {failure.reason}", where=where)
        for row in page.entries.to_pylist():
            yield Entry(**row)
