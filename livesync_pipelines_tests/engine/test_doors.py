"""What a configuration file may say of a sync."""

from __future__ import annotations

import pytest

from livesync_pipelines.engine._checked import checked
from livesync_pipelines.engine._doors import SyncDoor

PLAIN = {"connection": "a", "target": {"connection": "b", "table": "t"}}


def waits(within: object) -> dict[str, object]:
    return {**PLAIN, "policy": {"ask": {"within": within}}}


@pytest.mark.parametrize(
    ("within", "seconds"), [("30m", 1_800), ("12 h", 43_200), ("3d", 259_200), (90, 90), (0.5, 0.5)]
)
def test_a_time_to_wait_for_an_answer_is_read(within: object, seconds: float) -> None:
    door, troubles = checked(SyncDoor, waits(within))
    assert troubles == []
    assert door is not None
    assert door.config("s", "p").policy.answer_within_s == seconds


@pytest.mark.parametrize(
    "within",
    ["3 days", "soon", "0h", "-1d", "", 0, -3, True, ["3d"], float("inf"), float("nan")],
    ids=repr,
)
def test_what_is_no_such_time_is_named_with_how_to_write_one(within: object) -> None:
    _, (trouble,) = checked(SyncDoor, waits(within))
    assert trouble.path == ("policy", "ask", "within")
    assert trouble.message == f"no time to wait for an answer: {within!r}"
    assert "30m, 12h, 3d" in trouble.hint
