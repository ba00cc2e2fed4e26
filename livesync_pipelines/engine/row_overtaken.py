"""What people have chosen, or wanted to have back, and edits have overtaken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from livesync_pipelines.core.row_merge import Merged
from livesync_pipelines.core.row_values import plain, typed
from livesync_pipelines.engine.row_answers import Misfit, Place, Restored
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.model.conflict import AGREED, NEITHER, Answer, Refusal
from livesync_pipelines.model.merge import Side


def refusals(this: RowPass, met: Met, merged: Merged, restored: Restored) -> list[Refusal]:
    """What was not brought back, and the answers that came too late: both ends have come to say
    something else by themselves."""
    if not this.answers:
        return []
    found = [
        Refusal(
            key=met.keys[row].as_py(), field=field, why=misfit.why, winner=NEITHER, by=misfit.by
        )
        for (row, field), misfit in restored.unfit.items()
        if misfit.restores
    ]
    return [*found, *_too_late(this, met, merged, restored.unfit)]


_TOO_LATE = "what was chosen came too late, for both ends were edited to the same: {}"


def _too_late(
    this: RowPass, met: Met, merged: Merged, unfit: Mapping[Place, Misfit]
) -> Iterator[Refusal]:
    if not (this.writes(Side.SOURCE) and this.writes(Side.TARGET)):
        return
    rows = {key: row for row, key in enumerate(met.keys.to_pylist())}
    clashing = {(clash.row, clash.field) for clash in merged.clashes}
    for (key, field), answer in this.answers.items():
        row = rows.get(key)
        if row is None or answer.restores or (row, field) in clashing:
            continue
        now = _outcome(merged, row, field)
        if (row, field) not in unfit and now == _chosen(merged, field, answer):
            continue
        why = _TOO_LATE.format(_told(field, now))
        yield Refusal(key=key, field=field, why=why, winner=AGREED, by="both ends")


def _outcome(merged: Merged, row: int, field: str | None) -> tuple[bool, Any]:
    """Whether both ends have the row, and what they have of a field."""
    there = merged.there[row].as_py()
    of_field = field is not None and there
    return there, plain(merged.target[field].slice(row, 1))[0] if of_field else None


def _chosen(merged: Merged, field: str | None, answer: Answer) -> tuple[bool, Any]:
    """What was chosen, as `_outcome` tells it."""
    if answer.side is None and field is not None:
        return True, plain(typed([answer.value], merged.target.schema.field(field).type))[0]
    source, target = answer.seen or (None, None)
    value = source if answer.side is Side.SOURCE else target
    return (value is not None, None) if field is None else (True, value)


def _told(field: str | None, now: tuple[bool, Any]) -> str:
    there, value = now
    if not there:
        return "neither has the row now"
    said = "has the row" if field is None else f"says {json.dumps(value, ensure_ascii=False)}"
    return f"each {said} now"
