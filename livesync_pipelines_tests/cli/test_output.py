from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from livesync_pipelines.cli.output import ago, clean

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "now"),
        (9, "now"),
        (42, "42 s ago"),
        (130, "2 min ago"),
        (7_300, "2 h ago"),
        (90_000, "1 day ago"),
        (900_000, "10 days ago"),
        (-300, "in 5 min"),
        (-172_800, "in 2 days"),
    ],
)
def test_times_are_told_as_people_tell_them(seconds: int, said: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_no_time_is_a_dash() -> None:
    assert ago(None, NOW) == "-"


def test_what_could_steer_a_terminal_is_taken_out() -> None:
    assert clean("a\x1b[2Jb\x9bc\u202ed\te\n") == "a\ufffd[2Jb\ufffdc\ufffdd\te\n"
