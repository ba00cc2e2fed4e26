"""A page of a listing, held to what it must be before anything is concluded from it."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.canon import content_hash, storable
from livesync_pipelines.model.errors import Broken, ItemFailure
from livesync_pipelines.model.records import ListingPage

MAX_NAME_BYTES = 2_000
"""Of a key or an identity: what an index of Postgres can hold beside the other columns."""

_NAMES = ("key", "identity")
_KEPT = (*_NAMES, "version", "state")


def screened(page: ListingPage, *, ordered: bool, after: str | None) -> ListingPage:
    """The page with each key once, and what cannot be stored turned into failures.

    `after` is where an ordered listing went on. Raises `Broken` for an ordered listing that is
    out of order: what it does not show in its place would look as if it were gone.
    """
    entries, refused = _storable_rows(_each_once(page.entries))
    keys = set(entries["key"].to_pylist()) if page.gone else set[str]()
    found = replace(
        page,
        entries=entries,
        failures=(*(_named(failure) for failure in page.failures), *refused),
        gone={k: why for k, why in page.gone.items() if k not in keys and storable(k) == k},
        blind=tuple(prefix for prefix in page.blind if storable(prefix) == prefix),
    )
    if not ordered:
        return found
    _check_order(page.entries["key"], after=after, through=page.resume)
    # No key that is stored holds a NUL: up to the first NUL, a bound divides them just the same.
    bound = None if page.resume is None else page.resume.partition("\0")[0]
    return replace(found, resume=bound)


def _each_once(entries: pa.Table) -> pa.Table:
    """Of rows with the same key, the last."""
    keys = entries["key"]
    if pc.count_distinct(keys).as_py() == entries.num_rows:
        return entries
    last = {key: place for place, key in enumerate(keys.to_pylist())}
    return entries.take(pa.array(sorted(last.values())))


def _storable_rows(entries: pa.Table) -> tuple[pa.Table, list[ItemFailure]]:
    bad = pa.scalar(False)
    for name in _KEPT:
        bad = pc.or_(bad, pc.fill_null(pc.match_substring(entries[name], "\0"), False))
    for name in _NAMES:
        too_long = pc.greater(pc.binary_length(entries[name]), MAX_NAME_BYTES)
        bad = pc.or_(bad, pc.fill_null(too_long, False))
    if not pc.any(bad).as_py():
        return entries, []
    refused = [_refusal(key) for key in entries["key"].filter(bad).to_pylist()]
    return entries.filter(pc.invert(bad)), refused


def _refusal(key: str) -> ItemFailure:
    why = "its name, version or identity holds a NUL, which no database stores"
    if len(key.encode()) > MAX_NAME_BYTES:
        why = f"its name is longer than {MAX_NAME_BYTES} bytes"
    return _named(ItemFailure(key, "bad_name", why))


def _named(failure: ItemFailure) -> ItemFailure:
    """The failure under a name that can be stored."""
    key = storable(failure.key)
    if len(key) * 4 > MAX_NAME_BYTES and len(key.encode()) > MAX_NAME_BYTES:
        mark = content_hash(key).hex()[:8]
        key = f"{key.encode()[: MAX_NAME_BYTES // 2].decode(errors='ignore')}…{mark}"
    return failure if key == failure.key else replace(failure, key=key)


def _check_order(keys: pa.ChunkedArray, *, after: str | None, through: str | None) -> None:
    """Ascending, in (after, through], which is not empty: such a listing would never end."""
    goes_on = after is None or through is None or through > after
    descends, inside, place = False, True, after
    if len(keys):
        held = keys.combine_chunks()
        place, last = held[0].as_py(), held[-1].as_py()
        descends = pc.any(pc.greater(held.slice(0, len(held) - 1), held.slice(1))).as_py()
        inside = (after is None or place > after) and (through is None or last <= through)
    if descends or not inside or not goes_on:
        raise Broken(
            f"The source lists its items out of order (from '{storable(place or '')[:100]}' on).",
            hint="Nothing was taken for deleted. Its connector must not declare an order.",
        )
