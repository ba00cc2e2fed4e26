"""What changed: first between a listing and the shadow, then between a record and its base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.model.operation import Op
from livesync_pipelines.model.records import Delta, Known, Record

_FIELDS = ("title", "url", "media_type", "attributes")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A piece of a listing held against the same piece of the shadow.

    `new`, `changed` and `same` are rows of the listing; `absent` are keys of the shadow.
    """

    new: pa.Table
    changed: pa.Table
    same: pa.Table
    absent: Sequence[str]


def compare(listing: pa.Table, shadow: pa.Table, *, full: bool = False) -> Comparison:
    """Sort a listing into new, changed and same by version; in a `full` resync every known
    item counts as changed. `shadow` has the columns `key` and `version`."""
    if shadow.num_rows == 0:
        return Comparison(listing, listing.slice(0, 0), listing.slice(0, 0), ())
    where = pc.index_in(listing["key"], value_set=shadow["key"].combine_chunks())
    is_known = pc.is_valid(where)
    before = shadow["version"].take(where)
    differs = is_known if full else pc.fill_null(pc.not_equal(before, listing["version"]), False)
    if listing.num_rows == shadow.num_rows and pc.all(is_known).as_py():
        absent: Sequence[str] = ()
    else:
        listed = pc.is_in(shadow["key"], value_set=listing["key"].combine_chunks())
        absent = shadow["key"].filter(pc.invert(listed)).to_pylist()
    new = listing.filter(pc.invert(is_known))
    same = listing.filter(pc.and_not(is_known, differs))
    return Comparison(new, listing.filter(differs), same, absent)


def delta(record: Record, known: Known | None) -> Delta:
    """What became of an item, from its new record and what was last applied."""
    if known is None:
        return Delta(Op.ADDED)
    moved = record.key != known.key
    if record.fingerprint == known.fingerprint:
        return Delta(Op.MOVED, ("key",)) if moved else Delta(None)
    fields = [name for name in _FIELDS if getattr(record, name) != getattr(known, name)]
    if record.content_hash != known.content_hash:
        fields.insert(0, "text")
    if moved:
        return Delta(Op.MOVED, ("key", *fields))
    return Delta(Op.UPDATED, tuple(fields))
