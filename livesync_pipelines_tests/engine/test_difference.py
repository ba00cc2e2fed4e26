from __future__ import annotations

from dataclasses import replace
from typing import Any

from livesync_pipelines.engine.difference import Change, difference
from livesync_pipelines.model.sync import (
    Capsule,
    Connection,
    Desired,
    FieldMapping,
    Limits,
    Mode,
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
        'mapping: [] -> [{"target": "name", "source": "full_name", "value": null}]',
        "mode: pull -> push",
        "schedule: daily -> hourly",
        "select.deep.er: 1 -> (none)",
        'select.include: ["**/*.md"] -> ["*.md", "ü"]',
        "select.prefix: (none) -> a",
    ]


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
