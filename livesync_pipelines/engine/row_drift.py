"""Rows that have drifted: random ones are read by key from both ends, and held against what both
were last seen to show.

A row that an end shows otherwise will be found by the next run, if that looks at this end: it lags.
At the other end, which is only written to, no run but a full resync finds it: it has drifted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_values import whole
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.operating import Errand, operate, quiet
from livesync_pipelines.engine.pacing import ends_connected
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_opening import opened
from livesync_pipelines.engine.row_pass import RowErrand, RowHands, RowPass
from livesync_pipelines.engine.row_reading import read_both
from livesync_pipelines.engine.writer import Inline
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.spec import Lane
from livesync_pipelines.model.sync import SyncConfig, Trigger
from livesync_pipelines.store import catalog, samples
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation, Outcome
from livesync_pipelines.store.samples import Sample


def look(
    engine: Engine,
    connection: Connection,
    sync: SyncConfig,
    *,
    old: Sequence[Sample],
    seed: str,
    limit: int,
) -> tuple[list[Sample], list[str]]:
    """What random rows are, and what each of the `old` ones, which a run should have brought in,
    turned out to be. Nothing is written, and no run of the sync works meanwhile: raises `Busy`
    where one does, and what an end raises."""
    drawn = samples.draw_rows(connection, sync, seed=seed, limit=limit)
    wanted = sorted({*drawn, *(one.key for one in old)})
    found = {one.key: one for one in _compared(engine, connection, sync, wanted)} if wanted else {}
    unread = [Sample(key=key, outcome="unread") for key in drawn if key not in found]
    settled = ["drift" if _is_still_so(one, found.get(one.key)) else "lag" for one in old]
    return [*(found[key] for key in drawn if key in found), *unread], settled


def _is_still_so(old: Sample, now: Sample | None) -> bool:
    return now is not None and now.finding is not None and now.held == old.held


def _compared(
    engine: Engine, connection: Connection, sync: SyncConfig, keys: Sequence[str]
) -> list[Sample]:
    found: list[Sample] = []
    raised: list[LiveSyncError] = []
    assert sync.target is not None
    names = sync.connection, sync.target.connection
    ends = catalog.connection_of(connection, names[0]), catalog.connection_of(connection, names[1])

    def work(operation: Operation) -> Outcome:
        errand = RowErrand(operation, Lane.BACKFILL, quiet, dry=True)
        hands = RowHands(connection, connection, Inline(), Inline(), Inline())
        try:
            with ends_connected(engine, ends, sync, errand.lane) as both:
                this = opened(engine, connection, errand, both, hands)
                found.extend(_samples(this, read_both(this, pa.array(keys, pa.string()))))
        except LiveSyncError as error:
            raised.append(error)
            raise
        return Outcome(Status.SUCCESS)

    with connection.transaction(force_rollback=True):
        operate(engine, connection, Errand(sync_id=sync.sync_id, trigger=Trigger.DRIFT), work)
    if raised:
        raise raised[0]
    return found


def _samples(this: RowPass, met: Met) -> Iterator[Sample]:
    sides = {}
    for side in Side:
        source = side is Side.SOURCE
        there = met.in_source if source else met.in_target
        mark = met.source_mark if source else met.target_mark
        shown = pc.if_else(there, mark, None).to_pylist()
        sides[side] = list(zip(whole(met.held[f"{side}_mark"]).to_pylist(), shown, strict=True))
    for row, (key, known) in enumerate(zip(met.keys.to_pylist(), met.had.to_pylist(), strict=True)):
        apart = [side for side in Side if sides[side][row][0] != sides[side][row][1]]
        if not known or not apart:
            yield Sample(key=key, outcome="same" if known else "unread")
            continue
        unseen = [side for side in apart if not this.walks(side)]
        side = (unseen or apart)[0]
        held, seen = sides[side][row]
        yield Sample(
            key=key,
            outcome="drift" if unseen else "lag",
            finding="gone" if seen is None else "content",
            held=_spelled(side, held),
            seen=_spelled(side, seen),
        )


def _spelled(side: Side, mark: bytes | None) -> str:
    return f"{side}: {'no such row' if mark is None else mark.hex()}"
