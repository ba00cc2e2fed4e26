"""What has become of a table's columns, and whether a sync can go on with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livesync_pipelines.core.row_map_drift import drift, widened
from livesync_pipelines.model.row_map import DriftKind
from livesync_pipelines.model.rows import Column, Shape
from livesync_pipelines_tests.core.row_map_house import ID, column, field, shape

BEFORE = replace(shape(name="text", phone="text", at="timestamp"), modified="at")


def test_a_table_that_is_as_it_was_has_not_drifted() -> None:
    assert drift(BEFORE, BEFORE, ()) == []


def test_a_new_column_breaks_nothing() -> None:
    now = replace(BEFORE, columns=(*BEFORE.columns, column("age", "integer")))
    (found,) = drift(BEFORE, now, ())
    assert (found.kind, found.column, found.breaking) == (DriftKind.ADDED, "age", False)
    assert found.sentence == "'age' is new: integer."


@pytest.mark.parametrize(("gone", "breaking"), [("phone", False), ("name", True), ("at", True)])
def test_a_column_that_is_gone_breaks_what_needs_it(gone: str, breaking: bool) -> None:
    now = replace(BEFORE, columns=tuple(c for c in BEFORE.columns if c.name != gone))
    (found,) = drift(BEFORE, now, [ID, field("n", "name")])
    assert (found.kind, found.column, found.breaking) == (DriftKind.REMOVED, gone, breaking)


def test_what_templates_and_expressions_read_is_needed_too() -> None:
    now = replace(BEFORE, columns=BEFORE.columns[:1] + BEFORE.columns[3:])
    fields = [ID, field("t", template="{name}"), field("e", expression="upper(phone)", cast="text")]
    assert [one.breaking for one in drift(BEFORE, now, fields)] == [True, True]


def test_a_new_name_is_recognised() -> None:
    now = replace(
        BEFORE,
        columns=tuple(
            replace(c, name="phone_no") if c.name == "phone" else c for c in BEFORE.columns
        ),
    )
    gone, added = drift(BEFORE, now, ())
    assert (gone.kind, gone.column, gone.breaking) == (DriftKind.RENAMED, "phone", True)
    assert gone.sentence == "'phone' is gone; 'phone_no' looks like its new name."
    assert added.kind is DriftKind.ADDED


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (column("a", "integer", bits=32), column("a", "integer"), DriftKind.WIDENED),
        (column("a", "integer"), column("a", "integer", bits=32), DriftKind.NARROWED),
        (column("a", "text", max_chars=10), column("a", "text"), DriftKind.WIDENED),
        (column("a", "text", max_chars=10), column("a", "text", max_chars=9), DriftKind.NARROWED),
        (column("a", "decimal(6,2)"), column("a", "decimal(8,2)"), DriftKind.WIDENED),
        (column("a", "decimal(6,2)"), column("a", "decimal(6,3)"), DriftKind.RETYPED),
        (column("a", "integer", bits=32), column("a", "decimal(10,0)"), DriftKind.WIDENED),
        (column("a", "integer"), column("a", "text"), DriftKind.WIDENED),
        (column("a", "text"), column("a", "integer"), DriftKind.NARROWED),
        (column("a", "timestamp"), column("a", "date"), DriftKind.NARROWED),
        (column("a", "text"), column("a", "list"), DriftKind.RETYPED),
    ],
)
def test_a_column_of_another_type_is_wider_narrower_or_something_else(
    old: Column, new: Column, kind: DriftKind
) -> None:
    (found,) = drift(shape(a=old), shape(a=new), ())
    assert (found.kind, found.breaking) == (kind, kind is not DriftKind.WIDENED)
    (unmapped,) = drift(shape(a=old), shape(a=new), [ID])
    assert (unmapped.kind, unmapped.breaking) == (kind, False)


def test_what_a_changed_column_means_is_told_the_right_way_round() -> None:
    def told(old: Column, new: Column) -> str:
        return drift(shape(a=old), shape(a=new), ())[0].sentence

    big, small = column("a", "integer"), column("a", "integer", bits=16)
    assert told(small, big) == (
        "'a' is integer, and was integer of 16 bits: everything from before still fits."
    )
    assert told(big, small) == (
        "'a' is integer of 16 bits, and was integer: not everything from before fits any more."
    )
    assert told(big, column("a", "text")) == (
        "'a' is text, and was integer: it may hold now what is no integer."
    )


def test_a_key_of_another_type_breaks_even_where_it_is_wider() -> None:
    before = shape(key=("nr",), nr="integer")
    (found,) = drift(before, shape(key=("nr",), nr="text"), ())
    assert (found.kind, found.breaking) == (DriftKind.WIDENED, True)


def test_a_key_of_other_columns_breaks() -> None:
    before = shape(a="text")
    (found,) = drift(before, replace(before, key=("id", "a")), ())
    assert (found.kind, found.breaking) == (DriftKind.REKEYED, True)
    assert found.sentence == "Rows are told apart by id, a, and were by id."


@pytest.mark.parametrize(
    ("before", "now", "target", "wide"),
    [
        ({"max_chars": 5}, {"max_chars": 40}, {"max_chars": 5}, {"max_chars": 40}),
        ({"max_chars": 5}, {"max_chars": 40}, {"max_chars": 20}, {"max_chars": 40}),
        ({"max_chars": 5}, {"max_chars": 40}, {"max_chars": 4}, {"max_chars": 4}),
        ({"max_chars": 5}, {"max_chars": 40}, {}, {}),
        ({"max_chars": 5}, {}, {"max_chars": 5}, {}),
        ({"max_chars": 40}, {"max_chars": 5}, {"max_chars": 5}, {"max_chars": 5}),
        ({"max_chars": 40}, {"max_chars": 40}, {"max_chars": 5}, {"max_chars": 5}),
    ],
)
def test_a_target_that_held_all_of_the_source_follows_it_when_it_is_widened(
    before: dict[str, int], now: dict[str, int], target: dict[str, int], wide: dict[str, int]
) -> None:
    old, new = (replace(BEFORE, columns=(column("s", "text", **size),)) for size in (before, now))
    there = replace(BEFORE, columns=(column("n", "text", **target),))
    (found,) = widened(old, new, there, [field("n", "s", lossy=True)]).columns
    assert found == column("n", "text", **wide)
    (left,) = widened(old, new, there, [field("n", "s", cast="text")]).columns
    assert left == there.columns[0]


def test_numbers_are_widened_before_and_behind_the_point() -> None:
    def of(price: str, bits: int) -> Shape:
        columns = (column("n", "integer", bits=bits), column("p", price))
        return replace(BEFORE, columns=columns)

    old, new = of("decimal(6,2)", 16), of("decimal(9,3)", 32)
    assert widened(old, new, of("decimal(7,2)", 16), ()).columns == (
        column("n", "integer", bits=32),
        column("p", "decimal(9,3)"),
    )
