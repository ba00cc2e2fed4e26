"""For a fault and a step: a history in which that step is reached and the fault strikes there."""

from __future__ import annotations

from typing import Any

from livesync_pipelines_tests.proof.connectors import CHANGES, PAGE, PLACE
from livesync_pipelines_tests.proof.faults import Pair

_KEYS = ("a", "a1", "a2", "a3", "b", "c", "m/a", "z/a", "z/b", "z/d", "z/e")
_FIRST = [["put", key, "xy"] for key in _KEYS]
_CHANGED = [
    ["put", "a", "xz"],
    ["put", "m/c", "y"],
    ["remove", "b"],
    ["rename", "c", "z/c"],
    ["poison", "z/a", "malformed"],
    ["touch", "z/a"],
    ["put_late", "m/a", "zz"],
]


def directed(pair: Pair) -> tuple[dict[str, Any], list[list[Any]]]:
    """Its setting and its steps: one of every kind of change, and the fault, early
    in one run and late in the next; few enough removals that nobody is asked."""
    fault, when, step = pair
    flavour = "ordered"
    if step in {CHANGES, PLACE}:
        flavour = "stamped" if fault in {"late changes appear"} or step == PLACE else "told"
    if fault == "a page token repeats" and step != CHANGES:
        flavour = "unordered"
    setting = {"flavour": flavour, "page_items": 2, "with_bodies": False}
    late = 5 if step == PAGE else 2
    once, later = ([["run", {"faults": [[fault, when, step, turn]]}]] for turn in (1, late))
    return setting, [*_FIRST, ["run"], *_CHANGED, *once, ["touch", "z/e"], *later, ["run"]]
