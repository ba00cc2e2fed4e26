"""What people have answered is carried into a merge, and what lost is brought back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_fields import put
from livesync_pipelines.core.row_merge import Answers, Clash, Merged
from livesync_pipelines.core.row_values import differs, plain, typed, whole
from livesync_pipelines.engine.row_met import Met, said
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.merge import Side

Place = tuple[int, str | None]


class Misfit(NamedTuple):
    """Why an answer is none; `restores`: it was to bring something back; `by`: which edit came
    first."""

    why: str
    restores: bool
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """By row and field: what is brought back (of a whole row, its values by field), and what was
    answered or asked for that is no value of its field."""

    values: dict[Place, Any]
    unfit: dict[Place, Misfit]


@dataclass(frozen=True, slots=True)
class Given:
    """Of the rows at hand, by row and field: what a question is answered with, and what is
    brought back. An answer to what neither end says any more is none, and so is one that cannot
    be of the column's type."""

    answers: Answers
    restored: Restored


def given(this: RowPass, met: Met, taken: pa.Table) -> Given:
    """`taken`: the source's side of the merge."""
    answers: dict[Place, object] = {}
    restored = Restored({}, {})
    if not this.answers:
        return Given(answers, restored)
    rows = {key: n for n, key in enumerate(met.keys.to_pylist())}
    for (key, field), answer in this.answers.items():
        if key not in rows:
            continue
        place = rows[key], field
        if why := _misfit(this, field, answer):
            restored.unfit[place] = Misfit(why, answer.restores)
        elif answer.restores:
            restored.values[place] = answer.value
        elif answer.seen in (None, _now(this, met, taken, place)):
            answers[place] = answer.side or answer.value
    return Given(answers, restored)


_EDITED = (
    "nothing was brought back: the {} has been edited since both ends were last in step, and {}"
)
_ABSENT = "nothing was brought back: its row is not at both ends"
_WAITS = "nothing was brought back: what people wrote at the target into {} is not at the source"


def unless_edited(this: RowPass, met: Met, agreed: pa.Table, restored: Restored) -> Restored:
    """Without what somebody has edited meanwhile, or has written where it does not come back
    (`agreed`: see `row_blocks.agreed`): who wanted the lost value back had not seen that."""
    unfit, values = dict(restored.unfit), {}
    for (row, field), value in restored.values.items():
        of_row = field is None
        edited = _edits(this, met, agreed, row, field)
        why = _row_hinders(this, met, agreed, row) if of_row else None
        if edited:
            both = met.in_source[row].as_py() and met.in_target[row].as_py()
            kind = "row" if of_row else "field"
            why = _EDITED.format(kind, _now_says(met, row, field, edited))
            why = why if both or of_row else _ABSENT
        if why is None:
            values[row, field] = value
        else:
            unfit[row, field] = Misfit(why, restores=True, by=_whose(edited))
    return Restored(values, unfit)


def _whose(edited: Sequence[Side]) -> str | None:
    return f"an edit at the {' and at the '.join(edited)}" if edited else None


def _now_says(met: Met, row: int, field: str | None, edited: Sequence[Side]) -> str:
    """What the ends that were edited say now, as a person is told it."""
    told = []
    for side in edited:
        there = said(met, row, side, None)
        if not there:
            told.append(f"the {side} has no such row now")
        elif field is None:
            told.append(f"the {side} shows another one now")
        else:
            value = json.dumps(said(met, row, side, field), ensure_ascii=False)
            told.append(f"the {side} says {value} now")
    return ", ".join(told)


def _row_hinders(this: RowPass, met: Met, agreed: pa.Table, row: int) -> str | None:
    shown = this.compared(met.target)
    waiting = [n for n in this.schema.names if _unlike(shown[n], agreed[f"target:{n}"], row)]
    there = met.in_target[row].as_py() and met.had[row].as_py()
    return _WAITS.format(", ".join(waiting)) if there and waiting else None


def _edits(this: RowPass, met: Met, agreed: pa.Table, row: int, field: str | None) -> list[Side]:
    """The ends that say something else than was agreed, and than they said in the conflict; of a
    whole row, those that show another one."""
    if field is None:
        return [side for side in Side if _other_mark(met, row, side)]
    found = list[Side]()
    seen = this.answers[met.keys[row].as_py(), field].seen or (None, None)
    shown = {Side.SOURCE: met.source, Side.TARGET: this.compared(met.target)}
    for side, told in zip(Side, seen, strict=True):
        if not (met.in_source if side is Side.SOURCE else met.in_target)[row].as_py():
            edited = _other_mark(met, row, side)
        else:
            edited = _unlike(shown[side][field], agreed[f"{side}:{field}"], row)
            edited = edited and said(met, row, side, field) != told
        if edited:
            found.append(side)
    return found


def _other_mark(met: Met, row: int, side: Side) -> bool:
    """Whether an end shows another row, or none, than when both were last in step."""
    source = side is Side.SOURCE
    there, mark = (met.in_source, met.source_mark) if source else (met.in_target, met.target_mark)
    shown = pa.chunked_array([pc.if_else(there, mark, None)])
    return _unlike(shown, met.held[f"{side}_mark"], row)


def _unlike(one: pa.ChunkedArray, other: pa.ChunkedArray, row: int) -> bool:
    parts = (whole(column.slice(row, 1)) for column in (one, other))
    return bool(differs(*parts)[0].as_py())


def _misfit(this: RowPass, field: str | None, answer: Answer) -> str | None:
    """Why the answer is none for this field, or row; None: it is one."""
    if answer.side is not None:
        return None
    if field is None and not answer.restores:
        return "the answer was not carried out: of a whole row, an end is chosen, and no value"
    of_row = answer.value if field is None else {field: answer.value}
    for name, value in (of_row or {}).items():
        if name not in this.schema.names:
            continue
        kind = this.schema.field(name).type
        said = f"the answer {json.dumps(value, ensure_ascii=False)} was not carried out"
        try:
            cell = typed([value], kind)
        except ValueError:
            return f"{said}: it is no {kind}, which '{name}' holds"
        back = this.map.back(pa.table({name: cell})) if this.writes(Side.SOURCE) else None
        if back is not None and back.bad_cells:
            return f"{said}: it does not fit the source ({back.bad_cells[0].reason})"
    return None


def _now(this: RowPass, met: Met, taken: pa.Table, place: Place) -> tuple[Any, Any]:
    """What both ends say now, as a conflict tells it."""
    row, field = place
    if field is not None:
        return said(met, row, Side.SOURCE, field), said(met, row, Side.TARGET, field)
    ends = (met.in_source, taken), (met.in_target, this.compared(met.target))
    source, target = (
        _shown(rows, row, None) if there[row].as_py() else None for there, rows in ends
    )
    return source, target


def with_restored(this: RowPass, merged: Merged, restored: Restored) -> Merged:
    """The outcome of a merge, with what is brought back in its place at every end that this sync
    writes to. What is brought back of a whole row is the row, or that there is none."""
    for (row, field), value in restored.values.items():
        if field is not None:
            merged = _with_values(this, merged, row, {field: value})
        elif value is not None:
            merged = _there(this, _with_values(this, merged, row, value), row, there=True)
        else:
            merged = _there(this, merged, row, there=False)
    return replace(merged, clashes=_asked_again(merged, restored)) if restored.unfit else merged


def _asked_again(merged: Merged, restored: Restored) -> list[Clash]:
    """The clashes; open ones say why an answer was none."""
    return [
        replace(clash, reason=restored.unfit[clash.row, clash.field].why)
        if clash.winner is None and (clash.row, clash.field) in restored.unfit
        else clash
        for clash in merged.clashes
    ]


def _shown(table: pa.Table, row: int, field: str | None) -> Any:
    if field is not None:
        return plain(table[field].slice(row, 1))[0]
    return {name: plain(table[name].slice(row, 1))[0] for name in table.column_names}


def _with_values(this: RowPass, merged: Merged, row: int, values: dict[str, Any]) -> Merged:
    at = np.array([row])
    tables = {"base": merged.base, "source": merged.source, "target": merged.target}
    flags = {"source": merged.to_source, "target": merged.to_target}
    for name, value in values.items():
        if name not in merged.base.column_names:
            continue
        cell = typed([value], merged.base.schema.field(name).type)
        for end, table in tables.items():
            if end != "base" and not this.writes(Side(end)):
                continue
            before = whole(table[name])
            after = put(before, (at, cell))
            tables[end] = table.set_column(table.column_names.index(name), name, after)
            if end != "base":
                flags[end] = pc.or_(flags[end], differs(before, after))
    return replace(merged, **tables, to_source=flags["source"], to_target=flags["target"])


def _there(this: RowPass, merged: Merged, row: int, *, there: bool) -> Merged:
    mask = _only(len(merged.there), row)
    changed: dict[str, Any] = {"there": pc.if_else(mask, there, merged.there)}
    for side in Side:
        if this.writes(side):
            before = getattr(merged, f"{side}_there")
            after = pc.if_else(mask, there, before)
            changed[f"{side}_there"] = after
            written = getattr(merged, f"to_{side}")
            changed[f"to_{side}"] = pc.or_(written, pc.xor(before, after))
    return replace(merged, **changed)


def _only(rows: int, row: int) -> pa.Array:
    numbers: Sequence[int] = range(rows)
    return pc.equal(pa.array(numbers, pa.int64()), row)
