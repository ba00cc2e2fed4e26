"""One sync of rows, its two ends brought in step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core import guard
from livesync_pipelines.core.row_values import differs, whole
from livesync_pipelines.engine.asking import mark_of_rows
from livesync_pipelines.engine.collecting import seldom_collected
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.pacing import ends_connected
from livesync_pipelines.engine.row_changes import Changes
from livesync_pipelines.engine.row_following import arrive, cursors_now, follow, seen_until
from livesync_pipelines.engine.row_frozen import look_at_frozen
from livesync_pipelines.engine.row_linking import doubts
from livesync_pipelines.engine.row_meet import bring_together
from livesync_pipelines.engine.row_met import has_lost
from livesync_pipelines.engine.row_opening import opened
from livesync_pipelines.engine.row_pass import RowErrand, RowHands, RowPass, at
from livesync_pipelines.engine.row_reading import read_both
from livesync_pipelines.engine.row_walking import walked
from livesync_pipelines.engine.row_widening import told
from livesync_pipelines.engine.writer import Inline, Writer
from livesync_pipelines.model.operation import Status
from livesync_pipelines.store import approvals, catalog, intents, shadow, tenure, unsettled
from livesync_pipelines.store.commit import Batch
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.intents import Intent
from livesync_pipelines.store.operations import Outcome
from livesync_pipelines.store.row_commit import RowCommit


def synchronise_rows(engine: Engine, connection: Connection, errand: RowErrand) -> Outcome:
    """Bring both ends in step, as the sync's mode and policies say."""
    operation, sync = errand.operation, errand.operation.sync
    assert sync.target is not None
    ends = (
        catalog.connection_of(connection, sync.connection),
        catalog.connection_of(connection, sync.target.connection),
    )
    with (
        seldom_collected(),
        ends_connected(engine, ends, sync, errand.lane) as both,
        _hands(engine, connection, dry=errand.dry) as hands,
    ):
        mark = mark_of_rows(engine, sync, both) if operation.place.cursor is None else None
        this = opened(engine, connection, errand, both, hands)
        cursors = cursors_now(this)
        _finish_what_was_begun(this)
        look_at_frozen(this)
        _answer(this)
        doubtful = doubts(this)
        if doubtful is not None:
            return Outcome(Status.WAITING, doubtful)
        followed = follow(this)
        if followed is None:
            _walk_through(this)
        refusal = _settle_absences(this)
        this.begin(Batch)  # for rows that have failed beside no others
        this.wait()
        if refusal is None and not this.unfinished:
            if followed is None:
                _resolve_letters(this)
            arrive(this, cursors, followed)
    if refusal is not None:
        return Outcome(Status.WAITING, refusal, settled=True, mark=seen_until(cursors))
    if this.unfinished:
        return Outcome(Status.PARTIAL, _not_whole(this), settled=True)
    if this.narrow:
        return Outcome(Status.PARTIAL, told(sync, this.narrow), settled=True)
    status = Status.PARTIAL if operation.counts.failed else Status.SUCCESS
    return Outcome(status, settled=True, mark=operation.place.cursor or mark)


def _not_whole(this: RowPass) -> dict[str, str]:
    ends = " and the ".join(sorted(this.unfinished))
    return {
        "code": "not_whole",
        "message": f"The {ends} could not be read as a whole, so deletions wait at both ends.",
        "hint": f"`livesync status {this.sync_id}` names the rows that have no key, or "
        "share one. Once these are mended, deletions go on.",
        "where": "",
    }


def _resolve_letters(this: RowPass) -> None:
    """After all rows were looked at: what failed before, and does not now, is mended or gone. Where
    rows were left for the next run, that run tells."""
    this.wait()
    if this.left_behind:
        return
    failed = shadow.failed_before(this.connection, this.sync_id).keys()
    mended = sorted(failed - this.failing - this.frozen)
    if mended:
        this.begin(lambda: Batch(dropped=mended))
        this.wait()


def _finish_what_was_begun(this: RowPass) -> None:
    """Look whether what an operation that died was about to write has landed; what has is told as
    if nothing had happened (so that it is nobody's edit), the rest is decided anew. What was
    overwritten is kept in any case; what was to be asked, or kept apart, is found once more."""
    begun = intents.left(this.connection, this.sync_id)
    for intent in begun:
        this.begin(partial(_what_landed, this, intent))
    this.wait()
    meet_keys(this, sorted({key for intent in begun for key in intent.lines["key"].to_pylist()}))


def _what_landed(this: RowPass, intent: Intent) -> Batch:
    lines = intent.lines
    met = read_both(this, lines["key"].combine_chunks())
    lines, _ = at(lines, whole(lines["key"]), met.keys)
    astray = pc.or_(
        pc.and_(lines["to_source"], differs(met.source_mark, lines["source_mark"])),
        pc.and_(lines["to_target"], differs(met.target_mark, lines["target_mark"])),
    )
    landed = lines.filter(pc.invert(astray))
    keys = set(landed["key"].to_pylist())
    this.told_of |= keys
    lost = [each for each in intent.conflicts if each.key in keys or has_lost(met, each)]
    return Batch(
        rows=RowCommit(lines=landed, intent=intent.intent_id, conflicts=lost, policy="read back")
    )


def _answer(this: RowPass) -> None:
    """Carry out what people have answered."""
    meet_keys(this, sorted({key for key, _ in this.answers}))


def meet_keys(this: RowPass, keys: list[str]) -> None:
    """Bring the rows with these keys together, as both ends have them now."""
    for start in range(0, len(keys), this.page_rows):
        some = pa.array(keys[start : start + this.page_rows], pa.string())
        bring_together(this, read_both(this, some))
    this.told_of.update(keys)
    this.wait()


def _walk_through(this: RowPass) -> None:
    unsettled.forget(this.own, this.sync_id)
    this.operation.counts.expected = tenure.count_items(this.connection, this.sync_id)
    changes = Changes(this)
    for stretch in walked(this):
        changes.take(stretch)
    changes.flush()
    this.wait()


@contextmanager
def _hands(engine: Engine, connection: Connection, *, dry: bool) -> Iterator[RowHands]:
    """What reads, notes, sends and commits: side by side, or in turn on one connection."""
    if dry:
        yield RowHands(connection, connection, Inline(), Inline(), Inline())
        return
    database = engine.database
    with (
        database.connect() as reading,
        database.connect() as noting,
        Writer() as writer,
        Writer() as sender,
        Writer() as noter,
    ):
        yield RowHands(reading, noting, noter, sender, writer)


def _settle_absences(this: RowPass) -> dict[str, str] | None:
    """Bring together what an end does not show any more; returns what a person is told for whom
    that must wait, or None. Each row is looked for once more by its key first."""
    sync_id, limits = this.sync_id, this.operation.sync.limits
    if this.unfinished:
        unsettled.forget(this.own, sync_id)
        return None
    removals = unsettled.count_absent(this.connection, sync_id)
    if removals > limits.delete_items and not approvals.cover_all(this.connection, sync_id):
        known = tenure.count_items(this.connection, sync_id) - this.operation.counts.added
        ends = unsettled.ends_without(this.connection, sync_id)
        refusal = guard.refusal(
            removals={"": removals},
            totals={"": known},
            limits=limits,
            waited=approvals.waited(this.connection, sync_id),
            ends=ends,
        )
        if refusal is not None:
            return guard.waiting(sync_id, refusal, ends)
    absent = unsettled.absent(this.connection, sync_id, but=[])
    meet_keys(this, [key for key in absent if key not in this.frozen])
    unsettled.forget(this.own, sync_id)
    return None
