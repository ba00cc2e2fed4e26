"""The hint for a name that is not there stays short, however many there are."""

from __future__ import annotations

from livesync_pipelines.core.names import configured

MANY = [f"tenant-{n:05}" for n in range(10_000)]


def test_few_names_are_all_told() -> None:
    assert configured("x", []) == "Configured: none yet."
    assert configured("x", ["b", "a"]) == "Configured: a, b."


def test_of_very_many_the_nearest_are_told_and_how_many_there_are() -> None:
    hint = configured("handbok-docs", [*MANY, "handbook-docs"])
    assert hint == "Did you mean handbook-docs? 10001 are configured."
    assert configured("tenant-0042", MANY).count("tenant-") == 5


def test_of_very_many_that_are_all_unlike_only_their_number_is_told() -> None:
    assert configured("?", MANY) == "10000 are configured, and none has a name like it."
