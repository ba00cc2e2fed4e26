"""Whether an answer fits Google's own description of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}Z|Z|[+-]\d\d:\d\d)")
_NUMBER = re.compile(r"-?\d+")
_KINDS = {
    "string": "str",
    "boolean": "bool",
    "integer": "int",
    "array": "list",
    "object": "dict",
}


def misfits(document: dict[str, Any], name: str, value: Any) -> list[str]:
    """Where a value is not what the discovery document says of the schema of this name; a name that
    the document does not know is a misfit too."""
    return list(_misfits(document["schemas"], {"$ref": name}, value, name))


def _misfits(schemas: Any, schema: Any, value: Any, where: str) -> Iterator[str]:
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if type(value).__name__ != _KINDS[schema["type"]]:
        yield f"{where} is a {type(value).__name__}"
    elif schema["type"] == "object":
        yield from _of_object(schemas, schema, value, where)
    elif schema["type"] == "array":
        for n, item in enumerate(value):
            yield from _misfits(schemas, schema["items"], item, f"{where}[{n}]")
    elif schema.get("format") == "date-time" and not _TIME.fullmatch(value):
        yield f"{where} is no time: {value}"
    elif schema.get("format") == "int64" and not _NUMBER.fullmatch(value):
        yield f"{where} is no number: {value}"


def _of_object(schemas: Any, schema: Any, value: Any, where: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, item in value.items():
        inner = known.get(name, others)
        if inner is None:
            yield f"{where} has no {name}"
        else:
            yield from _misfits(schemas, inner, item, f"{where}.{name}")
