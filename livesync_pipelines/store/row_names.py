"""Keys of rows as people write them (`core.row_keys.spoken`), and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from livesync_pipelines.core import row_keys
from livesync_pipelines.store import row_shapes
from livesync_pipelines.store.database import Connection

_Parts = tuple[list[str], list[pa.DataType]]


class RowNames:
    """Of any sync. What is no row (a file, a document, a place in a file) is called as it is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, _Parts | None] = {}

    def shown(self, sync_id: str, key: str) -> str:
        parts = self._parts(sync_id)
        return row_keys.spoken(key, *parts) if parts else key

    def meant(self, sync_id: str, said: str) -> list[str]:
        """The keys that somebody may mean who says this: the key itself can be said, too."""
        parts = self._parts(sync_id)
        key = row_keys.heard(said, *parts) if parts else None
        return [said] if key in {None, said} else [said, str(key)]

    def _parts(self, sync_id: str) -> _Parts | None:
        if sync_id not in self._known:
            shape = row_shapes.noted(self._connection, sync_id)
            types = [shape.schema.field(name).type for name in shape.key] if shape else []
            self._known[sync_id] = (list(shape.key), types) if shape else None
        return self._known[sync_id]


def told(
    connection: Connection,
    found: Iterable[Mapping[str, Any]],
    *,
    sync_id: str = "",
    names: Iterable[str] = ("key",),
) -> list[dict[str, Any]]:
    """What was found, with keys as people write them; `sync_id` is of what names none."""
    keys, names = RowNames(connection), tuple(names)
    return [
        {**one, **{n: keys.shown(one.get("sync_id", sync_id), one[n]) for n in names}}
        for one in found
    ]
