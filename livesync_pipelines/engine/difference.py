"""What `apply` would change, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig

Kind = Literal["connection", "capsule", "sync"]
Action = Literal["added", "changed", "removed", "unchanged"]
Noun = Connection | Capsule | SyncConfig

_NONE = "(none)"


@dataclass(frozen=True, slots=True)
class Change:
    """`details` says each changed field as `field: old -> new`; empty unless changed."""

    kind: Kind
    name: str
    action: Action
    details: tuple[str, ...] = ()


def difference(current: Desired, wanted: Desired, *, prune: bool = False) -> list[Change]:
    """What would be done to `current`, in the order in which it can be done.

    With `prune`, what is not wanted any more is removed, but only in projects of which `wanted`
    says something: a file about one project is silent about the others.
    """
    pairs: tuple[tuple[Kind, dict[str, Noun], dict[str, Noun]], ...] = (
        ("connection", named(current.connections), named(wanted.connections)),
        ("capsule", named(current.capsules), named(wanted.capsules)),
        ("sync", named(current.syncs), named(wanted.syncs)),
    )
    changes = [
        _change(kind, name, before.get(name), noun)
        for kind, before, after in pairs
        for name, noun in after.items()
    ]
    if prune:
        projects = {noun.project_id for _, _, after in pairs for noun in after.values()}
        changes += [
            Change(kind, name, "removed")
            for kind, before, after in reversed(pairs)
            for name, noun in before.items()
            if name not in after and noun.project_id in projects
        ]
    return changes


def changed(wanted: Desired, changes: Iterable[Change]) -> Desired:
    """Of what is wanted, only what has to be written, so that applying a file again disturbs no
    sync. The syncs of a changed connection are among it: they must be looked at anew."""
    named_changes = {(c.kind, c.name) for c in changes if c.action in {"added", "changed"}}
    return Desired(
        connections=tuple(n for n in wanted.connections if ("connection", n.name) in named_changes),
        capsules=tuple(n for n in wanted.capsules if ("capsule", n.name) in named_changes),
        syncs=tuple(
            n
            for n in wanted.syncs
            if ("sync", n.sync_id) in named_changes or ("connection", n.connection) in named_changes
        ),
    )


def _change(kind: Kind, name: str, before: Noun | None, after: Noun) -> Change:
    if before is None:
        return Change(kind, name, "added")
    details = tuple(_details(dict(_leaves(asdict(before))), dict(_leaves(asdict(after)))))
    return Change(kind, name, "changed" if details else "unchanged", details)


def _details(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for key in sorted({*before, *after}):
        old, new = before.get(key, _NONE), after.get(key, _NONE)
        if old != new:
            yield f"{key}: {old} -> {new}"


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _shown(inner)


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def named(nouns: Iterable[Noun]) -> dict[str, Noun]:
    """By the names that users give."""
    return {noun.sync_id if isinstance(noun, SyncConfig) else noun.name: noun for noun in nouns}
