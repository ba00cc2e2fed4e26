"""Generated rows to be merged: what was agreed, and what each end has made of it.

The edits of both ends are made from one base, so that they meet often: none, the same at both,
another value, a part of the value (a line, a member).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

import orjson
import pyarrow as pa
from hypothesis import strategies as st

from livesync_pipelines.core.row_merge import Sides
from livesync_pipelines.core.row_values import plain
from livesync_pipelines.model.merge import MergePolicy, OnDelete, Policy, Side

Cells = Mapping[str, Any]
Pools = Mapping[str, Sequence[Any]]

SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("ratio", pa.float64()),
        ("name", pa.string()),
        ("notes", pa.string()),
        ("price", pa.decimal128(12, 2)),
        ("seen", pa.timestamp("us", tz="UTC")),
        ("tags", pa.list_(pa.string())),
        ("more", pa.string()),
    ]
)
FIELDS: tuple[str, ...] = tuple(SCHEMA.names)
JSON = frozenset({"more"})

LINES = ("", "1 call Ada", "2 \u00e9", "3 e\u0301", "4 \U0001f980", "5 z", "6 \u2028", "7 end")
"""The notes hold some of these, in this order: so what has become of each line is beyond doubt."""

WORDS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=4)
TAGS = ("a", "b", "\u00e4", "", None)
MEMBERS = ("x", "y", "\u00e9")
INNER: tuple[Any, ...] = (
    None,
    True,
    1,
    1.0,
    2,
    "a",
    "a\nb",
    [],
    ["a", "a"],
    [1, "b"],
    {},
    {"x": 1},
)
ZONES = (UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-8)))


@dataclass(frozen=True)
class Row:
    """`base` is None where the row was never agreed, an end's cells where it is not there.
    `shown_base`: how each end showed the base. `times`: of the last edit at either end."""

    base: Cells | None
    source: Cells | None
    target: Cells | None
    shown_base: tuple[Cells, Cells] | None = None
    missing: frozenset[str] = frozenset()
    times: tuple[datetime | None, datetime | None] = (None, None)

    def shown(self, side: Side) -> Cells | None:
        """How the end showed what was agreed."""
        if self.base is None or self.shown_base is None:
            return self.base
        return self.shown_base[side is Side.TARGET]

    def mirrored(self) -> Row:
        return replace(
            self,
            source=self.target,
            target=self.source,
            shown_base=self.shown_base and self.shown_base[::-1],
            times=self.times[::-1],
        )


@dataclass(frozen=True)
class Batch:
    """Rows that are merged in one go; `seed` is for whatever else a property needs."""

    rows: Sequence[Row]
    seed: int

    def sides(self) -> Sides:
        rows = self.rows
        return Sides(
            base=_table([row.base for row in rows]),
            source=_table([row.source for row in rows]),
            target=_table([row.target for row in rows]),
            had=pa.array([row.base is not None for row in rows], pa.bool_()),
            in_source=pa.array([row.source is not None for row in rows], pa.bool_()),
            in_target=pa.array([row.target is not None for row in rows], pa.bool_()),
            source_time=_times([row.times[0] for row in rows]),
            target_time=_times([row.times[1] for row in rows]),
            source_base=_table([row.shown(Side.SOURCE) for row in rows]),
            target_base=_table([row.shown(Side.TARGET) for row in rows]),
            missing={
                name: pa.array([name in row.missing for row in rows], pa.bool_())
                for name in FIELDS
                if any(name in row.missing for row in rows)
            },
            json=JSON,
        )

    def each(self, make: Callable[[Row], Row]) -> Batch:
        return Batch([make(row) for row in self.rows], self.seed)


def same(a: Any, b: Any) -> bool:
    """Whether two cells hold the same: NaN is NaN."""
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return bool(a == b)


def same_rows(a: Cells | None, b: Cells | None) -> bool:
    if a is None or b is None:
        return a is b
    return all(same(a[name], b[name]) for name in FIELDS)


def told(name: str, value: Any) -> Any:
    """As a clash tells it."""
    return plain(pa.array([value], SCHEMA.field(name).type))[0]


def cells(table: pa.Table, there: pa.BooleanArray) -> list[Cells | None]:
    """The rows of a table as a test wants them; those that are not there must hold nothing."""
    found: list[Cells | None] = []
    for row, is_there in zip(table.to_pylist(), there.to_pylist(), strict=True):
        assert is_there or all(value is None for value in row.values())
        found.append(row if is_there else None)
    return found


@st.composite
def batches(draw: st.DrawFn, most: int) -> Batch:
    """The odd values come from Hypothesis, which row gets which from a seed."""
    pools: dict[str, Sequence[Any]] = {
        "number": draw(_pool(st.integers(-(2**63), 2**63 - 1))),
        "ratio": [math.nan, 0.0, -0.0, *draw(_pool(st.floats()))],
        "name": ["", "\u00e9", "e\u0301", *draw(_pool(WORDS))],
        "price": [Decimal("0.00"), *draw(_pool(st.decimals("-1e6", "1e6", places=2)))],
        "seen": draw(_pool(st.datetimes(timezones=st.sampled_from(ZONES)))),
    }
    pools["seen"] = [moment.astimezone(UTC) for moment in pools["seen"] if 2 < moment.year < 9998]
    pools["seen"] = pools["seen"] or [datetime(2026, 3, 1, tzinfo=UTC)]
    seed, size = draw(st.integers(0, 2**32)), draw(st.integers(1, most))
    return Batch([_row(Random(f"{seed} {place}"), pools) for place in range(size)], seed)


@st.composite
def policies(draw: st.DrawFn) -> MergePolicy:
    some = st.sampled_from(Policy)
    return MergePolicy(
        default=draw(some),
        fields=draw(st.dictionaries(st.sampled_from(FIELDS), some)),
        on_delete=draw(st.sampled_from(OnDelete)),
    )


def _pool(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=3)


def _row(chance: Random, pools: Pools) -> Row:
    base = {name: _value(chance, pools, name) for name in FIELDS}
    source = _edited(chance, pools, base)
    target = _edited(chance, pools, base)
    for name in FIELDS:
        if chance.random() < 0.08:
            target[name] = source[name]
    shown = None
    if chance.random() < 0.15:
        shown = _edited(chance, pools, base, 0.2), _edited(chance, pools, base, 0.2)
        for side, now in zip(shown, (source, target), strict=True):
            for name in FIELDS:
                if same(now[name], base[name]):
                    now[name] = side[name]
    had, here, there = (chance.random() < odds for odds in (0.8, 0.88, 0.88))
    missing = [n for n in FIELDS if had and chance.random() < 0.02]
    base |= dict.fromkeys(missing)
    for end in shown or ():
        end.update(dict.fromkeys(missing))
    return Row(
        base if had else None,
        source if here or not (had or there) else None,
        target if there else None,
        shown if had else None,
        frozenset(missing),
        (_time(chance), _time(chance)),
    )


def _edited(chance: Random, pools: Pools, base: Cells, odds: float = 0.3) -> dict[str, Any]:
    """Another row; often none of it is edited, and sometimes nothing but a part of a value."""
    odds = odds if chance.random() < 0.75 else 0.0
    return {
        name: _changed(chance, pools, name, value) if chance.random() < odds else value
        for name, value in base.items()
    }


def _value(chance: Random, pools: Pools, name: str) -> Any:
    if chance.random() < 0.1:
        return None
    match name:
        case "notes":
            return "\n".join(line for line in LINES if chance.random() < 0.5)
        case "tags":
            return chance.choices(TAGS, k=chance.randint(0, 4))
        case "more":
            return _json({m: chance.choice(INNER) for m in MEMBERS if chance.random() < 0.6})
    return chance.choice(pools[name])


def _changed(chance: Random, pools: Pools, name: str, value: Any) -> Any:
    if value is None or chance.random() < 0.2:
        return _value(chance, pools, name)
    match name:
        case "notes":
            flipped = {chance.choice(LINES) for _ in range(chance.randint(1, 2))}
            held = set(value.split("\n")) ^ flipped
            return "\n".join(line for line in LINES if line in held)
        case "tags":
            tag = chance.choice(TAGS)
            if tag in value and chance.random() < 0.5:
                at = value.index(tag)
                return [*value[:at], *value[at + 1 :]]
            return [*value, tag]
        case "more" if isinstance(held := orjson.loads(value), dict):
            return _json(_member_changed(chance, held))
    return _value(chance, pools, name)


def _member_changed(chance: Random, held: dict[str, Any]) -> Any:
    name, kind = chance.choice(MEMBERS), chance.random()
    inner = held.get(name)
    if kind < 0.2 and name in held:
        return {member: value for member, value in held.items() if member != name}
    if isinstance(inner, list):
        return held | {name: [*inner, chance.choice(["a", "b", 1])]}
    if isinstance(inner, dict):
        return held | {name: inner | {chance.choice(MEMBERS): chance.choice(INNER)}}
    return held | {name: chance.choice(INNER)} if kind < 0.95 else chance.choice(INNER)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _time(chance: Random) -> datetime | None:
    day = chance.choice([None, 1, 1, 2, 3])
    return None if day is None else datetime(2026, 3, day, tzinfo=UTC)


def _table(rows: Sequence[Cells | None]) -> pa.Table:
    nothing = dict.fromkeys(FIELDS)
    return pa.Table.from_pylist([dict(row or nothing) for row in rows], schema=SCHEMA)


def _times(times: Sequence[datetime | None]) -> pa.Array:
    return pa.array(times, pa.timestamp("us", tz="UTC"))
