"""What a listing without an order has shown so far, so that its end can tell what it has not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from livesync_pipelines.store.database import Connection

_PIECE = 1_000


class SeenKeys:
    """The keys of one listing from its start, in a temporary table of this connection: they take
    no memory here, and nothing is left of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection.execute(
            'create temporary table if not exists seen_keys (key text collate "C" not null)'
        )
        connection.execute("truncate pg_temp.seen_keys")

    def add(self, keys: Iterable[str]) -> None:
        """Note what a page shows; a key may come twice."""
        with (
            self._connection.cursor() as cursor,
            cursor.copy("copy pg_temp.seen_keys from stdin") as out,
        ):
            for key in keys:
                out.write_row((key,))

    def missing(self, sync_id: str) -> Iterator[list[str]]:
        """The keys that are in step and were never shown, in pieces, ascending."""
        self._connection.execute("analyze pg_temp.seen_keys")
        after = ""
        while piece := self._missing_after(sync_id, after):
            yield piece
            after = piece[-1]

    def _missing_after(self, sync_id: str, after: str) -> list[str]:
        found = self._connection.execute(
            "select key from livesync.shadow s where sync_id = %s and key > %s"
            " and not exists (select from pg_temp.seen_keys k where k.key = s.key)"
            " order by key limit %s",
            (sync_id, after, _PIECE),
        )
        return [key for (key,) in found]
