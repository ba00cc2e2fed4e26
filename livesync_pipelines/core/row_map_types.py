"""The types that a mapping speaks of, and what becomes of values between two of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from zoneinfo import ZoneInfo

import pyarrow as pa

from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.rows import Column

STAMP = pa.timestamp("us")
STAMP_TZ = pa.timestamp("us", tz="UTC")
LIST = pa.list_(pa.string())

_NAMES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": STAMP,
    "timestamp_tz": STAMP_TZ,
    "json": pa.string(),
    "list": LIST,
    "binary": pa.binary(),
}
_DECIMAL = re.compile(r"decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)")
CASTS: tuple[str, ...] = (*_NAMES, "decimal(p,s)")


def column_of(cast: str, name: str = "") -> Column:
    """A column of the type of that name. Raises BadInput."""
    if cast in _NAMES:
        return Column(name=name, type=_NAMES[cast], json=cast == "json")
    found = _DECIMAL.fullmatch(cast)
    if found and 1 <= int(found[1]) <= 38 and int(found[2]) <= int(found[1]):
        return Column(name=name, type=pa.decimal128(int(found[1]), int(found[2])))
    raise BadInput(
        f"there is no type '{cast}'",
        hint=f"Write one of: {', '.join(CASTS)}; a decimal has at most 38 digits, e.g. "
        "decimal(12,2).",
    )


def type_name(column: Column) -> str:
    """As `column_of` reads it."""
    if pa.types.is_decimal(column.type):
        return f"decimal({column.type.precision},{column.type.scale})"
    if column.json:
        return "json"
    return next(name for name, kind in _NAMES.items() if kind == column.type)


def family(column: Column) -> str:
    """`type_name`, the digits of a decimal left out."""
    return type_name(column).partition("(")[0]


@cache
def zone_of(name: str) -> ZoneInfo:
    """Raises BadInput for a zone that does not exist."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(
            f"there is no time zone '{name}'", hint="Write a name such as Europe/Berlin or UTC."
        ) from error


def steady(zone: str) -> bool:
    """Whether the clocks of a zone are never turned back."""
    return zone in {"UTC", "GMT", "Zulu", "Universal"} or zone.startswith("Etc/")


_TIMES = {"date", "time", "timestamp", "timestamp_tz"}
_CASTS_FROM: dict[str, set[str]] = {
    "text": set(_NAMES) - {"list"} | {"decimal"},
    "integer": {"text", "integer", "decimal", "float", "boolean", "json"},
    "decimal": {"text", "integer", "decimal", "float", "json"},
    "float": {"text", "integer", "decimal", "float", "json"},
    "boolean": {"text", "integer", "boolean", "json"},
    "date": {"text", "date", "timestamp", "timestamp_tz", "json"},
    "time": {"text", "time", "json"},
    "timestamp": {"text", "json", *_TIMES},
    "timestamp_tz": {"text", "json", *_TIMES},
    "json": {"text", "json", "list"},
    "list": {"list", "json"},
    "binary": {"text", "binary"},
}


def can_cast(source: Column, target: Column) -> bool:
    """Whether there is any way between the two types."""
    return family(target) in _CASTS_FROM[family(source)]


def takes_zone(source: Column, target: Column) -> bool:
    """Whether a zone can say anything between the two."""
    return family(source) in {"text", "json", *_TIMES} and family(target) in _TIMES


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of values on their way there and back: `loses`, why they come back as something
    else; `refuses`, why some do not get there. None: that does not happen."""

    loses: str | None = None
    refuses: str | None = None


def fate(source: Column, target: Column, zone: str | None = None) -> Fate:
    """Of a cast; there must be one. Dates and times are those of the years 1 to 9999."""
    pair = (family(source), family(target))
    if source.type == target.type and source.json == target.json:
        return Fate(refuses=_tight(source, target))
    if pair in _BETWEEN:
        return Fate(refuses=_BETWEEN[pair] or _tight(source, target))
    if pair == ("timestamp_tz", "timestamp"):
        lost = "two moments have the same time of day when the clocks are turned back"
        return Fate(loses=None if steady(zone or "UTC") else lost)
    if pair in {("timestamp", "timestamp_tz"), ("date", "timestamp_tz")}:
        skipped = "a time of day that the clocks skip is no moment"
        return Fate(refuses=skipped if not steady(zone or "UTC") else None)
    if {"integer", "decimal", "float"}.issuperset(pair):
        return _numbers(source, target)
    return Fate(loses=_LOSES.get(pair, f"there are many spellings of one {pair[1]}"))


_BETWEEN: dict[tuple[str, str], str | None] = {
    ("integer", "text"): None,
    ("float", "text"): None,
    ("decimal", "text"): None,
    ("boolean", "text"): None,
    ("boolean", "integer"): None,
    ("integer", "boolean"): "only 0 and 1 are true or false",
    ("date", "text"): None,
    ("date", "timestamp"): None,
    ("time", "text"): None,
    ("timestamp", "text"): None,
    ("timestamp_tz", "text"): None,
    ("json", "text"): None,
    ("list", "json"): None,
    ("text", "binary"): None,
    ("binary", "text"): "not all bytes are text",
}
_LOSES = {
    ("timestamp", "date"): "the time of day is left out",
    ("timestamp_tz", "date"): "the time of day is left out",
    ("timestamp", "time"): "the date is left out",
    ("timestamp_tz", "time"): "the date is left out",
}


_NO_MINUS = "the target holds no number below zero"
_LISTED = 8


def listed(words: Sequence[str]) -> str:
    """These words for a person, the first of very many."""
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return f"{', '.join(words[:_LISTED])}{more}"


def covering(has: Column, wanted: Column) -> Column | None:
    """A column as it must be to hold both what it holds and what is wanted; None where no column
    of its type does."""
    if pa.types.is_decimal(has.type) and pa.types.is_decimal(wanted.type):
        scale = max(has.type.scale, wanted.type.scale)
        whole = max(has.type.precision - has.type.scale, wanted.type.precision - wanted.type.scale)
        if whole + scale > 38:
            return None
        return replace(has, type=pa.decimal128(whole + scale, scale))
    if has.type != wanted.type or (has.json and not wanted.json):
        return None
    room = has.max_chars
    if room is not None and (wanted.max_chars is None or wanted.max_chars > room):
        room = wanted.max_chars
    return replace(has, bits=max(has.bits, wanted.bits), max_chars=room)


def _numbers(source: Column, target: Column) -> Fate:
    kinds = (family(source), family(target))
    if kinds == ("decimal", "float"):
        many = source.type.precision > 15
        return Fate(loses="a float holds 15 digits for sure" if many else None)
    if kinds == ("integer", "float"):
        return Fate(refuses="above 2^53 a float does not hold every whole number")
    if kinds[0] == "float":
        return Fate(refuses=f"not every float fits {type_name(target)}")
    if target.unsigned and not source.unsigned:
        return Fate(refuses=_NO_MINUS)
    whole = _whole_digits(target) - (family(target) == "integer")
    tight = _whole_digits(source) > whole or _scale(source) > _scale(target)
    return Fate(
        refuses=f"not every {type_name(source)} fits {type_name(target)}" if tight else None
    )


def _whole_digits(column: Column) -> int:
    kind = column.type
    if pa.types.is_decimal(kind):
        return int(kind.precision) - int(kind.scale)
    return len(str(2 ** (column.bits - 1)))


def _scale(column: Column) -> int:
    return int(column.type.scale) if pa.types.is_decimal(column.type) else 0


def _tight(source: Column, target: Column) -> str | None:
    """Why a value of one type might not fit the same type, or text, at the other end."""
    if target.type == pa.int64() and source.type == pa.int64() and source.bits > target.bits:
        return f"the target holds whole numbers of {target.bits} bits, the source of {source.bits}"
    if target.unsigned and not source.unsigned:
        return _NO_MINUS
    if target.words and not _only_these(source, target):
        return f"the target holds {listed(target.words)} and nothing else"
    if target.type != pa.string() or target.max_chars is None:
        return None
    if source.type == pa.string() and source.max_chars and source.max_chars <= target.max_chars:
        return None
    return f"the target holds {target.max_chars} characters"


def _only_these(source: Column, target: Column) -> bool:
    """Whether every word that the source may hold is one of the target's."""
    alone = target.several or not source.several
    return bool(source.words) and set(source.words) <= set(target.words) and alone
