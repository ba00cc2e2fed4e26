"""Tables of seeded rows with known edits: two snapshots, and two ends with what they agreed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NUMBERS = ("number_a", "number_b", "number_c")
RATIOS = ("ratio_a", "ratio_b", "ratio_c")
TEXTS = ("text_a", "text_b", "text_c", "text_d")
FIELDS = (*NUMBERS, *RATIOS, *TEXTS, "seen")

Flags = NDArray[np.bool_]
Change = tuple[int, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Snapshots:
    """`before` and `after`, ascending by `id`, and the digest of what is between them."""

    before: pa.Table
    after: pa.Table
    digest: str


def digest(changes: Iterable[Change]) -> str:
    """The same for the same changes: id, op, names of changed fields."""
    lines = sorted(f"{key} {op} {','.join(sorted(fields))}" for key, op, fields in changes)
    return blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()


def rows_of(count: int, seed: int = 4) -> pa.Table:
    """12 columns: an ascending `id`, 3 integers, 3 floats, 4 short texts, a time; some are null."""
    chance = np.random.default_rng(seed)
    keys = np.sort(chance.choice(count * 10, count, replace=False))
    columns: dict[str, pa.Array] = {"id": pa.array(keys, pa.int64())}
    for name in NUMBERS:
        columns[name] = pa.array(chance.integers(0, 10**9, count))
    for name in RATIOS:
        columns[name] = pa.array(chance.random(count), mask=chance.random(count) < 0.05)
    for digits, name in zip((4, 8, 12, 16), TEXTS, strict=True):
        texts = pa.array(chance.integers(0, 10**digits, count)).cast(pa.string())
        columns[name] = pc.if_else(pa.array(chance.random(count) < 0.05), None, texts)
    times = pa.array(chance.integers(0, 2 * 10**15, count))
    columns["seen"] = times.cast(pa.timestamp("us", tz="UTC"))
    return pa.table(columns)


def edited(rows: pa.Table, where: Flags, names: Iterable[str], by: int) -> pa.Table:
    """With another value in these fields of these rows."""
    for name in names:
        column = rows[name].combine_chunks()
        if pa.types.is_string(column.type):
            other = pc.fill_null(pc.binary_join_element_wise(column, str(by), "-"), str(by))
        else:
            other = pc.add(column, by)
        changed = pc.if_else(pa.array(where), other, column)
        rows = rows.set_column(rows.schema.get_field_index(name), name, changed)
    return rows


def some(count: int, share: float, seed: int) -> Flags:
    """Exactly this share of the rows."""
    found = np.zeros(count, bool)
    chance = np.random.default_rng(seed)
    found[chance.choice(count, int(count * share), replace=False)] = True
    return found


def snapshots(count: int) -> Snapshots:
    """2 % of the rows changed: 1 % updated in one to three fields, 0.5 % added, 0.5 % removed."""
    rows = rows_of(count)
    is_added, is_removed = some(count, 0.005, 1), some(count, 0.005, 2)
    is_removed &= ~is_added
    edits = {
        ("number_a",): some(count, 0.004, 5),
        ("text_b", "text_d"): some(count, 0.003, 6),
        ("number_b", "text_c", "seen"): some(count, 0.003, 7),
    }
    after, stays = rows, ~is_added & ~is_removed
    changed: dict[int, set[str]] = {}
    keys = rows["id"].to_numpy()
    for names, where in edits.items():
        if "seen" in names:
            after = edited(after, where, names[:-1], 1)
            later = pc.add(after["seen"].combine_chunks(), pa.scalar(1, pa.duration("us")))
            seen = pc.if_else(pa.array(where), later, after["seen"].combine_chunks())
            after = after.set_column(after.schema.get_field_index("seen"), "seen", seen)
        else:
            after = edited(after, where, names, 1)
        for key in keys[where & stays].tolist():
            changed.setdefault(key, set()).update(names)
    changes: list[Change] = [(key, "updated", tuple(names)) for key, names in changed.items()]
    changes += [(key, "added", ()) for key in keys[is_added].tolist()]
    changes += [(key, "removed", ()) for key in keys[is_removed].tolist()]
    before, after = rows.filter(pa.array(~is_added)), after.filter(pa.array(~is_removed))
    return Snapshots(before.combine_chunks(), after.combine_chunks(), digest(changes))
