"""Where values stand that not every table takes."""

from __future__ import annotations

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.row_holding import unheld
from livesync_pipelines.model.rows import ANYTHING, Holds

NO_NUL = Holds(nul=False)
TEXTS = st.text(st.sampled_from("a\0\\u0"), max_size=8)


def places(cells: pa.Array, holds: Holds = NO_NUL, *, json: bool = False) -> list[int]:
    return [place for place, _ in unheld(cells, holds, json=json)]


@given(st.lists(st.none() | TEXTS, max_size=6))
def test_texts_are_found_by_what_is_in_them(texts: list[str | None]) -> None:
    wanted = [place for place, text in enumerate(texts) if text and "\0" in text]
    assert places(pa.array(texts, pa.string()), json=False) == wanted
    lists = pa.array([None if text is None else ["b", text, None] for text in texts])
    assert places(lists.cast(pa.list_(pa.string())), json=False) == wanted


@given(st.lists(TEXTS, max_size=6))
def test_documents_are_found_by_what_they_say_and_not_by_how_it_is_spelled(
    texts: list[str],
) -> None:
    wanted = [place for place, text in enumerate(texts) if "\0" in text]
    documents = [orjson.dumps({text: [text]}).decode() for text in texts]
    assert places(pa.array(documents, pa.string()), json=True) == wanted


@pytest.mark.parametrize("kind", [pa.int64(), pa.binary(), pa.timestamp("us")])
def test_what_is_no_text_holds_none(kind: pa.DataType) -> None:
    assert places(pa.nulls(3, kind), json=False) == []


def test_floats_that_are_no_number_or_infinite_are_found_where_they_are_not_taken() -> None:
    cells = pa.array([1.5, float("nan"), None, float("-inf"), float("inf")])
    assert places(cells, Holds(nan=False)) == [1]
    assert places(cells, Holds(infinity=False)) == [3, 4]
    assert places(cells, Holds(nan=False, infinity=False)) == [1, 3, 4]
    assert places(cells, ANYTHING) == []
