"""One sync that copies files from one of its ends to the other."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from livesync_pipelines.connectors.files import ReservesFiles
from livesync_pipelines.core import guard
from livesync_pipelines.core.copying import Agreed, Step
from livesync_pipelines.engine.copy_left import recognised
from livesync_pipelines.engine.copy_moves import with_moves
from livesync_pipelines.engine.copying import Copied, Seen, carry_out, plan_copy
from livesync_pipelines.engine.file_end import FileEnd
from livesync_pipelines.engine.file_pass import EndMemory, FilePass, Rehearsed
from livesync_pipelines.engine.file_restoring import bring_back
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.pacing import file_ends_connected
from livesync_pipelines.engine.row_pass import RowErrand
from livesync_pipelines.engine.write_access import refuse_read_only
from livesync_pipelines.model.errors import BadInput, LiveSyncError
from livesync_pipelines.model.merge import Policy, Side
from livesync_pipelines.model.operation import Op, Status
from livesync_pipelines.model.records import FailedBefore
from livesync_pipelines.model.sync import Mode, Trigger
from livesync_pipelines.store import (
    approvals,
    catalog,
    conflicts,
    copied_files,
    file_intents,
    shadow,
    tenure,
    unsettled,
)
from livesync_pipelines.store.commit import Batch, write
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Outcome

PIECE_FILES = 100
"""So many files are told of in one transaction."""

CONFLICT = "conflict"
_MOVED = "moved"


def synchronise_files(engine: Engine, connection: Connection, errand: RowErrand) -> Outcome:
    """Copy what has changed, as the sync's mode and policy say."""
    operation, sync = errand.operation, errand.operation.sync
    assert sync.target is not None
    ends = (
        catalog.connection_of(connection, sync.connection),
        catalog.connection_of(connection, sync.target.connection),
    )
    refuse_read_only(engine, ends, sync)
    with file_ends_connected(engine, ends, sync, errand.lane) as (source, target):
        this = _opened(engine, connection, errand, (source, target))
        before = shadow.failed_before(connection, sync.sync_id)
        _tell_listing(this)
        _set_aside(this, before)
        refusal = _hold_back(this)
        _bring_back(this)
        _copy(this)
        this.commit(healed=_healed(this, before))
    if refusal is not None:
        return Outcome(
            Status.WAITING, guard.waiting(sync.sync_id, refusal, [this.side]), settled=True
        )
    this.commit(note=this.notes())
    unsettled.forget(connection, sync.sync_id)
    file_intents.forget_all(connection, sync.sync_id)
    complete = this.plan.source.complete and this.plan.target.complete
    partial = operation.counts.failed > 0 or not complete
    return Outcome(Status.PARTIAL if partial else Status.SUCCESS, settled=complete)


def _opened(
    engine: Engine, connection: Connection, errand: RowErrand, ends: tuple[FileEnd, FileEnd]
) -> FilePass:
    """Both ends, listed, and what is to be done."""
    operation, sync = errand.operation, errand.operation.sync
    side = Side.TARGET if sync.mode is Mode.PUSH else Side.SOURCE
    order = 1 if side is Side.SOURCE else -1
    origin, goal = ends[::order]
    _refuse_within(origin, goal)
    unsettled.forget(connection, sync.sync_id)
    stored = copied_files.known(connection, sync.sync_id)
    known = stored if order > 0 else {n: Agreed(a[1], a[0], a[2]) for n, a in stored.items()}
    notes = json.loads(operation.place.note or "{}")
    here = EndMemory(notes.get(side), _held(known, 0))
    there = EndMemory(notes.get(side.other), _held(known, 1))
    asked = copied_files.in_question(connection, sync.sync_id)
    if isinstance(goal, ReservesFiles):
        goal.recall(file_intents.reserved(connection, sync.sync_id))
    plan = plan_copy(origin, goal, known, (here, there), full=operation.full)
    plan = recognised(plan, file_intents.left(connection, sync.sync_id))
    now, otherwise = engine.now(), sync.policy.otherwise
    last = Side.TARGET if otherwise is Policy.TARGET_WINS else Side.SOURCE
    due = conflicts.due(connection, sync.sync_id, now=now, otherwise=last)
    conflicts.note_deadline(connection, sync.sync_id, now=now, side=last)
    return FilePass(
        connection=connection,
        operation=operation,
        origin=origin,
        goal=Rehearsed(goal) if errand.dry else goal,
        side=side,
        plan=with_moves(plan, origin, goal),
        known=known,
        answers={key: answer for (key, _), answer in due.items()},
        in_question={name: (pair[::order][0], pair[::order][1]) for name, pair in asked.items()},
        untold=copied_files.untold(connection, sync.sync_id),
        now=engine.now,
        progress=errand.progress,
    )


def _held(known: Mapping[str, Agreed], end: int) -> dict[str, str]:
    """What an end (0: the origin) had when both agreed last, by name."""
    versions = {name: agreed[:2][end] for name, agreed in known.items()}
    return {name: version for name, version in versions.items() if version is not None}


def _refuse_within(origin: FileEnd, goal: FileEnd) -> None:
    """Raises `BadInput` where what is copied would be listed as new the next time."""
    if goal.place().startswith(origin.place()):
        raise BadInput(
            f"{goal.place()} lies within {origin.place()}, of which it is to be a copy.",
            hint="Copy to a place outside; or copy from a part of it that does not hold the copy.",
        )


def _tell_listing(this: FilePass) -> None:
    """Count what was listed, and what could not be."""
    counts, plan = this.operation.counts, this.plan
    counts.expected = tenure.count_items(this.connection, this.sync_id)
    counts.listed = len(plan.source.entries)
    counts.pages = plan.source.pages + plan.target.pages
    back = {name for name, answer in this.answers.items() if answer.restores}
    same = {*plan.names(Step.SAME)} & plan.source.entries.keys()
    counts.unchanged = len(same - back)
    ends = {this.side: (this.origin, plan.source), this.side.other: (this.goal, plan.target)}
    failed = {name: told for side in reversed(Side) for name, told in _unlisted(side, *ends[side])}
    for name, (code, reason) in failed.items():
        this.fails(name, code, reason)


def _unlisted(side: Side, end: FileEnd, seen: Seen) -> Iterator[tuple[str, tuple[str, str]]]:
    for each in seen.failures:
        yield end.name_of(each.key), (each.code, f"at the {side}: {each.reason}")


def _set_aside(this: FilePass, before: dict[str, FailedBefore]) -> None:
    """Leave out what waits: for an answer, or for its time after a failure. What was asked of, and
    is no question any more, is settled."""
    steps, aside = this.plan.steps, set[str]()
    for name, versions in this.in_question.items():
        asked = steps.get(name) in {Step.KEEP, Step.COMPARE}
        if asked and versions == this.versions(name) and this.winner(name) is None:
            aside.add(name)
            this.operation.counts.unchanged += 1
    open_ones = {*this.in_question, *(n for n, a in this.answers.items() if not a.restores)}
    this.piece.seen += [n for n in open_ones if n not in steps and _is_gone(this, n)]
    this.piece.seen += [n for n in open_ones if steps.get(n) is Step.SAME]
    for name, failed in before.items():
        waits = steps.get(name) in {Step.PUT, Step.MOVE, Step.COMPARE, Step.KEEP}
        if waits and failed.version == this.versions(name)[0] and not _may_heal(this, failed):
            aside.add(name)
            this.operation.counts.failed += 1
    this.plan = this.plan.without(aside)


def _may_heal(this: FilePass, failed: FailedBefore) -> bool:
    operation = this.operation
    if failed.version is None or operation.full or operation.trigger is Trigger.PERSON:
        return True
    return failed.retry_at is not None and failed.retry_at <= this.now()


def _is_gone(this: FilePass, name: str) -> bool:
    seen = this.plan.source
    return name not in seen.entries and seen.complete and not name.startswith(seen.blind)


def _healed(this: FilePass, before: dict[str, FailedBefore]) -> list[str]:
    """What failed and does so no more, or is no more."""
    done = {*this.plan.steps} - this.failing
    return [name for name in before if name in done or _is_gone(this, name)]


def _overwritten(this: FilePass) -> Collection[str]:
    """The names of which the origin's file stands, whatever the goal has."""
    return {name for name in this.plan.steps if this.winner(name) is this.side}


def _hold_back(this: FilePass) -> str | None:
    """Why removals must wait for a person, or None; those that must are taken out of the plan."""
    steps, overwritten = this.plan.steps, _overwritten(this)
    kept = {n for n in this.plan.names(Step.KEEP) if n not in this.plan.source.entries}
    gone = [n for n in steps if steps[n] is Step.REMOVE or (n in kept and n in overwritten)]
    limits = this.operation.sync.limits
    if len(gone) <= limits.delete_items:
        return None
    batch = Batch(absent=[(name, unsettled.NOT_LISTED) for name in gone])
    write(this.connection, this.operation, batch, now=this.now(), place=this.operation.place)
    if approvals.cover_all(this.connection, this.sync_id):
        return None
    totals = Counter({"": tenure.count_items(this.connection, this.sync_id)})
    refusal = guard.refusal(
        removals={"": len(gone)},
        totals=totals,
        limits=limits,
        waited=approvals.waited(this.connection, this.sync_id),
        ends=[this.side],
    )
    if refusal is not None:
        this.plan = this.plan.without(set(gone))
    return refusal


def _bring_back(this: FilePass) -> None:
    wanted = {name: answer for name, answer in this.answers.items() if answer.restores}
    this.plan = this.plan.without(wanted)
    for name, answer in wanted.items():
        bring_back(this, name, answer.value)
        this.commit()


def _copy(this: FilePass) -> None:
    """Carry out what was planned. What has been done is told, also where an end then fails."""
    try:
        plan, wins = this.plan, _overwritten(this)
        for done in carry_out(plan, this.origin, this.goal, wins, this.keep, this.note):
            _take(this, done)
            if len(this.piece.seen) + len(this.failures) >= PIECE_FILES:
                this.commit()
    except LiveSyncError:
        this.commit()
        raise


def _take(this: FilePass, done: Copied) -> None:
    """Put down what became of one file."""
    name, failure = done.name, done.failure
    this.piece.sent.append(name)
    if failure is None:
        _agree(this, done)
    elif failure.code != CONFLICT:
        version = None if failure.code == _MOVED else this.versions(name)[0]
        this.fails(name, failure.code, failure.reason, version)
        this.piece.unharmed += [name] if name in this.kept else []
    else:
        this.piece.unharmed += [name] if name in this.untold else []
        _decide(this, name, failure.reason)


def _agree(this: FilePass, done: Copied) -> None:
    name, known = done.name, this.known.get(done.name)
    here, there = this.versions(name)
    after = Agreed(*done.versions) if done.versions else None
    is_new = there is None if done.written else known is None
    op = Op.REMOVED if after is None else Op.ADDED if is_new else Op.UPDATED
    op = Op.MOVED if done.step is Step.MOVE and after is not None else op
    this.moves(name, op, after, written=done.written)
    if here is not None and done.step not in {Step.FORGET, Step.MOVE}:
        this.operation.counts.fetched += 1
        this.operation.counts.bytes += this.plan.source.entries[name].size or 0
    if done.lost is not None:
        _tell_loss(this, name, None)
    elif not done.written and name in this.untold:
        version, size = this.untold[name]
        _tell_loss(this, name, {"bytes": size, "modified_at": None, "version": version})


def _tell_loss(this: FilePass, name: str, lost: dict[str, object] | None) -> None:
    """The goal's own file has given way."""
    this.settles(this.conflict(name, f"the {this.side.other}'s own gave way", this.side, lost))


def _decide(this: FilePass, name: str, reason: str) -> None:
    """The goal has a file of its own, or has lost it: it stays so, or somebody is asked."""
    if this.winner(name) is not this.side.other:
        this.piece.seen.append(name)
        this.piece.conflicts.append(this.conflict(name, reason))
        return
    here, there = this.versions(name)
    after = None if here is None else Agreed(here, there, apart=True)
    this.moves(name, Op.UPDATED if after else Op.REMOVED, after, written=False)
    this.settles(this.conflict(name, reason, this.side.other))
