"""What the actions of a sync are told: the changes of one page, written in its transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Self

from livesync_pipelines.core.canon import canonical, storable
from livesync_pipelines.model.conflict import Conflict
from livesync_pipelines.model.notice import EventKind
from livesync_pipelines.model.operation import Op
from livesync_pipelines.model.records import Change, Known
from livesync_pipelines.model.sync import Action
from livesync_pipelines.store import outbox, row_history, row_shapes
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.file_commit import FileCommit
from livesync_pipelines.store.operations import Operation
from livesync_pipelines.store.row_commit import RowCommit
from livesync_pipelines.store.row_names import RowNames

MOST = 100
"""So many changes stand in one event; of the rest it says how many they are."""
MOST_BYTES = 200_000
"""And so many bytes of them, as JSON."""

_VALUES = ("before", "after", "base", "source", "target")
_CALLED_FOR = {Op.MOVED: Op.UPDATED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one page has moved. `block` is where the values of its rows stand."""

    changes: Sequence[Change]
    removed: Sequence[tuple[Known, str]]
    rows: RowCommit | None
    files: FileCommit | None
    block: int


def note_changes(connection: Connection, operation: Operation, page: Page, now: datetime) -> None:
    """Write an event for each action of the sync that is called for something in this page, inside
    the caller's transaction."""
    if not operation.sync.actions:
        return
    all_of = (*_of_items(page), *_of_rows(connection, operation, page), *_of_files(page))
    found = [_storable(each) for each in all_of]
    for action in operation.sync.actions:
        if told := [change for change in found if _called_for(action, change)]:
            document = {**outbox.of_operation(operation), **_shown(told)}
            seq = outbox.add_line(connection, operation, EventKind.CHANGES, document, now=now)
            if seq is not None:
                outbox.deliver(connection, seq, [action.call], secret=action.secret, now=now)


def _of_items(page: Page) -> Iterator[dict[str, Any]]:
    for change in page.changes:
        if change.delta.op is not None:  # else it was only mapped or cut anew
            record, fields = change.record, list(change.delta.changed_fields)
            yield _item(record.item_id, record.key, change.delta.op, fields)
    for known, _ in page.removed:
        yield _item(known.item_id, known.key, Op.REMOVED, [])


def _item(item_id: str, key: str, op: Op, fields: list[str]) -> dict[str, Any]:
    return {"item_id": item_id, "key": key, "op": str(op), "fields": fields}


def _of_rows(connection: Connection, operation: Operation, page: Page) -> Iterator[dict[str, Any]]:
    if page.rows is None:
        return
    spelled = _Spelled.of(connection, operation.sync.sync_id)
    if count := len(page.rows.lines):
        told = row_history.of_block(connection, operation.sync.sync_id, page.block, limit=count)
        names = ("key", "op", "fields", "before", "after")
        yield from (spelled.told({name: change[name] for name in names}) for change in told)
    yield from map(spelled.told, map(_of_conflict, page.rows.conflicts))


@dataclass(frozen=True, slots=True)
class _Spelled:
    """How rows are told outside: keys as people write them, and JSON as JSON. `json`: the fields
    that hold it as text."""

    names: RowNames
    sync_id: str
    json: frozenset[str]

    @classmethod
    def of(cls, connection: Connection, sync_id: str) -> Self:
        shape = row_shapes.written(connection, sync_id)
        fields = frozenset(one.name for one in shape.columns if one.json) if shape else frozenset()
        return cls(RowNames(connection), sync_id, fields)

    def told(self, change: dict[str, Any]) -> dict[str, Any]:
        one = change["fields"][0] if change["op"] == Op.CONFLICT and change["fields"] else None
        values = {name: self._value(change[name], one) for name in _VALUES if name in change}
        return {**change, "key": self.names.shown(self.sync_id, change["key"]), **values}

    def _value(self, value: Any, field: str | None) -> Any:
        """Of one field, or of a whole row its values by field."""
        if field is None and isinstance(value, dict):
            return {name: self._value(inner, name) for name, inner in value.items()}
        return _parsed(value) if field in self.json and isinstance(value, str) else value


def _parsed(text: str) -> Any:
    """What stands in a text of JSON; what is none, or has a number that no JSON holds, stays a
    text."""
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_finite)
    except ValueError:
        return text


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError(f"{digits} is no number of JSON")
    return number


def _of_files(page: Page) -> Iterator[dict[str, Any]]:
    if page.files is not None:
        yield from (_item(m.name, m.name, m.op, []) for m in page.files.moved if m.written)
        yield from map(_of_conflict, page.files.conflicts)


def _of_conflict(found: Conflict) -> dict[str, Any]:
    return {
        "key": found.key,
        "op": str(Op.CONFLICT),
        "fields": [found.field] if found.field else [],
        "base": found.base,
        "source": found.source.value,
        "target": found.target.value,
        "winner": found.winner,
        "policy": found.policy,
        "reason": found.reason,
    }


def _called_for(action: Action, change: dict[str, Any]) -> bool:
    """Of a change that names no fields, the whole item or row is meant: it touches all of them."""
    kind = _CALLED_FOR.get(change["op"], change["op"])
    touched = change["fields"]
    return kind in action.on and (
        not action.fields or not touched or not set(action.fields).isdisjoint(touched)
    )


def _shown(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    shown, left = list[dict[str, Any]](), MOST_BYTES
    for change in told[:MOST]:
        left -= len(canonical(change))
        if left < 0:
            break
        shown.append(change)
    rest = len(told) - len(shown)
    more = f", {rest} of them not shown" if rest else ""
    return {
        "changes": shown,
        "more": rest,
        "message": f"{len(told)} change{'' if len(told) == 1 else 's'}{more}.",
        "hint": "",
    }


def _storable(value: Any) -> Any:
    """Without what Postgres keeps in no JSON."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return value
