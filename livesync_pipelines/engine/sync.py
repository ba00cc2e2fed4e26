"""One sync, brought in step with its source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from livesync_pipelines.connectors.base import Connector, Feeds, Probes
from livesync_pipelines.core import guard
from livesync_pipelines.core.lanes import lane
from livesync_pipelines.core.patience import Next
from livesync_pipelines.engine.collecting import seldom_collected
from livesync_pipelines.engine.cutting import Cutter
from livesync_pipelines.engine.file_sync import synchronise_files
from livesync_pipelines.engine.following import FOLLOWED, follow
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.intake import Hands, Pass
from livesync_pipelines.engine.listing import GaveWay, arrive, walk
from livesync_pipelines.engine.operating import Cancelled, Errand, Progress, never, operate
from livesync_pipelines.engine.pacing import connected
from livesync_pipelines.engine.replay import replay
from livesync_pipelines.engine.row_pass import RowErrand
from livesync_pipelines.engine.row_sync import synchronise_rows
from livesync_pipelines.engine.settling import settle
from livesync_pipelines.engine.writer import Inline, Writer
from livesync_pipelines.formats.extract import ExtractLimits, Extractor
from livesync_pipelines.model.errors import BadInput, CursorExpired
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.spec import Absence, Lane
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import approvals, catalog, row_replay, shadow, tenure, unsettled
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation, Outcome

FEED, LISTING = "change feed", "listing"
RELISTING = "listing, for the change feed's cursor had expired"


def run_sync(
    engine: Engine,
    sync_id: str,
    *,
    trigger: Trigger,
    full: bool = False,
    run_id: str | None = None,
) -> SyncResult:
    """`run_errand` with nobody watching."""
    errand = Errand(sync_id=sync_id, trigger=trigger, full=full, run_id=run_id)
    return run_errand(engine, errand)


def run_errand(engine: Engine, errand: Errand) -> SyncResult:
    """Bring one sync's target in step with its source; see `operating.operate` for errors. Raises
    `Gone` where the database goes away meanwhile: the next operation goes on."""
    with engine.database.own() as connection:
        return carry_out(engine, connection, errand)


def replay_sync(
    engine: Engine, sync_id: str, *, run_id: str | None = None, cancelled: Cancelled = never
) -> SyncResult:
    """Map and chunk again what is stored, without asking the source. Raises `BadInput` for a sync
    of rows or of files, `Gone` as `run_errand` does."""
    errand = Errand(sync_id=sync_id, trigger=Trigger.REPLAY, run_id=run_id, cancelled=cancelled)
    with engine.database.own() as connection:
        return _replay(engine, connection, errand)


def carry_out(
    engine: Engine, connection: Connection, errand: Errand, *, alone: bool = False
) -> SyncResult:
    """A run on this connection; `alone`: on no other, so that a transaction around it holds all
    that it reads and writes.

    What another mapping or chunker has made is made again first, in an operation of its own.
    """
    sync = catalog.sync(connection, errand.sync_id)
    if engine.enabled and tenure.is_outdated(connection, sync):
        _replay(engine, connection, replace(errand, trigger=Trigger.REPLAY, full=False))

    def work(operation: Operation) -> Outcome:
        if sync.target is None:
            return _synchronise(engine, connection, operation, errand.progress, alone=alone)
        of_ends = RowErrand(operation, _lane(operation), errand.progress, dry=alone)
        if sync.copies:
            return synchronise_files(engine, connection, of_ends)
        row_replay.prepare(connection, operation)
        return synchronise_rows(engine, connection, of_ends)

    return operate(engine, connection, replace(errand, rehearsed=alone), work)


def _replay(engine: Engine, connection: Connection, errand: Errand) -> SyncResult:
    if catalog.sync(connection, errand.sync_id).target is not None:
        raise BadInput(
            f"Sync '{errand.sync_id}' keeps two ends in step: nothing of it is made from what is "
            "stored alone.",
            hint="Materialise its `source` too, or all of its assets. After a change of its "
            "mapping, its next run does every row again; "
            f"`livesync sync run {errand.sync_id} --full` compares both ends as a whole.",
        )

    def work(operation: Operation) -> Outcome:
        replay(connection, operation, now=engine.now)
        return Outcome(Status.SUCCESS)

    return operate(engine, connection, errand, work)


def _synchronise(
    engine: Engine,
    connection: Connection,
    operation: Operation,
    progress: Progress,
    *,
    alone: bool,
) -> Outcome:
    sync = operation.sync
    source = catalog.connection_of(connection, sync.connection)
    with (
        seldom_collected(),
        Extractor(ExtractLimits(max_bytes=sync.limits.item_bytes)) as extractor,
        Cutter(sync.sync_id) as cutter,
        _hands(engine, connection, alone=alone) as hands,
    ):

        def look() -> Outcome:
            with connected(engine, source, sync, _lane(operation)) as connector:
                this = Pass(
                    hands=hands,
                    own=connection,
                    operation=operation,
                    connector=connector,
                    extractor=extractor,
                    cutter=cutter,
                    now=engine.now,
                    progress=progress,
                    failed_before=shadow.failed_before(connection, sync.sync_id),
                )
                return _look(this)

        try:
            outcome = look()
            if operation.owes_look:
                tenure.look_anew(connection, operation)
                outcome = look()
        except GaveWay as gave_way:
            return _unfinished(gave_way.critical)
        return outcome


def _look(this: Pass) -> Outcome:
    """Take in and settle what the source tells, from the place where the operation stands."""
    operation = this.operation
    sync_id, resumed = operation.sync.sync_id, operation.place.goes_on
    known = tenure.count_items(this.own, sync_id)
    told_by, complete = _tell(this)
    proof = _proof(this, known, told_by=told_by, complete=complete, resumed=resumed)
    refusal = settle(this, complete=complete)
    if complete and told_by != FEED and refusal is None:
        arrive(this)
    if refusal is not None:
        waiting = guard.waiting(sync_id, refusal)
        return Outcome(Status.WAITING, waiting, settled=True, proof=proof)
    partial = operation.counts.failed > 0 or not complete
    comparable = complete and told_by != FEED and not resumed and _tells_all(this.connector)
    return Outcome(
        Status.PARTIAL if partial else Status.SUCCESS,
        listing_digest=f"{this.digest:016x}" if comparable else None,
        settled=complete,
        mark=FOLLOWED if _is_asked_by_its_feed(this.connector) else this.mark,
        proof=proof,
    )


def _is_asked_by_its_feed(connector: Connector) -> bool:
    return isinstance(connector, Feeds) and not isinstance(connector, Probes)


def _tells_all(connector: Connector) -> bool:
    return connector.spec.absence is Absence.DELETED


def _tell(this: Pass) -> tuple[str, bool]:
    """Take in what the source tells: by its change feed, where it has been listed before and can
    still say, else by a listing. Returns by which of them, and whether that was all there is."""
    feed, cursor = this.connector, this.place.cursor
    if this.operation.full or cursor is None or not isinstance(feed, Feeds):
        return LISTING, walk(this)
    try:
        follow(this, feed, cursor)
    except CursorExpired:
        return RELISTING, walk(this)
    return FEED, True


def _lane(operation: Operation) -> Lane:
    priority, first = operation.sync.priority, operation.is_first
    return lane(operation.trigger, priority, full=operation.full, first=first)


def _proof(
    this: Pass, known: int, *, told_by: str, complete: bool, resumed: bool
) -> dict[str, Any]:
    """What was seen before anything was taken for absent."""
    counts = this.operation.counts
    return {
        "told_by": told_by,
        "last_page_seen": complete,
        "resumed": resumed,
        "pages": counts.pages,
        "listed": counts.listed,
        "failed": counts.failed,
        "unseen_below": list(this.blind[:100]),
        "known_before": known,
        "absent": unsettled.count_absent(this.connection, this.sync_id),
        "approved": approvals.count(this.connection, this.sync_id),
    }


def _unfinished(critical: str) -> Outcome:
    told = {
        "code": "gave_way",
        "message": f"It gave way to the critical sync '{critical}', between two pages.",
        "hint": "Nothing to do: it is back in the queue, and goes on where it was.",
        "where": "",
    }
    return Outcome(Status.INTERRUPTED, told, then=Next(again=True))


@contextmanager
def _hands(engine: Engine, connection: Connection, *, alone: bool) -> Iterator[Hands]:
    """What reads, what keeps texts and what writes: side by side, or one after the other on one
    connection."""
    if alone:
        yield Hands(connection, connection, Inline(), Inline())
        return
    database = engine.database
    with (
        database.connect() as reading,
        database.connect() as keeping,
        Writer() as keeper,
        Writer() as writer,
    ):
        yield Hands(reading, keeping, keeper, writer)
