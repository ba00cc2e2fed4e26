"""How a value is written as text, to compare it or to show it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

from livesync_pipelines.core.canon import canonical

SHOWN = 100
"""How many characters of a value are shown to a person."""


def shown(value: object) -> str:
    """The start of a value, for a person, and for a column of Postgres, which takes no NUL."""
    return spelled(value)[:SHOWN].replace("\0", "\\0")


def spelled(value: object) -> str:
    """A value as text; what is within a list or an object as JSON."""
    if isinstance(value, str):
        return value
    spell = next((spell for kind, spell in _SPELLINGS if isinstance(value, kind)), str)
    return spell(value)


def _moment_text(value: datetime) -> str:
    bare = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return bare.isoformat(" ", "microseconds") + ("Z" if value.tzinfo else "")


_SPELLINGS: tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (float, lambda value: str(pa.scalar(value).cast(pa.string()))),
    (Decimal, lambda value: format(value, "f")),
    (bytes, lambda value: value.decode(errors="backslashreplace")),
    (datetime, _moment_text),
    (date, date.isoformat),
    (time, lambda value: value.isoformat("microseconds")),
    ((list, dict), lambda value: canonical(value).decode()),
)
