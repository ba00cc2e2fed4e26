"""The decision of a copy, over every case there is."""

from __future__ import annotations

from itertools import product

import pytest

from livesync_pipelines.core.copying import Agreed, Step, decide


@pytest.mark.parametrize(
    ("source", "target", "known", "step"),
    [
        ("a", None, None, Step.PUT),
        ("a", "x", None, Step.COMPARE),
        ("a", "x", ("a", "x"), Step.SAME),
        ("b", "x", ("a", "x"), Step.PUT),
        ("a", "y", ("a", "x"), Step.KEEP),
        ("b", "y", ("a", "x"), Step.COMPARE),
        ("a", None, ("a", "x"), Step.KEEP),
        ("b", None, ("a", "x"), Step.KEEP),
        (None, "x", ("a", "x"), Step.REMOVE),
        (None, "y", ("a", "x"), Step.KEEP),
        (None, None, ("a", "x"), Step.FORGET),
        (None, "x", None, Step.SAME),
        (None, None, None, Step.SAME),
        ("a", "y", ("a", "x", True), Step.SAME),
        ("a", None, ("a", None, True), Step.SAME),
        ("b", "x", ("a", "x", True), Step.COMPARE),
        ("b", None, ("a", None, True), Step.PUT),
        (None, "x", ("a", "x", True), Step.FORGET),
        (None, "x", (None, "x", True), Step.SAME),
    ],
)
def test_each_case_has_its_step(
    source: str | None, target: str | None, known: tuple[str, str, bool] | None, step: Step
) -> None:
    assert decide(source, target, Agreed(*known) if known else None) is step


def test_nothing_that_the_target_changed_is_ever_written_over_or_removed_unseen() -> None:
    for source, target in product(["a", "b", None], ["x", "y"]):
        if target != "x":
            assert decide(source, target, Agreed("a", "x")) not in (Step.PUT, Step.REMOVE)
        apart = Agreed("a", "x", apart=True)
        assert decide(source, target, apart) not in (Step.PUT, Step.REMOVE)
        assert decide(source, target, None) not in (Step.PUT, Step.REMOVE)
