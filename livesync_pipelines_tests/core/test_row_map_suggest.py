"""A first mapping, guessed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.row_map import compile_map
from livesync_pipelines.core.row_map_names import likeness
from livesync_pipelines.core.row_map_suggest import suggest
from livesync_pipelines.model.rows import Shape
from livesync_pipelines_tests.core.row_map_house import ID, column, field, shape, table

HERE = shape(full_name="text", eMail="text", tel="text", created="text", x1="text")
THERE = shape(name="text", email="text", phone="text", created_at="timestamp", colour="text")
ROWS: dict[str, list[object]] = {
    "full_name": ["Ada Lovelace", "Alan Turing"],
    "eMail": ["ada@example.com", "alan@example.com"],
    "tel": ["1", "2"],
    "created": ["2026-01-01", None],
    "x1": ["red", "blue"],
}
THEIRS: dict[str, list[object]] = {
    "name": ["Grace Hopper"],
    "email": ["alan@example.com"],
    "phone": ["3"],
    "created_at": [None],
    "colour": ["red"],
}


def test_names_that_mean_the_same_are_found_and_the_key_comes_first() -> None:
    found = suggest(HERE, table(HERE, ROWS), THERE, table(THERE, THEIRS))
    assert found[0].field == ID
    assert {one.field.target: one.field.sources[0] for one in found} == {
        "id": "id",
        "name": "full_name",
        "email": "eMail",
        "phone": "tel",
        "created_at": "created",
    }
    by_name = {one.field.target: one for one in found}
    assert by_name["created_at"].field == field("created_at", "created", cast="timestamp")
    assert by_name["email"].why == (
        "'eMail' and 'email': the names are the same, 100% of the values are at both ends."
    )
    compile_map([one.field for one in found], HERE, THERE)


def test_without_rows_the_names_decide() -> None:
    empty = table(HERE, {name: [] for name in ROWS}), table(THERE, {name: [] for name in THEIRS})
    found = suggest(HERE, empty[0], THERE, empty[1])
    assert {"name", "email", "phone"} <= {one.field.target for one in found}


def test_values_decide_between_names_that_say_little() -> None:
    here, there = shape(field_a="text", field_b="text"), shape(field_x="text", field_y="text")
    mine = table(here, {"field_a": ["red", "blue"], "field_b": ["Bonn", "Ulm"]})
    theirs = table(there, {"field_x": ["Ulm", "Bonn"], "field_y": ["blue", "red"]})
    found = suggest(here, mine, there, theirs)
    assert {one.field.sources[0]: one.field.target for one in found} == {
        "id": "id",
        "field_a": "field_y",
        "field_b": "field_x",
    }


def test_what_the_target_computes_itself_is_not_suggested() -> None:
    there = shape(a=column("a", "text", writable=False))
    here = shape(a="text")
    found = suggest(here, table(here, {"a": []}), there, table(there, {"a": []}))
    assert [one.field for one in found] == [ID]


names = st.lists(
    st.sampled_from(["a", "b", "name", "full_name", "mail", "E-Mail", "ÄÖ", ""]), unique=True
)


@given(names, names)
def test_no_column_is_ever_suggested_twice(mine: list[str], theirs: list[str]) -> None:
    def empty(names: list[str]) -> Shape:
        columns = [column("id", "integer"), *(column(name, "text") for name in names)]
        return Shape(columns=tuple(columns), key=("id",))

    here, there = empty(mine), empty(theirs)
    found = suggest(here, here.schema.empty_table(), there, there.schema.empty_table())
    sources = [one.field.sources[0] for one in found]
    targets = [one.field.target for one in found]
    assert len(set(sources)) == len(sources)
    assert len(set(targets)) == len(targets)
    assert all(0 <= one.score <= 1 for one in found)


@given(st.text(max_size=8), st.text(max_size=8))
def test_likeness_is_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, other) == likeness(other, one)
    assert likeness(one, one) == 1
