"""Partial answers: the parameter `fields`.

https://developers.google.com/workspace/drive/api/guides/fields-parameter, read 2026-11-22.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, TypeAlias

from livesync_pipelines.sandbox.google.errors import GoogleError

Mask: TypeAlias = "dict[str, Mask]"
"""The names that are wanted, and of each what is wanted within; empty for all of it."""

_TOKEN = re.compile(r"[A-Za-z0-9_*-]+|[(),/]")


@lru_cache(maxsize=256)
def parsed(fields: str) -> Mask:
    """Raises GoogleError for what is no selection. `*` alone is everything."""
    tokens = _TOKEN.findall(fields)
    if "".join(tokens) != re.sub(r"\s", "", fields):
        raise unknown(fields)
    mask = _list(tokens, fields)
    if tokens:
        raise unknown(fields)
    return mask


def unknown(field: str) -> GoogleError:
    return GoogleError(400, "invalidParameter", f"Invalid field selection {field}", where="fields")


def masked(value: Any, mask: Mask) -> Any:
    """Of an answer what is wanted; a list is masked item by item."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: masked(value[name], within) for name, within in mask.items() if name in value}


def within(mask: Mask, name: str) -> Mask | None:
    """What is wanted of one name; None for nothing at all."""
    return {} if not mask or "*" in mask else mask.get(name)


def check(mask: Mask, known: frozenset[str]) -> None:
    """Raises GoogleError for a name that the resource does not have."""
    for name in mask:
        if name != "*" and name not in known:
            raise unknown(name)


def _list(tokens: list[str], fields: str) -> Mask:
    mask: Mask = {}
    while True:
        _one(tokens, mask, fields)
        if not tokens or tokens[0] != ",":
            return mask
        tokens.pop(0)


def _one(tokens: list[str], mask: Mask, fields: str) -> None:
    """`name`, `name/within` or `name(within,within)`."""
    if not tokens or tokens[0] in {"(", ")", ",", "/"}:
        raise unknown(fields)
    inner = mask.setdefault(tokens.pop(0), {})
    if tokens and tokens[0] == "/":
        tokens.pop(0)
        _one(tokens, inner, fields)
    elif tokens and tokens[0] == "(":
        tokens.pop(0)
        inner.update(_list(tokens, fields))
        if not tokens or tokens.pop(0) != ")":
            raise unknown(fields)
