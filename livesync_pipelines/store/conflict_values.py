"""Whether a value can be the answer to a conflict, as far as that can be told from the conflict."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from livesync_pipelines.core.row_map_types import type_name
from livesync_pipelines.core.row_values import typed
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.rows import Column

_KINDS: tuple[tuple[str, type | tuple[type, ...], str], ...] = (
    ("true or false", bool, "true"),
    ("a number", (int, float), "5"),
    ("a text", str, '"a text"'),
    ("a list", list, '["a", "b"]'),
    ("an object", dict, '{"a": 1}'),
)
"""Of JSON: what it is called, what it is here, and an example. A bool is an int, too, and stands
before it."""


def refuse_unfit(found: Mapping[str, Any], value: Any, column: Column | None) -> None:
    """Raises `BadInput` for a value of another kind of JSON than those that are known of the field,
    for one that its `column` (if that is known) or nobody can store, and for any value in answer to
    whether a row stays."""
    number, field = found["conflict_id"], found["field"]
    if field is None:
        raise BadInput(
            f"Conflict {number} is about a whole row, which takes no value.",
            hint="Say whose row stands, or whose deletion: `--take source`, or `--take target`.",
        )
    if why := _unstorable(value):
        raise BadInput(
            f"The answer to conflict {number} {why}.",
            hint="Give another value, or take what one end says: `--take source`, or "
            "`--take target`.",
        )
    known = [v for v in (found["base"], found["source"], found["target"]) if v is not None]
    kinds = list(dict.fromkeys(_kind(each) for each in known))
    if value is None or not kinds or _kind(value) in kinds:
        if column is not None:
            _refuse_untyped(found, value, column, known)
        return
    raise BadInput(
        f"'{field}' of conflict {number} holds {' or '.join(kinds)} (such as "
        f"{_told(known[-1])}), and {_told(value)} is {_kind(value)}.",
        hint=f"Write {kinds[0]}, as JSON: `--value '{_spelled(value, kinds[0])}'`; or take what "
        "one end says: `--take source`, or `--take target`.",
    )


def _refuse_untyped(
    found: Mapping[str, Any], value: Any, column: Column, known: Sequence[Any]
) -> None:
    try:
        typed([value], column.type)
    except ValueError as error:
        such = f" (such as {_told(known[-1])})" if known else ""
        raise BadInput(
            f"'{found['field']}' of conflict {found['conflict_id']} is {type_name(column)}{such}, "
            f"and {_told(value)} is none.",
            hint="Write one as it is shown, or take what one end says: `--take source`, or "
            "`--take target`.",
        ) from error


def _unstorable(value: Any) -> str | None:
    match value:
        case float() if not isfinite(value):
            return "is a number without end, or none at all"
        case str() if "\0" in value:
            return "holds a NUL character"
        case str() if any("\ud800" <= letter <= "\udfff" for letter in value):
            return "holds half a character (a surrogate)"
        case list():
            return next(filter(None, map(_unstorable, value)), None)
        case dict():
            return next(filter(None, map(_unstorable, [*value, *value.values()])), None)
    return None


def _kind(value: Any) -> str:
    return next(name for name, kind, _ in _KINDS if isinstance(value, kind))


def _told(value: Any) -> str:
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= 60 else f"{said[:57]}..."


def _spelled(value: Any, kind: str) -> str:
    """The value as JSON of that kind where it can be told so, else an example."""
    if kind == "a text" and not isinstance(value, list | dict):
        return json.dumps(json.dumps(value))
    if isinstance(value, str):
        try:
            meant = json.loads(value)
        except ValueError:
            meant = None
        if meant is not None and _kind(meant) == kind:
            return value
    return next(example for name, _, example in _KINDS if name == kind)
