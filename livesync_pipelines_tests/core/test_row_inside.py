"""What is inside two edited values, brought together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core import row_inside
from livesync_pipelines.core.row_inside import Inside, merged_json, merged_list
from livesync_pipelines.model.merge import Side

texts = st.lists(st.sampled_from(["a", "b", "", "c"]), max_size=6).map("\n".join)
members = st.lists(st.sampled_from(["a", "b", None]), max_size=5)


def merged(base: str, source: str, target: str, winner: Side = Side.SOURCE) -> tuple[str, bool]:
    inside = Inside(winner)
    return inside.text(base, source, target), inside.disputed


@pytest.mark.parametrize(
    ("base", "source", "target", "together"),
    [
        ("a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC"),
        ("a\nb", "A\nb", "a\nB", "A\nB"),
        ("a\nb\nc", "a\nc", "a\nb\nc\nd", "a\nc\nd"),
        ("a\nc", "a\nb\nc", "a\nb\nc", "a\nb\nc"),
        ("a\nb\n", "x\na\nb\n", "a\nb\ny\n", "x\na\nb\ny\n"),
        ("a\n\u2028b", "a\n\u2028b!", "A\n\u2028b", "A\n\u2028b!"),
    ],
)
def test_edits_of_other_lines_are_both_kept(
    base: str, source: str, target: str, together: str
) -> None:
    assert merged(base, source, target) == (together, False)
    assert merged(base, target, source) == (together, False)


def test_the_same_line_edited_at_both_ends_is_that_of_the_winner() -> None:
    case = ("a\nb\nc", "A1\nb\nc", "A2\nb\nC")
    assert merged(*case) == ("A1\nb\nC", True)
    assert merged(*case, Side.TARGET) == ("A2\nb\nC", True)


@given(texts, texts, texts)
def test_texts_are_merged_alike_from_either_end(base: str, source: str, target: str) -> None:
    assert merged(base, source, target) == merged(base, target, source, Side.TARGET)
    assert merged(base, source, base) == merged(base, base, source) == (source, False)
    assert merged(base, source, source) == (source, False)


@given(texts, texts, texts)
def test_of_long_texts_what_lies_between_the_outermost_edits_is_one_edit(
    base: str, source: str, target: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_inside, "_MOST_PAIRS", 0)
        assert merged(base, source, base) == (source, False)
        assert merged(base, source, target) == merged(base, target, source, Side.TARGET)


@given(members, members, members)
def test_lists_are_merged_alike_from_either_end(base: Any, source: Any, target: Any) -> None:
    assert merged_list(base, source, target) == merged_list(base, target, source)
    assert sorted(map(str, merged_list(base, source, base))) == sorted(map(str, source))
    assert sorted(map(str, merged_list(base, source, source))) == sorted(map(str, source))


@pytest.mark.parametrize(
    ("base", "source", "target", "together"),
    [
        ("{}", '{"a":1}', '{"b":2}', '{"a":1,"b":2}'),
        (None, '{"a":1}', '{"b":2}', '{"a":1,"b":2}'),
        ('{"a":{"b":1,"c":1}}', '{"a":{"b":2,"c":1}}', '{"a":{"b":1}}', '{"a":{"b":2}}'),
        ('{"a":[1,2]}', '{"a":[1,2,3]}', '{"a":[2]}', '{"a":[2,3]}'),
        ('{"a":"x\\ny"}', '{"a":"X\\ny"}', '{"a":"x\\nY"}', '{"a":"X\\nY"}'),
        ('{"a":1}', '{"a":1.0}', '{"a":1,"b":true}', '{"a":1.0,"b":true}'),
    ],
)
def test_objects_are_merged_member_by_member(
    base: str | None, source: str, target: str, together: str
) -> None:
    inside = Inside(Side.SOURCE)
    assert merged_json(inside, base, source, target) == together
    assert not inside.disputed


@pytest.mark.parametrize("odd", ['{"b": 1}', '{"a":100000000000000000000000}', "{", '{"a":1e0}'])
def test_json_that_we_would_write_otherwise_is_not_taken_apart(odd: str) -> None:
    """Parts that nobody has edited would change."""
    fine = '{"c":1}'
    for case in ((odd, fine, "{}"), (fine, odd, "{}"), (fine, "{}", odd)):
        assert merged_json(Inside(Side.SOURCE), *case) is None
