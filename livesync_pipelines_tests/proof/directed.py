"""For a fault and a step: a history in which that step is reached and the fault strikes there."""

from __future__ import annotations

from typing import Any

from livesync_pipelines_tests.proof.connectors import CHANGES, PLACE
from livesync_pipelines_tests.proof.faults import Pair

_FIRST = [["put", key, "xy"] for key in ("a", "b", "c", "m/a", "m/b", "z/a", "z/b")]
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
    """Its setting and its steps: one of every kind of change, the fault, and a run after it."""
    fault, when, step = pair
    flavour = "ordered"
    if step in {CHANGES, PLACE}:
        flavour = "stamped" if fault in {"late changes appear"} or step == PLACE else "told"
    if fault == "a page token repeats" and step != CHANGES:
        flavour = "unordered"
    setting = {"flavour": flavour, "page_items": 2, "with_bodies": False}
    strike = ["run", {"faults": [[fault, when, step, 1]]}]
    return setting, [*_FIRST, ["run"], *_CHANGED, strike, ["run"]]
