"""Fewer looks for reference cycles while a run makes objects by the thousand that need none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATIONS = 50_000
"""What a page makes is freed when its last user lets go; Python looks for cycles after every 700
such objects, which takes a seventh of a first sync."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let Python look for cycles less often in this process while the block works. Of two that
    overlap, the last to end decides how it goes on."""
    before = gc.get_threshold()
    gc.set_threshold(max(_ALLOCATIONS, before[0]), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
