"""What lost in a conflict is brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from livesync_pipelines.model.conflict import NEITHER, ConflictState, Refusal
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import conflicts
from livesync_pipelines.store.database import Connection, rows

_LOSERS: Mapping[str, tuple[Side, ...]] = {
    "source": (Side.TARGET,),
    "target": (Side.SOURCE,),
    "merged": (Side.SOURCE, Side.TARGET),
    "value": (Side.SOURCE, Side.TARGET),
}
"""By winner, the ends of which something was lost. Of a file, only what gave way as a whole."""


def restore(
    connection: Connection, conflict_id: int, take: Side | None = None, *, by: str, now: datetime
) -> dict[str, Any]:
    """Ask that what lost be brought back: a new conflict that is answered with it; where that is
    asked for already, the one that is there. `take`: what which end had said, which must be given
    where both have lost. Raises `NotFound`, `BadInput` where nothing has lost, or it was brought
    back already."""
    with connection.transaction():
        found = conflicts.one(connection, conflict_id)
        lost = _loser(found, take)
        if lost == Side.SOURCE and found["unfit"]:
            raise BadInput(
                f"What lost in conflict {conflict_id} is a value of the source that does not fit "
                f"the target, so both ends cannot have it: {found['unfit']}.",
                hint=f"`livesync conflicts show {conflict_id}` tells it; write it at the source.",
            )
        before = _restoring(connection, conflict_id)
        if before is not None and before["answer"]["value"] == found[lost]:
            return before
        row = connection.execute(
            "insert into livesync.conflicts (sync_id, key, field, policy, state, winner, reason,"
            " base, source, target, answer, settled_by, opened_at, operation_id) select sync_id,"
            " key, field, 'restore', 'answered', 'value', 'restores what lost in conflict ' ||"
            f" conflict_id, base, source, target, jsonb_build_object('value', {lost}, 'restores',"
            " conflict_id), %s, %s, operation_id from livesync.conflicts where conflict_id = %s"
            " on conflict (sync_id, key, coalesce(field, '')) where state <> 'settled' do update"
            " set state = 'answered', answer = excluded.answer, winner = excluded.winner,"
            " settled_by = excluded.settled_by returning conflict_id".encode(),
            (by, now, conflict_id),
        ).fetchone()
    assert row is not None
    return conflicts.one(connection, row[0])


def _loser(found: dict[str, Any], take: Side | None) -> Side:
    """Whose value is to come back."""
    number, winner = found["conflict_id"], found["winner"] or "nobody yet"
    losers = _LOSERS.get(winner, ())
    if found["state"] != ConflictState.SETTLED or not losers or (found["is_file"] and losers[1:]):
        raise BadInput(
            f"Conflict {number} has no loser: it is {found['state']}, and the winner is {winner}.",
            hint="Only what one end lost to the other can be restored.",
        )
    if take is None and losers[1:]:
        raise BadInput(
            f"In conflict {number} neither end's value stands, so both have lost.",
            hint="Say what is to come back: what the source had said, or the target "
            f"(`--take source`, `--take target`); `livesync conflicts show {number}` tells it.",
        )
    if take not in (None, *losers):
        raise BadInput(
            f"What the {take} said in conflict {number} is what was taken: it has not lost.",
            hint=f"What the {losers[0]} said comes back with `--take {losers[0]}`.",
        )
    return take or losers[0]


def refuse(
    connection: Connection, sync_id: str, found: Sequence[Refusal], *, now: datetime
) -> None:
    """Close what was asked to be brought back, or answered, and was not carried out, with the
    reason and what came first. What was to be brought back can be asked for again."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "update livesync.conflicts set state = 'settled', winner = %s, reason = %s,"
            " settled_by = coalesce(%s, settled_by), settled_at = %s where sync_id = %s"
            " and key = %s and field is not distinct from %s and state <> 'settled'",
            [(r.winner, r.why, r.by, now, sync_id, r.key, r.field) for r in found],
        )


def _restoring(connection: Connection, conflict_id: int) -> dict[str, Any] | None:
    """The conflict by which the loser of this one is about to be brought back. Raises `BadInput`
    where it has been."""
    found = rows(
        connection,
        f"select {conflicts.SHOWN} from livesync.conflicts"
        " where answer -> 'restores' = to_jsonb(%s::bigint) and winner is distinct from %s"
        " order by conflict_id desc limit 1",
        (conflict_id, NEITHER),
    )
    if found and found[0]["state"] == ConflictState.SETTLED:
        raise BadInput(
            f"What lost in conflict {conflict_id} was brought back already, by conflict "
            f"{found[0]['conflict_id']}.",
            hint="Write it at an end to have it again; if it lost again, restore that conflict.",
        )
    return found[0] if found else None
