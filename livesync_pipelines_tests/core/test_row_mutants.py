"""Each broken merge is caught by one of the invariants."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from livesync_pipelines.model.merge import MergePolicy
from livesync_pipelines_tests.core.row_cases import Batch, batches, policies
from livesync_pipelines_tests.core.row_mutants import MUTANTS, Mutant
from livesync_pipelines_tests.core.row_properties import PROPERTIES, Property


def broken_after(holds: Property) -> int | None:
    """How many rows were merged until the property broke; None: it did not."""
    rows = 0

    @settings(
        max_examples=20,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(batches(60), policies())
    def whatever_happens(batch: Batch, policy: MergePolicy) -> None:
        nonlocal rows
        rows += len(batch.rows)
        holds(batch, policy)

    try:
        whatever_happens()
    except Exception:  # noqa: BLE001 - whatever: it was noticed
        return rows
    return None


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_broken_merge_is_noticed(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        mutant(patch)
        tried = ((holds.__name__, broken_after(holds)) for holds in PROPERTIES)
        killer = next(((name, rows) for name, rows in tried if rows is not None), None)
    assert killer, "no property has noticed it"
    print(f"killed by {killer[0]}, after {killer[1]} rows")
