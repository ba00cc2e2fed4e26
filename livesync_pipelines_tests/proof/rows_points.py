"""The steps of a run over rows at which something may happen, and what may happen there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

ROW_STEPS = {
    "both ends are opened": ("livesync_pipelines.engine.row_sync", "opened"),
    "what was begun is looked at": (
        "livesync_pipelines.engine.row_sync",
        "_finish_what_was_begun",
    ),
    "rows are brought together": ("livesync_pipelines.engine.row_sync", "bring_together"),
    "an intent is recorded": ("livesync_pipelines.store.intents", "record"),
    "rows are committed": ("livesync_pipelines.engine.row_pass", "write"),
    "the base is written": ("livesync_pipelines.store.row_base", "put"),
    "conflicts are written": ("livesync_pipelines.store.conflicts", "write"),
    "the ledger is written": ("livesync_pipelines.store.commit", "append"),
    "absences are settled": ("livesync_pipelines.engine.row_sync", "_settle_absences"),
    "the operation is closed": ("livesync_pipelines.engine.operating", "_close"),
}
"""Module and name of the function that does each step."""
ENDS = ("the source is written", "the target is written")
SCANS = tuple(
    f"the {side} is {asked}"
    for side in ("source", "target")
    for asked in ("scanned", "read", "followed")
)

DIES = "kill -9"
AWAY = "the end is away"
LOST = "the answer is lost"
EDIT = "somebody edits the row that is to be written"
AHEAD, BACK = "our clock jumps ahead", "our clock jumps back"

STATE = (
    *("conflicts", "intents", "row_base", "row_blocks", "bad_cells", "ledger", "item_failures"),
    *("unsettled", "approvals", "queue", "outbox", "operations", "syncs"),
)
"""Tables of ours, emptied between two histories, those that refer to others first."""

Pair = tuple[str, str, str]
"""Fault, `before` or `after`, step."""


def row_pairs() -> Iterator[Pair]:
    """Every fault at every step at which it can happen."""
    for step in (*ROW_STEPS, *ENDS):
        for when in ("before", "after"):
            yield DIES, when, step
    for step in ENDS:
        yield AWAY, "before", step
        yield LOST, "after", step
        yield EDIT, "before", step
    for step in SCANS:
        yield AWAY, "before", step
    for step in ("rows are brought together", "the operation is closed"):
        yield AHEAD, "before", step
        yield BACK, "before", step


@dataclass(slots=True)
class Seen:
    """What all the histories of a session came to."""

    histories: int = 0
    rounds: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    fired: Counter[Pair] = field(default_factory=Counter)
    conflicts: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
