"""A reader of the capsule who never believes anything: each document whole, and its own version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from livesync_pipelines.core.chunk import chunk
from livesync_pipelines.model.sync import FieldMapping
from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines_tests.engine.house import SYNC
from livesync_pipelines_tests.proof.reference import Reference
from livesync_pipelines_tests.proof.source import Platform, Value

NAME = "reader"
"""Of its connection, which survives what happens to those of a run."""

_LOOK = """
select s.key, s.item_id, s.version, s.identity, t.text, r.attributes, d.attributes as mapped,
  (select jsonb_agg(jsonb_build_array(p.value ->> 'id', c.text) order by p.ordinality)
     from jsonb_array_elements(d.layout) with ordinality p
     left join livesync.chunks c on c.chunk_id = (p.value ->> 'id')::uuid) as chunks,
  (select count(*) from livesync.chunks c
    where c.sync_id = s.sync_id and c.item_id = s.item_id) as chunk_rows
from livesync.shadow s
left join livesync.records r using (sync_id, item_id)
left join livesync.documents d using (sync_id, item_id)
left join livesync.contents t on t.sync_id = s.sync_id and t.content_hash = d.content_hash
where s.sync_id = %s
"""


@lru_cache(maxsize=10_000)
def cut(text: str) -> tuple[str, ...]:
    return tuple(piece.text for piece in chunk(text))


@dataclass(slots=True)
class Reader:
    """Looks at the whole capsule at once, in a transaction of its own."""

    connection: Connection
    platform: Platform
    reference: Reference
    mappings: Sequence[Sequence[FieldMapping]]
    words: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connection.execute(f"set application_name = '{NAME}'".encode())

    def look(self) -> None:
        """Read the whole capsule, as a reader does: every document whole, and none out of place."""
        with self.reference.lock:
            found = self.rows()
            self._check_whole(found)
            self.reference.reads({row["key"]: value(row) for row in found})

    def rows(self) -> list[dict[str, Any]]:
        return rows(self.connection, _LOOK, (SYNC,))

    def _check_whole(self, found: Sequence[dict[str, Any]]) -> None:
        for row in found:
            key, text = row["key"], row["text"]
            pieces = row["chunks"] or []
            assert text is not None, f"'{key}' has a row and no document"
            assert tuple(words for _, words in pieces) == cut(text), f"'{key}' is a mix"
            assert row["chunk_rows"] == len({name for name, _ in pieces}), f"'{key}' has old chunks"
            held = self.platform.versions.get(row["version"], set())
            assert value(row) in held, f"'{key}' is not what its version {row['version']} was"
            fields = [mapped(one, row["attributes"]) for one in self.mappings]
            assert row["mapped"] in fields, f"'{key}' is mapped by halves"
            for name, words in pieces:
                known = self.words.setdefault((row["item_id"], words), name)
                assert known == name, f"words of '{key}' that stayed became another chunk"
        keys = [row["key"] for row in found]
        self.reference.counts.duplicated += len(keys) - len(set(keys))


def value(row: Mapping[str, Any]) -> Value:
    return row["text"], row["attributes"]["edit"]


def mapped(fields: Sequence[FieldMapping], attributes: dict[str, str]) -> dict[str, str]:
    """What a mapping makes of attributes that hold all of its sources."""
    if not fields:
        return attributes
    return {one.target: one.value or attributes[one.source or ""] for one in fields}
