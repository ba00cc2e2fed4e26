"""Which files are one where an end takes no notice of case."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.copy_names import pair

_NAMES = st.sets(st.text("aAbB/", min_size=1, max_size=3))


def test_a_file_is_found_under_another_spelling() -> None:
    found = pair(["Guide/A.md"], ["guide/a.md", "Theirs.md"], ["Guide/A.md"], str.lower)
    assert found.target == {"Guide/A.md": "guide/a.md", "Theirs.md": "Theirs.md"}
    assert (found.before, found.shadowed) == ({}, {})


def test_of_two_names_that_are_one_the_known_one_stands_else_the_first() -> None:
    assert pair(["A", "a"], ["a"], ["a"], str.lower).shadowed == {"A": "a"}
    assert pair(["A", "a"], [], [], str.lower).shadowed == {"a": "A"}


def test_a_name_that_is_spelled_anew_is_known_by_the_old_one() -> None:
    found = pair(["a"], ["A"], ["A"], str.lower)
    assert found.target == {"a": "A"}
    assert found.before == {"a": "A"}


def test_a_file_that_only_the_target_has_left_goes_by_the_name_that_is_known() -> None:
    assert pair([], ["A"], ["a"], str.lower).target == {"a": "A"}


@given(_NAMES, _NAMES, _NAMES)
def test_no_two_files_of_the_source_are_ever_one_of_the_target(
    source: set[str], target: set[str], known: set[str]
) -> None:
    one_each = {name.lower(): name for name in sorted(target)}
    found = pair(source, one_each.values(), known, str.lower)
    written = source - found.shadowed.keys()
    assert len({name.lower() for name in written}) == len(written)
    assert {name.lower() for name in written} == {name.lower() for name in source}
    assert set(found.shadowed.values()) <= written
    assert sorted(found.target.values()) == sorted(one_each.values())
    assert all(name.lower() == theirs.lower() for name, theirs in found.target.items())
    assert all(new in written and old in known - source for new, old in found.before.items())


@given(_NAMES, _NAMES, _NAMES)
def test_where_every_name_is_its_own_nothing_is_paired(
    source: set[str], target: set[str], known: set[str]
) -> None:
    found = pair(source, target, known, lambda name: name)
    assert found.target == {name: name for name in target}
    assert (found.before, found.shadowed) == ({}, {})
