"""Fields that are new at the source, and say the same in all of its rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_values import differs, whole
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass


def defaults(
    this: RowPass, met: Met, missing: Mapping[str, pa.BooleanArray]
) -> dict[str, pa.BooleanArray]:
    """By field, the rows in which it was never agreed upon (`missing`), and in which the source
    says what it has said in all such rows of this operation so far."""
    found = {}
    for name, never in missing.items():
        here = pc.and_(never, met.in_source)
        shown = whole(met.source[name]).filter(here)
        if not len(shown):
            continue
        common = this.defaults.setdefault(name, shown.slice(0, 1))
        if not len(common) or pc.any(differs(shown, _repeated(common, len(shown)))).as_py():
            this.defaults[name] = shown.slice(0, 0)
        else:
            found[name] = here
    return found


def _repeated(one: pa.Array, count: int) -> pa.Array:
    return one.take(pa.array(np.zeros(count, np.int64)))
