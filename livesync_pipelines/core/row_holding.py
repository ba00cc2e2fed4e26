"""Values that not every table takes, though it has columns of their type."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.model.rows import Holds

_IN_JSON = r"(^|[^\\])(\\\\)*\\u0000"
"""An escaped NUL, and not a backslash before `u0000`."""


def unheld(cells: pa.Array, holds: Holds, *, json: bool) -> Iterator[tuple[int, str]]:
    """Where a value stands that this table does not take, and what it is, after "holds"."""
    if not holds.nul:
        yield from ((place, "a NUL character") for place in _with_nul(cells, json=json))
    if cells.type != pa.float64():
        return
    if not holds.nan:
        yield from ((place, "a float that is no number") for place in _where(pc.is_nan(cells)))
    if not holds.infinity:
        yield from ((place, "an infinite float") for place in _where(pc.is_inf(cells)))


def _where(found: pa.Array) -> list[int]:
    places: list[int] = pc.indices_nonzero(pc.fill_null(found, False)).to_pylist()
    return places


def _with_nul(cells: pa.Array, *, json: bool) -> list[int]:
    """Where a text, a part of a list of texts or (with `json`) of a document holds a NUL."""
    if cells.type == pa.list_(pa.string()):
        inner = pc.fill_null(pc.match_substring(pc.list_flatten(cells), "\x00"), False)
        return sorted(set(pc.list_parent_indices(cells).filter(inner).to_pylist()))
    if cells.type != pa.string() or not (json or _may_hold(cells)):
        return []
    found = pc.match_substring_regex(cells, _IN_JSON) if json else pc.match_substring(cells, "\0")
    return _where(found)


def _may_hold(texts: pa.Array) -> bool:
    """Whether any text may: their bytes are looked at as one piece."""
    data = texts.buffers()[2]
    return data is not None and not np.frombuffer(data, np.uint8).all()
