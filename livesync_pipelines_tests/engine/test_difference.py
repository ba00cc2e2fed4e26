from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from livesync_pipelines.engine.difference import Change, difference
from livesync_pipelines.model.row_map import FieldMap, Unit
from livesync_pipelines.model.sync import (
    Capsule,
    Connection,
    Desired,
    FieldMapping,
    Limits,
    Mode,
    RowTarget,
    SyncConfig,
)

DOCS = Connection(name="docs", project_id="demo", platform="shelf", options={"path": "/a"})
CAPSULE = Capsule(name="handbook", project_id="demo")
SYNC = SyncConfig(
    sync_id="handbook-docs",
    project_id="demo",
    connection="docs",
    capsule="handbook",
    schedule="daily",
    select={"include": ["**/*.md"], "deep": {"er": 1}},
)
ALL = Desired(connections=(DOCS,), capsules=(CAPSULE,), syncs=(SYNC,))
NOTHING = Desired()


def details(before: SyncConfig, **fields: Any) -> list[str]:
    wanted = Desired(syncs=(replace(before, **fields),))
    (change,) = difference(Desired(syncs=(before,)), wanted)
    assert change.action == "changed"
    return list(change.details)


def test_what_is_new_is_added_in_the_order_in_which_it_can_be_made() -> None:
    assert difference(NOTHING, ALL) == [
        Change("connection", "docs", "added"),
        Change("capsule", "handbook", "added"),
        Change("sync", "handbook-docs", "added"),
    ]


def test_what_was_applied_is_unchanged() -> None:
    assert {change.action for change in difference(ALL, ALL, prune=True)} == {"unchanged"}


def test_tuples_and_lists_are_the_same_words() -> None:
    stored = replace(SYNC, select={"include": ("**/*.md",), "deep": {"er": 1}})
    (change,) = difference(Desired(syncs=(stored,)), Desired(syncs=(SYNC,)))
    assert change.action == "unchanged"


def test_each_changed_field_is_shown_old_and_new() -> None:
    assert details(
        SYNC,
        schedule="hourly",
        mode=Mode.PUSH,
        limits=Limits(delete_items=5),
        select={"include": ["*.md", "ü"], "prefix": "a"},
        mapping=(FieldMapping("name", source="full_name"),),
    ) == [
        "limits.delete_items: 20 -> 5",
        'mapping.name: (none) -> {"from": "full_name"}',
        "mode: pull -> push",
        "schedule: daily -> hourly",
        "select.deep.er: 1 -> (none)",
        'select.include: ["**/*.md"] -> ["*.md", "ü"]',
        "select.prefix: (none) -> a",
    ]


LINES = (
    FieldMap(target="id", sources=("id",)),
    FieldMap(target="name", sources=("full_name",), cast="text"),
    FieldMap(target="state", sources=("s",), lookup=(("A", "active"), ("B", 1)), otherwise=(None,)),
    FieldMap(target="height", sources=("cm",), unit=Unit("cm", "m")),
)
ROWS = replace(SYNC, capsule=None, target=RowTarget(connection="crm"), fields=LINES)


@pytest.mark.parametrize(
    ("place", "changed", "shown"),
    [
        (1, {"cast": "integer"}, ["mapping.name.cast: text -> integer"]),
        (1, {"cast": None, "lossy": True}, ["cast: text -> (none)", "lossy: (none) -> true"]),
        (
            1,
            {"sources": ("a", "b"), "join": " "},
            ['from: full_name -> ["a", "b"]', "join: (none)"],
        ),
        (2, {"lookup": (("A", "live"), ("B", 1))}, ["mapping.state.lookup.A: active -> live"]),
        (2, {"otherwise": ("x",)}, ["mapping.state.else: null -> x"]),
        (2, {"otherwise": ("null",)}, ['mapping.state.else: null -> "null"']),
        (2, {"lookup": (("A", "active"), ("B", "1"))}, ['mapping.state.lookup.B: 1 -> "1"']),
        (2, {"otherwise": ()}, ["mapping.state.else: null -> (none)"]),
        (3, {"unit": Unit("mm", "m")}, ["mapping.height.unit.from: cm -> mm"]),
    ],
)
def test_of_a_mapping_only_the_words_that_changed_are_shown(
    place: int, changed: dict[str, Any], shown: list[str]
) -> None:
    lines = list(LINES)
    lines[place] = replace(lines[place], **changed)
    told = details(ROWS, fields=tuple(lines))
    assert len(told) == len(shown)
    for said, one in zip(told, shown, strict=True):
        assert one in said


def test_lines_of_a_mapping_that_come_or_go_are_shown_whole() -> None:
    more = FieldMap(target="age", sources=("age",), cast="integer")
    assert details(ROWS, fields=(more, *LINES[:2], LINES[3])) == [
        'mapping.age: (none) -> {"cast": "integer", "from": "age"}',
        'mapping.state: {"lookup": {"A": "active", "B": 1}, "from": "s", "else": null} -> (none)',
    ]


def test_lines_of_a_mapping_in_another_order_are_a_change() -> None:
    told = details(ROWS, fields=(LINES[1], LINES[0], *LINES[2:]))
    assert told == ["mapping: order of lines id, name, state, height -> name, id, state, height"]


def test_what_is_not_named_stays_unless_pruned() -> None:
    assert difference(ALL, NOTHING) == []
    wanted = Desired(capsules=(CAPSULE,))
    assert difference(ALL, wanted) == [Change("capsule", "handbook", "unchanged")]
    assert difference(ALL, wanted, prune=True) == [
        Change("capsule", "handbook", "unchanged"),
        Change("sync", "handbook-docs", "removed"),
        Change("connection", "docs", "removed"),
    ]


def test_pruning_one_project_leaves_the_others_alone() -> None:
    other = Desired(capsules=(Capsule(name="theirs", project_id="other"),))
    assert difference(ALL, other, prune=True) == [Change("capsule", "theirs", "added")]


def test_pruning_by_an_empty_file_removes_nothing() -> None:
    assert difference(ALL, NOTHING, prune=True) == []
