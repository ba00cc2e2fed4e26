"""What a listing or a feed leaves to settle: absences, arrivals that may be renames, and items
that failed and of which a feed does not tell again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.records import Entry
from livesync_pipelines.store.database import Connection

_MANY = 100_000
NOT_LISTED = "not_listed"
"""The reason of an absence that nobody told of: it counts only after a complete listing."""
GONE_AT = {side: f"gone_at_{side}" for side in Side}
"""The reason of a row that this end does not show any more, and the other may."""
GONE = "gone"
"""The reason of a row that neither end shows any more: none is removed for it."""
DOUBTFUL = "doubtful"
"""The reason of a row that is not absent at all: before it is linked, a person is asked."""


def forget(connection: Connection, sync_id: str, *, reason: str | None = None) -> None:
    """Drop what a listing left to settle; with a reason, only the absences of that reason."""
    connection.execute(
        "delete from livesync.unsettled where sync_id = %s"
        " and (%s::text is null or (kind = 'absent' and reason = %s))",
        (sync_id, reason, reason),
    )


def forget_unseen(
    connection: Connection, sync_id: str, *, keys: Sequence[str], below: Sequence[str]
) -> None:
    """These keys, and all below these prefixes, were not seen: that they were not listed means
    nothing."""
    connection.execute(
        "delete from livesync.unsettled u where sync_id = %s and kind = 'absent' and reason = %s"
        " and (key = any(%s)"
        " or exists(select from unnest(%s::text[]) prefix where starts_with(key, prefix)))",
        (sync_id, NOT_LISTED, list(keys), list(below)),
    )


def among(connection: Connection, sync_id: str, keys: Sequence[str]) -> list[str]:
    """Which of these keys a listing has left to settle."""
    found = connection.execute(
        "select distinct key from livesync.unsettled where sync_id = %s and key = any(%s)",
        (sync_id, list(keys)),
    )
    return [key for (key,) in found]


_ABSENT = "from livesync.unsettled where sync_id = %s and kind = 'absent' and key <> all(%s)"


def count_absent(connection: Connection, sync_id: str, *, but: Sequence[str] = ()) -> int:
    """How many items may have to be removed, but for these."""
    query = f"select count(*) {_ABSENT} and reason <> %s".encode()
    row = connection.execute(query, (sync_id, list(but), GONE)).fetchone()
    return row[0] if row else 0


def ends_without(connection: Connection, sync_id: str) -> set[Side]:
    """The ends that do not show rows any more which may have to be removed at the other."""
    query = f"select distinct reason {_ABSENT}".encode()
    reasons = {reason for (reason,) in connection.execute(query, (sync_id, []))}
    return {side for side in Side if GONE_AT[side] in reasons}


def absent(connection: Connection, sync_id: str, *, but: Sequence[str]) -> Iterator[str]:
    """Every key that may have to go, but for these, in order."""
    query = f"select key {_ABSENT} order by key".encode()
    with connection.cursor() as cursor:
        for (key,) in cursor.stream(query, (sync_id, list(but))):
            yield key


def first_absent(
    connection: Connection, sync_id: str, *, but: Sequence[str], limit: int
) -> dict[str, str]:
    """The first of the keys that may have to go, but for these, each with the reason."""
    query = f"select key, reason {_ABSENT} order by key limit %s".encode()
    return dict(connection.execute(query, (sync_id, list(but), limit)).fetchall())


def absent_and_unread(
    connection: Connection, sync_id: str, unread: Sequence[Entry], *, identity_reused: bool
) -> list[str]:
    """The absent keys whose items go by a newer name now, one of those that could not be read.

    Where an identity may have come to another item, only one of the same size and time is it.
    """
    newer = [*unread, *owed(connection, sync_id, after="", limit=_MANY)]
    named = {entry.identity: entry for entry in newer if entry.identity is not None}
    found = connection.execute(
        "select s.key, s.identity, s.size, s.modified_at from livesync.unsettled u"
        " join livesync.shadow s on s.sync_id = u.sync_id and s.key = u.key"
        " where u.sync_id = %s and u.kind = 'absent' and s.identity = any(%s) order by s.key",
        (sync_id, list(named)),
    )
    return [
        key
        for key, identity, *known in found
        if not identity_reused or known == [named[identity].size, named[identity].modified_at]
    ]


def absent_by_identity(
    connection: Connection, sync_id: str, identities: Sequence[str]
) -> dict[str, str]:
    """The absent keys whose items have these identities, by identity."""
    found = connection.execute(
        "select s.identity, s.key from livesync.unsettled u"
        " join livesync.shadow s on s.sync_id = u.sync_id and s.key = u.key"
        " where u.sync_id = %s and u.kind = 'absent' and s.identity = any(%s) order by s.key",
        (sync_id, list(identities)),
    )
    return dict(found.fetchall())


def arrivals(connection: Connection, sync_id: str, *, limit: int) -> list[Entry]:
    """The first of the new keys that wait for the end of the listing."""
    found = connection.execute(
        "select key, entry from livesync.unsettled where sync_id = %s and kind = 'arrived'"
        " order by key limit %s",
        (sync_id, limit),
    )
    return [_entry(key, entry) for key, entry in found]


def owed(connection: Connection, sync_id: str, *, after: str, limit: int) -> list[Entry]:
    """The next of the items that failed and must be read again, by key."""
    found = connection.execute(
        "select key, entry from livesync.unsettled where sync_id = %s and kind = 'owed'"
        ' and key > %s collate "C" order by key limit %s',
        (sync_id, after, limit),
    )
    return [_entry(key, entry) for key, entry in found]


def _entry(key: str, kept: Mapping[str, Any]) -> Entry:
    modified_at = kept["modified_at"]
    return Entry(
        key=key,
        version=kept["version"],
        identity=kept["identity"],
        size=kept["size"],
        modified_at=datetime.fromisoformat(modified_at) if modified_at else None,
        state=kept["state"],
    )


def entry_to_json(entry: Entry) -> str:
    """An entry as it is kept among the unsettled."""
    return json.dumps(
        {
            "version": entry.version,
            "identity": entry.identity,
            "size": entry.size,
            "modified_at": entry.modified_at.isoformat() if entry.modified_at else None,
            "state": entry.state,
        }
    )
