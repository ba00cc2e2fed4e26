"""The benchmark of rows, with few of them: it runs, and finds exactly what was edited."""

from __future__ import annotations

import pytest

from benchmarks.rows import deltas, merges
from livesync_pipelines.model.merge import Policy


def test_both_ways_to_a_delta_find_what_was_edited() -> None:
    subjects = deltas(2_000, rounds=1, with_peers=False)
    assert [(len(subject.seconds), subject.right) for subject in subjects] == [(1, True)] * 2


@pytest.mark.parametrize("policy", [Policy.LATEST_WINS, Policy.ASK_PERSON])
def test_a_merge_clashes_exactly_where_both_ends_were_edited(policy: Policy) -> None:
    assert merges(2_000, rounds=1, policy=policy).right
