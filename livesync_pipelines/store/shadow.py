"""What is known of the source: read in pieces, never whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import pyarrow as pa

from livesync_pipelines.model.records import FailedBefore, Known, Record
from livesync_pipelines.store.database import Connection

VERSIONS = pa.schema([("key", pa.string()), ("version", pa.string())])
_PIECE = 1_000
_REPLAY_PIECE = 500


_AFTER = """
select key, version from livesync.shadow where sync_id = %(sync_id)s
and key > %(after)s collate "C" order by key limit %(limit)s"""
_BETWEEN = _AFTER.replace(" order by", ' and key <= %(through)s collate "C" order by')
"""Two queries, for in a prepared one a bound that may be null is no bound of the index scan."""


def versions_between(
    connection: Connection, sync_id: str, *, after: str | None, through: str | None, limit: int
) -> pa.Table:
    """Key and version of the first items whose keys lie in (after, through]; None is no bound."""
    found = connection.execute(
        _BETWEEN if through is not None else _AFTER,
        {"sync_id": sync_id, "after": after or "", "through": through, "limit": limit},
    ).fetchall()
    return _versions(found)


_BELOW = """
select key, reason from livesync.shadow
join unnest(%(first)s::text[], %(past)s::text[], %(reasons)s::text[]) as told(first, past, reason)
on key >= first and key < past where sync_id = %(sync_id)s
union
select key, told.reason from livesync.unsettled
join unnest(%(first)s::text[], %(past)s::text[], %(reasons)s::text[]) as told(first, past, reason)
on key >= first and key < past where sync_id = %(sync_id)s"""


def keys_below(connection: Connection, sync_id: str, prefixes: Mapping[str, str]) -> dict[str, str]:
    """Every key with one of these prefixes that is in step or left to settle, with what stands at
    its prefix. A prefix ends in a slash, and the character after that one is 0."""
    asked = {
        "sync_id": sync_id,
        "first": list(prefixes),
        "past": [f"{prefix[:-1]}0" for prefix in prefixes],
        "reasons": list(prefixes.values()),
    }
    return dict(connection.execute(_BELOW, asked).fetchall())


def versions_of(connection: Connection, sync_id: str, keys: Sequence[str]) -> pa.Table:
    """Key and version of these items, as far as they are known."""
    found = connection.execute(
        "select key, version from livesync.shadow where sync_id = %s and key = any(%s)",
        (sync_id, list(keys)),
    ).fetchall()
    return _versions(found)


def _versions(found: list[Any]) -> pa.Table:
    keys, versions = zip(*found, strict=True) if found else ((), ())
    return pa.table([pa.array(keys, pa.string()), pa.array(versions, pa.string())], schema=VERSIONS)


_KNOWN_FIELDS = [known_field.name for known_field in fields(Known)]
_KNOWN = """
select s.item_id, s.key, s.version, s.identity, r.title, r.url, r.media_type, r.attributes,
       s.content_hash, s.fingerprint, d.attributes, d.layout, d.mapping_version, d.chunker_version
from livesync.shadow s
join livesync.records r using (sync_id, item_id)
join livesync.documents d using (sync_id, item_id)
where s.sync_id = %s and """


def known_by_key(connection: Connection, sync_id: str, keys: Sequence[str]) -> dict[str, Known]:
    """What was last applied of the items with these keys, by key and in their order."""
    if not keys:
        return {}
    query = _KNOWN + "s.key = any(%s) order by s.key"
    return {k.key: k for k in _known(connection, query, (sync_id, list(keys)))}


def stored_records(
    connection: Connection, sync_id: str, *, after: str
) -> list[tuple[Record, Known]]:
    """The next piece of all records, in the order of their item ids, each with its base."""
    query = _KNOWN + 's.item_id > %s collate "C" order by s.item_id limit %s'
    piece = list(_known(connection, query, (sync_id, after, _REPLAY_PIECE)))
    words = texts(connection, sync_id, [known.content_hash for known in piece])
    sizes = connection.execute(
        "select item_id, state, size, modified_at, fetched_at from livesync.shadow"
        " where sync_id = %s and item_id = any(%s)",
        (sync_id, [known.item_id for known in piece]),
    )
    rest = {item_id: values for item_id, *values in sizes.fetchall()}
    return [
        (_record(known, words[known.content_hash], *rest[known.item_id]), known) for known in piece
    ]


def _record(
    known: Known,
    text: str,
    state: str | None,
    size: int | None,
    modified_at: datetime | None,
    fetched_at: datetime,
) -> Record:
    return Record(
        item_id=known.item_id,
        key=known.key,
        version=known.version,
        title=known.title,
        text=text,
        url=known.url,
        media_type=known.media_type,
        attributes=known.attributes,
        size=size,
        modified_at=modified_at,
        fetched_at=fetched_at,
        content_hash=known.content_hash,
        fingerprint=known.fingerprint,
        identity=known.identity,
        state=state,
    )


def _known(connection: Connection, query: str, values: tuple[Any, ...]) -> Iterator[Known]:
    for row in connection.execute(query.encode(), values):
        named = dict(zip(_KNOWN_FIELDS, row, strict=True))
        named["chunk_ids"] = tuple(place["id"] for place in named["chunk_ids"])
        yield Known(**named)


def keys_by_identity(
    connection: Connection, sync_id: str, identities: Sequence[str]
) -> dict[str, str]:
    """Under which key each of these identities is known."""
    if not identities:
        return {}
    found = connection.execute(
        "select identity, key from livesync.shadow where sync_id = %s and identity = any(%s)",
        (sync_id, list(identities)),
    )
    return dict(found.fetchall())


def keys_before(connection: Connection, sync_id: str, operation_id: UUID) -> Iterator[str]:
    """Every key that is in step and was not brought in by this operation."""
    with connection.cursor() as cursor:
        query = (
            "select key from livesync.shadow s where sync_id = %s and not exists (select from"
            " livesync.ledger l where l.operation_id = %s and l.sync_id = s.sync_id"
            " and l.item_id = s.item_id and l.op = 'added')"
        )
        for (key,) in cursor.stream(query, (sync_id, operation_id)):
            yield key


def count_changed(
    connection: Connection, sync_id: str, keys: Sequence[str], operation_id: UUID
) -> int:
    """How many of these keys this operation has changed."""
    query = (
        "select count(*) from livesync.shadow s where s.sync_id = %s and s.key = any(%s)"
        " and exists (select from livesync.ledger l where l.sync_id = s.sync_id"
        " and l.item_id = s.item_id and l.operation_id = %s)"
    )
    found = connection.execute(query, (sync_id, list(keys), operation_id)).fetchone()
    return int(found[0]) if found else 0


def taken_ids(connection: Connection, sync_id: str, ids: Sequence[str]) -> set[str]:
    """Which of these item ids are in use."""
    found = connection.execute(
        "select item_id from livesync.shadow where sync_id = %s and item_id = any(%s)",
        (sync_id, list(ids)),
    )
    return {item_id for (item_id,) in found}


def failed_before(connection: Connection, sync_id: str) -> dict[str, FailedBefore]:
    """Every item that last failed, by key."""
    found = connection.execute(
        "select key, version, code, tries, retry_at from livesync.item_failures where sync_id = %s",
        (sync_id,),
    )
    return {key: FailedBefore(*rest) for key, *rest in found}


def texts(connection: Connection, sync_id: str, hashes: Sequence[bytes]) -> dict[bytes, str]:
    """The texts with these content hashes."""
    found = connection.execute(
        "select content_hash, text from livesync.contents"
        " where sync_id = %s and content_hash = any(%s)",
        (sync_id, list(hashes)),
    )
    return dict(found.fetchall())


def forget_failures(connection: Connection, sync_id: str, keys: Sequence[str]) -> None:
    """These items fail no more, or are no more."""
    connection.execute(
        "delete from livesync.item_failures where sync_id = %s and key = any(%s)",
        (sync_id, list(keys)),
    )


class StoredMemory:
    """What a connector is told of earlier runs; see `connectors.base.Memory`.

    A `blank` one knows which items there are and nothing else of them, so that a full resync
    reads everything anew.
    """

    def __init__(
        self, connection: Connection, sync_id: str, note: str | None, *, blank: bool = False
    ) -> None:
        self._connection = connection
        self._sync_id = sync_id
        self._note = None if blank else note
        self._blank = blank

    @property
    def note(self) -> str | None:
        return self._note

    def states(self, keys: Sequence[str]) -> Mapping[str, str]:
        if self._blank:
            return {}
        found = self._connection.execute(
            "select key, state from livesync.shadow"
            " where sync_id = %s and key = any(%s) and state is not null",
            (self._sync_id, list(keys)),
        )
        return dict(found.fetchall())

    def keys(self) -> Iterator[str]:
        after = ""
        while piece := self._keys_after(after):
            yield from piece
            after = piece[-1]

    def _keys_after(self, after: str) -> list[str]:
        found = self._connection.execute(
            "select key from livesync.shadow where sync_id = %s"
            ' and key > %s collate "C" order by key limit %s',
            (self._sync_id, after, _PIECE),
        )
        return [key for (key,) in found]
