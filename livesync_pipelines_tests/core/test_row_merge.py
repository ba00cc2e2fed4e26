"""Merging rows of two ends against what was agreed: the invariants, on generated rows."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from livesync_pipelines.model.merge import MergePolicy
from livesync_pipelines_tests.core.row_cases import Batch, batches, policies
from livesync_pipelines_tests.core.row_properties import PROPERTIES, Property

PROVES = "LIVESYNC_PROVE" in os.environ
MOST_ROWS = 200 if PROVES else 20
EXAMPLES = 220 if PROVES else 25
WANTED = 100_000


@pytest.fixture(scope="module")
def played() -> Iterator[Counter[str]]:
    """Rows that were merged and held against each property; printed, and enough of them."""
    rows: Counter[str] = Counter()
    yield rows
    told = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    print(f"\nmerged rows: {rows.total():,} generated cases, each held to one property: {told}")
    if PROVES and len(rows) == len(PROPERTIES):
        assert rows.total() >= WANTED


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_however_rows_were_edited(
    holds: Property, played: Counter[str], pytestconfig: pytest.Config
) -> None:
    """Each property gets rows of its own, from the session's seed and its name."""
    name = holds.__name__

    @seed(crc32(f"{name} {pytestconfig.getoption('--hypothesis-seed')}".encode()))
    @settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(batches(MOST_ROWS), policies())
    def whatever_happens(batch: Batch, policy: MergePolicy) -> None:
        holds(batch, policy)
        played[name] += len(batch.rows)

    whatever_happens()
