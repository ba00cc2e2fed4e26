"""Two ends that both have rows are linked for the first time: which of them are the same?

Rows with one key are one row. What speaks against that is doubtful, and waits for a person: a key
under which the two ends have nothing in common (as where both number their rows by themselves), and
the same values under two keys, which would be there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_prints import fingerprints
from livesync_pipelines.core.row_values import differs, whole
from livesync_pipelines.engine.row_pass import RowPass, at
from livesync_pipelines.engine.row_streams import KEY, Stream, Stretch, Watcher, walk
from livesync_pipelines.engine.row_walking import rows
from livesync_pipelines.model.errors import NeedsPerson
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import approvals, row_base, unsettled
from livesync_pipelines.store.commit import Batch
from livesync_pipelines.store.row_names import RowNames

TELLING = 2
"""So many fields must hold something before it is said that rows are, or are not, alike."""
SHOWN = 5
HELD = 100_000
"""Twins are looked for among so many rows of each end that have no partner by their key."""


@dataclass(slots=True)
class Link:
    """`matched` rows share a key; `alone` are those of one end only, by side, and the fingerprints
    of what they hold beside their key. `strangers` share a key and nothing else; `twins` hold the
    same under two keys (of the source, of the target)."""

    matched: int = 0
    alone: dict[Side, dict[bytes, str]] = field(default_factory=lambda: {side: {} for side in Side})
    only: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    strangers: list[str] = field(default_factory=list)

    @property
    def twins(self) -> list[tuple[str, str]]:
        here, there = self.alone[Side.SOURCE], self.alone[Side.TARGET]
        return sorted((here[mark], there[mark]) for mark in here.keys() & there.keys())

    @property
    def doubtful(self) -> list[str]:
        """Keys of the source's rows of which a person should say something."""
        return sorted({*self.strangers, *(key for key, _ in self.twins)})


def doubts(this: RowPass) -> dict[str, str] | None:
    """Before two populated ends are linked: what a person is told who must look at it first."""
    if not this.operation.is_first or this.fresh:
        return None
    link = _looked(this)
    unsettled.forget(this.own, this.sync_id)
    absent = [(key, unsettled.DOUBTFUL) for key in link.doubtful]
    this.begin(lambda: Batch(absent=absent))
    this.wait()
    if approvals.cover_all(this.own, this.sync_id):
        unsettled.forget(this.own, this.sync_id)
        return None
    return NeedsPerson(_said(link), hint=_hint(this, link)).as_dict()


def _said(link: Link) -> str:
    told = [f"{len(link.strangers)} have one key at both ends and nothing else in common"]
    told += [f"{len(link.twins)} are at both ends under two keys, and would be there twice"]
    counted = (
        f"{link.matched} rows have one key at both ends, {link.only[Side.SOURCE]} are at the source"
        f" only, {link.only[Side.TARGET]} at the target only"
    )
    return f"Nothing was written: {counted}. Doubtful: {'; '.join(told)}."


def _hint(this: RowPass, link: Link) -> str:
    sync_id, names = this.sync_id, RowNames(this.connection)
    shown = [names.shown(sync_id, key) for key in link.strangers[:SHOWN]]
    shown += [" and ".join(names.shown(sync_id, k) for k in twin) for twin in link.twins[:SHOWN]]
    return (
        f"Look at {'; '.join(shown)}. If the key is the right one, run `livesync sync approve"
        f" {sync_id}` and then `livesync sync run {sync_id}`; if not, correct `key` or the rows."
    )


def _looked(this: RowPass) -> Link:
    link = Link()
    names = [name for name in this.schema.names if name not in this.map.target_shape.key]
    silent = Watcher("", lambda _: None, lambda _: None, lambda: None)
    with rows(this, Side.SOURCE, silent) as source, rows(this, Side.TARGET, silent) as target:
        for stretch in walk(source, target, Stream(_nothing(), what="shadow")):
            _look(this, stretch, names, link)
    return link


def _nothing() -> Iterator[tuple[pa.Table, bool]]:
    yield row_base.SCHEMA.empty_table().append_column(KEY, pa.array([], pa.string())), True


def _look(this: RowPass, stretch: Stretch, names: list[str], link: Link) -> None:
    assert stretch.source is not None
    assert stretch.target is not None
    keys, others = whole(stretch.source[KEY]), whole(stretch.target[KEY])
    source = this.map.forward(stretch.source).rows.select(names)
    target = this.compared(stretch.target).select(names)
    there, matched = at(target, others, keys)
    link.matched += pc.sum(matched).as_py() or 0
    link.strangers += keys.filter(pc.and_(matched, _nothing_alike(source, there))).to_pylist()
    for side, found, of, other in (
        (Side.SOURCE, source, keys, others),
        (Side.TARGET, target, others, keys),
    ):
        alone = pc.invert(pc.is_in(of, value_set=other))
        link.only[side] += pc.sum(alone).as_py() or 0
        if len(link.alone[side]) >= HELD:
            continue
        telling = pc.and_(alone, _at_least(TELLING, [pc.is_valid(found[n]) for n in names]))
        marks = fingerprints(found.filter(telling), names).to_pylist() if names else []
        link.alone[side].update(zip(marks, of.filter(telling).to_pylist(), strict=False))


def _nothing_alike(source: pa.Table, target: pa.Table) -> pa.Array:
    both = {
        name: pc.and_(pc.is_valid(source[name]), pc.is_valid(target[name]))
        for name in source.column_names
    }
    alike = [pc.and_not(known, differs(source[n], target[n])) for n, known in both.items()]
    return pc.and_(_at_least(TELLING, list(both.values())), pc.invert(_at_least(1, alike)))


def _at_least(count: int, flags: list[pa.Array]) -> pa.Array:
    """The rows in which so many of these are true."""
    if len(flags) < count:
        return pa.repeat(False, len(flags[0]) if flags else 0)
    total = pc.cast(flags[0], pa.int32())
    for each in flags[1:]:
        total = pc.add(total, pc.cast(each, pa.int32()))
    return whole(pc.greater_equal(total, count))
