"""From a record's attributes to the fields of the target."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core import mapping
from livesync_pipelines.model.sync import FieldMapping

words = st.text(max_size=4)
fields = st.builds(FieldMapping, words, source=words) | st.builds(FieldMapping, words, value=words)
mappings = st.lists(fields, max_size=4)
ATTRIBUTES = {"who": "Ada", "page": "1", "empty": ""}


def test_without_a_mapping_every_attribute_keeps_its_name() -> None:
    assert mapping.apply((), ATTRIBUTES) == ATTRIBUTES


def test_only_what_is_named_goes_over() -> None:
    asked = (FieldMapping("author", source="who"), FieldMapping("origin", value="fake"))
    assert mapping.apply(asked, ATTRIBUTES) == {"author": "Ada", "origin": "fake"}


def test_a_field_whose_source_is_missing_is_left_out_and_an_empty_one_is_not() -> None:
    asked = (FieldMapping("a", source="missing"), FieldMapping("b", source="empty"))
    assert mapping.apply(asked, ATTRIBUTES) == {"b": ""}


@given(mappings)
def test_the_version_is_that_of_this_very_mapping(asked: list[FieldMapping]) -> None:
    assert mapping.version(asked) == mapping.version(list(asked))
    assert (mapping.version(asked) == "identity") == (not asked)


@given(mappings, mappings)
def test_two_mappings_have_one_version_only_if_they_are_one(
    one: list[FieldMapping], other: list[FieldMapping]
) -> None:
    assert (mapping.version(one) == mapping.version(other)) == (one == other)
