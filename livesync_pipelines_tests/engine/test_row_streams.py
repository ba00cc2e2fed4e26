"""Stretches of two ends, also where nothing is in them."""

from __future__ import annotations

import pyarrow as pa

from livesync_pipelines.engine.row_streams import KEY, Stretch
from livesync_pipelines.store import row_base

HELD = row_base.SCHEMA.empty_table()


def rows(*keys: str) -> pa.Table:
    return pa.table({KEY: pa.array(keys, pa.string())})


def test_a_stretch_in_which_no_end_has_a_row_has_no_keys() -> None:
    assert Stretch(rows(), rows(), HELD).keys.to_pylist() == []
    assert Stretch(rows(), None, HELD).keys.to_pylist() == []


def test_a_key_that_both_ends_have_is_one_key() -> None:
    assert Stretch(rows("a", "b"), rows("b", "c"), HELD).keys.to_pylist() == ["a", "b", "c"]
    assert Stretch(None, rows("b"), HELD).keys.to_pylist() == ["b"]
