"""Conflicts: those that wait for an answer, and what lost in those that are settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from livesync_pipelines.model.conflict import RESTORE, Answer, Conflict, ConflictState
from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.model.merge import MergePolicy, Side
from livesync_pipelines.store import conflict_values, copied_files, events, outbox, row_shapes
from livesync_pipelines.store.database import OF_PROJECT, Connection, rows
from livesync_pipelines.store.operations import Operation

SHOWN = (
    "conflict_id, sync_id, key, field, policy, state, winner, reason, base, source, target,"
    " unfit, answer, source_actor, target_actor, source_time, target_time, owner, deadline,"
    " opened_at, settled_at, settled_by, operation_id::text, coalesce((select (s.config ->>"
    " 'copies')::boolean from livesync.syncs s where s.sync_id = conflicts.sync_id), false)"
    " as is_file"
)
_LISTED = (
    "from livesync.conflicts where (%s::text is null or sync_id = %s)"
    f" and {OF_PROJECT} and (%s or state <> 'settled')"
)


def write(
    connection: Connection,
    operation: Operation,
    found: Iterable[Conflict],
    *,
    seen: Sequence[str],
    now: datetime,
) -> None:
    """Note these conflicts, but not in a rehearsal, and tell who watches of those that are new and
    open. `seen` are the keys that were just brought together: what was open of them and is not
    found again is settled, for both ends agree, or an answer was carried out."""
    if operation.rehearsed:
        return
    sync_id, policy = operation.sync.sync_id, operation.sync.policy
    still = list(found)
    if seen:
        connection.execute(
            "update livesync.conflicts c set state = 'settled', settled_at = %s, winner ="
            " coalesce(winner, 'agreed'), settled_by = coalesce(settled_by, 'both ends')"
            " where sync_id = %s and key = any(%s) and state <> 'settled' and not exists (select"
            " from unnest(%s::text[], %s::text[]) f (key, field) where f.key = c.key"
            " and f.field is not distinct from c.field)",
            (
                now,
                sync_id,
                list(seen),
                [each.key for each in still if each.winner is None],
                [each.field for each in still if each.winner is None],
            ),
        )
    opened = []
    with connection.cursor() as cursor:
        for each in still:
            query = _OPEN if each.winner is None else _LOST
            cursor.execute(query, _values(operation, each, policy, now))
            if each.winner is None and cursor.fetchone() == (True,):
                opened.append(each)
    if opened:
        outbox.note_conflicts(connection, operation, opened, now)
        events.note_conflicts(connection, operation, opened, now=now)


_NOTED = (
    "insert into livesync.conflicts (sync_id, key, field, policy, state, winner, reason, base,"
    " source, target, unfit, source_actor, target_actor, source_time, target_time, owner, deadline,"
    " opened_at, settled_at, settled_by, operation_id) values (%(sync_id)s, %(key)s, %(field)s,"
    " %(policy)s, {state}, %(winner)s, %(reason)s, %(base)s, %(source)s, %(target)s,"
    " %(unfit)s, %(source_actor)s, %(target_actor)s, %(source_time)s, %(target_time)s, {open},"
    " %(now)s, {settled}, %(operation_id)s)"
)
_LOST = _NOTED.format(state="'settled'", open="null, null", settled="%(now)s, 'policy'")
_OPEN = (
    _NOTED.format(state="'open'", open="%(owner)s, %(deadline)s", settled="null, null")
    + " on conflict (sync_id, key, coalesce(field, '')) where state <> 'settled' do update set"
    " source = excluded.source, target = excluded.target, unfit = excluded.unfit,"
    " source_actor = excluded.source_actor, target_actor = excluded.target_actor,"
    " source_time = excluded.source_time, target_time = excluded.target_time,"
    " reason = excluded.reason, state = 'open', answer = null, winner = null,"
    " settled_by = null returning xmax = 0"
)


def _values(
    operation: Operation, each: Conflict, policy: MergePolicy, now: datetime
) -> dict[str, Any]:
    return {
        "sync_id": operation.sync.sync_id,
        "key": each.key,
        "field": each.field,
        "policy": each.policy,
        "winner": each.winner,
        "reason": each.reason,
        "base": Jsonb(each.base),
        "source": Jsonb(each.source.value),
        "target": Jsonb(each.target.value),
        "unfit": each.unfit,
        "source_actor": each.source.actor,
        "target_actor": each.target.actor,
        "source_time": each.source.at,
        "target_time": each.target.at,
        "owner": policy.owner,
        "deadline": now + timedelta(seconds=policy.answer_within_s),
        "now": now,
        "operation_id": operation.operation_id,
    }


def listed(
    connection: Connection,
    *,
    sync_id: str | None = None,
    project_id: str | None = None,
    settled: bool = False,
    limit: int | None = 100,
) -> list[dict[str, Any]]:
    """Open conflicts, or with `settled` all of them, newest first; without a limit, each one."""
    return rows(
        connection,
        f"select {SHOWN} {_LISTED} order by conflict_id desc limit %s",
        (sync_id, sync_id, project_id, project_id, settled, limit),
    )


def newest(
    connection: Connection,
    *,
    sync_id: str | None,
    project_id: str | None = None,
    settled: bool,
    limit: int | None,
) -> tuple[list[dict[str, Any]], int]:
    """What `listed` says, and how many more there are."""
    found = listed(connection, sync_id=sync_id, project_id=project_id, settled=settled, limit=limit)
    asked = sync_id, sync_id, project_id, project_id, settled
    (counted,) = rows(connection, f"select count(*) as n {_LISTED}", asked)
    return found, int(counted["n"]) - len(found)


def of_key(connection: Connection, sync_id: str, key: str, *, limit: int) -> list[dict[str, Any]]:
    """The conflicts about one row or file, whatever became of them, newest first."""
    return rows(
        connection,
        f"select {SHOWN} from livesync.conflicts where sync_id = %s and key = %s"
        " order by conflict_id desc limit %s",
        (sync_id, key, limit),
    )


def one(connection: Connection, conflict_id: int) -> dict[str, Any]:
    """Raises `NotFound`."""
    found = rows(
        connection,
        f"select {SHOWN} from livesync.conflicts where conflict_id = %s",
        (conflict_id,),
    )
    if not found:
        raise unknown(conflict_id)
    return found[0]


def unknown(conflict_id: int) -> NotFound:
    return NotFound(f"There is no conflict {conflict_id}.", hint="See `livesync conflicts list`.")


def answer(connection: Connection, conflict_id: int, given: Answer, *, by: str) -> dict[str, Any]:
    """Choose for an open conflict; the next run carries it out. What was answered before, and is
    not carried out yet, is `replaced`. Raises `NotFound`, `BadInput` for one that is settled, for a
    value in place of a file or a row, and for one of another kind."""
    with connection.transaction():
        found = one(connection, conflict_id)
        if found["state"] == ConflictState.SETTLED:
            raise BadInput(
                f"Conflict {conflict_id} is settled already: {found['winner']} was taken.",
                hint=f"To bring the other value back: `livesync conflicts restore {conflict_id}`.",
            )
        if given.side is None and copied_files.is_copy(connection, found["sync_id"]):
            raise BadInput(
                f"Conflict {conflict_id} is about a file, which takes no value.",
                hint="Take the file of one end: `--take source`, or `--take target`.",
            )
        if given.side is Side.SOURCE and found["unfit"]:
            raise BadInput(
                f"What the source says in conflict {conflict_id} does not fit the target: "
                f"{found['unfit']}.",
                hint="Take the target's, or give a value: `--take target`, `--value ...`. Or "
                "correct it at the source, or the mapping: then it settles itself.",
            )
        if given.side is None:
            shape = row_shapes.written(connection, found["sync_id"])
            column = shape.column(found["field"]) if shape else None
            conflict_values.refuse_unfit(found, given.value, column)
        connection.execute(
            "update livesync.conflicts set state = 'answered', answer = %s, winner = %s,"
            " settled_by = %s where conflict_id = %s",
            (_told(given), given.side or "value", by, conflict_id),
        )
    return {**one(connection, conflict_id), "replaced": found["answer"]}


def due(
    connection: Connection, sync_id: str, *, now: datetime, otherwise: Side | None
) -> dict[tuple[str, str | None], Answer]:
    """What is to be carried out now, by key and field: the answers, and for questions whose
    deadline has passed, the end that the policy names (None: they stay open)."""
    found = connection.execute(
        "select key, field, state, answer, policy, source, target from livesync.conflicts"
        " where sync_id = %s"
        " and (state = 'answered' or (state = 'open' and policy <> 'loop' and deadline <= %s))",
        (sync_id, now),
    ).fetchall()
    answers = {}
    for key, field, state, given, policy, source, target in found:
        if state == ConflictState.ANSWERED and policy == RESTORE and "side" not in given:
            seen = source, target
            answers[key, field] = Answer(value=given.get("value"), seen=seen, restores=True)
        elif state == ConflictState.ANSWERED:
            side = Side(given["side"]) if "side" in given else None
            answers[key, field] = Answer(side, given.get("value"), (source, target))
        elif otherwise is not None:
            answers[key, field] = Answer(otherwise, seen=(source, target))
    return answers


def note_deadline(connection: Connection, sync_id: str, *, now: datetime, side: Side) -> None:
    """Say of open questions whose time is over who won."""
    connection.execute(
        "update livesync.conflicts set winner = %s, settled_by = 'deadline' where sync_id = %s"
        " and state = 'open' and policy <> 'loop' and deadline <= %s",
        (side, sync_id, now),
    )


def noted(connection: Connection, sync_id: str) -> set[str]:
    """The keys of rows of which a conflict is open, a cell is kept apart, or that have failed."""
    found = connection.execute(
        "select key from livesync.conflicts where sync_id = %(s)s and state <> 'settled'"
        " union select key from livesync.bad_cells where sync_id = %(s)s"
        " union select key from livesync.item_failures where sync_id = %(s)s",
        {"s": sync_id},
    )
    return {key for (key,) in found}


def frozen(connection: Connection, sync_id: str) -> set[str]:
    """The keys that are left alone, for their ends kept rewriting them."""
    found = connection.execute(
        "select key from livesync.conflicts where sync_id = %s and policy = 'loop'"
        " and state = 'open'",
        (sync_id,),
    )
    return {key for (key,) in found}


def _told(given: Answer) -> Jsonb:
    return Jsonb({"side": str(given.side)} if given.side else {"value": given.value})
