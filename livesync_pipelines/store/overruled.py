"""Questions that nobody is asked any more, because their sync goes one way now, or does without
their field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from livesync_pipelines.model.conflict import LOOP, NEITHER, RESTORE, Answer
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store.database import Connection

BY = "mode"
"""Who has settled them."""


def overrule(
    connection: Connection, sync_id: str, *, ruler: Side, mode: str
) -> dict[tuple[str, str | None], Answer]:
    """Say of what is open, or answered and not carried out, that the ruler's value stands; returns
    that by key and field. What a person wants to have back is left alone, and so are frozen rows.
    """
    found = connection.execute(
        "update livesync.conflicts c set state = 'open', answer = null, winner = %(ruler)s,"
        " settled_by = %(by)s, reason = case when settled_by = %(by)s then reason else reason ||"
        " %(why)s || case when state = 'answered' then ', whatever was answered' else '' end end"
        " where sync_id = %(sync)s and state <> 'settled' and policy <> %(loop)s"
        " and not (policy = %(restore)s and state = 'answered') and not exists (select from"
        " livesync.conflicts l where l.sync_id = c.sync_id and l.key = c.key"
        " and l.policy = %(loop)s and l.state = 'open') returning key, field, source, target",
        {
            "ruler": ruler,
            "by": BY,
            "why": f"; the sync's mode is {mode} now, so what the {ruler} says stands",
            "sync": sync_id,
            "loop": LOOP,
            "restore": RESTORE,
        },
    )
    return {
        (key, field): Answer(ruler, seen=(source, target)) for key, field, source, target in found
    }


def close_unmapped(
    connection: Connection, sync_id: str, fields: Sequence[str], *, now: datetime
) -> None:
    """Settle what is open of other fields than these, answered or not: each end keeps what it
    says, and what had lost can be asked for again."""
    connection.execute(
        "update livesync.conflicts set state = 'settled', answer = null, winner = %s,"
        " settled_by = 'mapping', settled_at = %s, reason = reason || '; the field is not mapped"
        " any more, so each end keeps what it says' where sync_id = %s and state <> 'settled'"
        " and field is not null and field <> all(%s)",
        (NEITHER, now, sync_id, list(fields)),
    )
