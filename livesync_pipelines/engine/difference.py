"""What `apply` would change, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from livesync_pipelines.model.row_map import FieldMap
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
    details = [*_unlike(_plain(before), _plain(after)), *_lines(_mapping(before), _mapping(after))]
    return Change(kind, name, "changed" if details else "unchanged", tuple(sorted(details)))


def _plain(noun: Noun) -> dict[str, Any]:
    """All but the mapping."""
    return {k: v for k, v in asdict(noun).items() if k not in {"mapping", "fields"}}


def _mapping(noun: Noun) -> dict[str, dict[str, Any]]:
    """What the lines of its mapping say, by what they write, in the words of a file."""
    if not isinstance(noun, SyncConfig):
        return {}
    lines: dict[str, dict[str, Any]] = {
        line.target: {"value": line.value} if line.source is None else {"from": line.source}
        for line in noun.mapping
    }
    return lines | {line.target: _said(line) for line in noun.fields}


def _said(line: FieldMap) -> dict[str, Any]:
    said = line.to_json()
    del said["target"]
    if "sources" in said:
        said["from"] = line.sources if len(line.sources) > 1 else line.sources[0]
        del said["sources"]
    if "lookup" in said:
        said["lookup"] = {str(key): value for key, value in line.lookup}
    if "otherwise" in said:
        (said["else"],) = said.pop("otherwise")
    if line.unit is not None:
        said["unit"] = {"from": line.unit.source, "to": line.unit.target}
    return said


def _lines(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Of a line that both have, only what has changed in it."""
    for name in {*before, *after}:
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None:
            yield from _unlike(old, new, f"mapping.{name}.")
        else:
            yield f"mapping.{name}: {_line(old)} -> {_line(new)}"
    stayed = [name for name in before if name in after]
    if stayed != [name for name in after if name in before]:
        yield f"mapping: order of lines {', '.join(before)} -> {', '.join(after)}"


def _line(said: Mapping[str, Any] | None) -> str:
    return _NONE if said is None else json.dumps(said, ensure_ascii=False)


def _unlike(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    here, there = dict(_leaves(before, prefix)), dict(_leaves(after, prefix))
    for key in {*here, *there}:
        old, new = here.get(key, _NONE), there.get(key, _NONE)
        if old != new:
            alike = _plainly(old) == _plainly(new)  # 1 and "1"
            yield f"{key}: " + " -> ".join((old, new) if alike else (_plainly(old), _plainly(new)))


def _leaves(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """By their paths, as JSON."""
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", json.dumps(inner, ensure_ascii=False)


def _plainly(told: str) -> str:
    """A text without its quotes."""
    return str(json.loads(told)) if told.startswith('"') else told


def named(nouns: Iterable[Noun]) -> dict[str, Noun]:
    """By the names that users give."""
    return {noun.sync_id if isinstance(noun, SyncConfig) else noun.name: noun for noun in nouns}
