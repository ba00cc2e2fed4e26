"""What the connectors share that call a vendor's API: their client, and how items are read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from livesync_pipelines.connectors.base import Connector, FetchLimits, Options
from livesync_pipelines.formats.limits import Unreadable
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Entry
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.net.verdict import BadAnswer, Gone

_ANSWER_BYTES = 50_000_000
"""Of JSON: a page of a thousand files. What a file may have is said when it is downloaded."""


def client_for(limits: FetchLimits, *, max_bytes: int = _ANSWER_BYTES) -> Client:
    """Within the limits, but for how large an answer may be."""
    return Client(
        allow_private=limits.allow_private,
        timeout_s=limits.timeout_s,
        max_bytes=max_bytes,
        pacer=limits.pacer,
        tries=limits.tries,
    )


class Called(Connector):
    """A connector that calls a vendor's API, `width` items at once. `_client` is closed with it."""

    width: ClassVar[int] = 8

    def __init__(
        self,
        connection: Options,
        selection: Options,
        limits: FetchLimits,
        *,
        max_bytes: int = _ANSWER_BYTES,
    ) -> None:
        super().__init__(connection, selection, limits)
        self._client = client_for(limits, max_bytes=max_bytes)

    @abstractmethod
    def read(self, entry: Entry) -> Body | ItemFailure:
        """One item, in any number of calls. `Gone`, and what is wrong with an answer or with the
        item, may be raised: that concerns this item alone."""

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        return fan_out(self._read, entries, width=self.width)

    def close(self) -> None:
        self._client.close()

    def _read(self, entry: Entry) -> Body | ItemFailure:
        most = self.limits.max_bytes
        if entry.size is not None and entry.size > most:
            reason = f"it has {entry.size} bytes; {most} are allowed"
            return ItemFailure(entry.key, "too_large", reason)
        try:
            return self.read(entry)
        except Gone as error:
            return ItemFailure(entry.key, "vanished", error.message)
        except BadAnswer as error:
            return ItemFailure(entry.key, error.code, error.message)
        except Unreadable as error:
            return ItemFailure(entry.key, error.code, error.reason)
