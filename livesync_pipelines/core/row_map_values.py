"""One value at a time: what it is as another type, or why it is not. This is what a cast means;
`row_map_cast` does the same for whole columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from math import isfinite
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import orjson

from livesync_pipelines.core.canon import canonical
from livesync_pipelines.core.row_map_spelling import spelled
from livesync_pipelines.core.row_map_types import family, listed, type_name, zone_of
from livesync_pipelines.model.rows import Column

T = TypeVar("T")

_EXACT = Context(prec=200)
_WHOLE = re.compile(r"[+-]?[0-9]{1,60}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_NO_NUMBER = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_FRACTION = re.compile(r"\d\.(\d+)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TRUTHS = dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True)
_TRUTHS |= dict.fromkeys(("false", "f", "no", "n", "off", "0"), False)


class Unfit(ValueError):
    """The reason why a value does not fit, as a sentence without its subject."""


def converted(value: Any, target: Column, zone: str | None = None, *, lossy: bool = False) -> Any:
    """The value as one of the target's type; None stays None. Raises `Unfit`."""
    if value is None:
        return None
    found = _CONVERTERS[family(target)](value, target, zone_of(zone or "UTC"), lossy)
    if target.max_chars is not None and isinstance(found, str) and len(found) > target.max_chars:
        raise Unfit(f"has {len(found)} characters, and the target holds {target.max_chars}")
    if target.words and isinstance(found, str) and not _among(found, target):
        raise Unfit(f"is none of {listed(target.words)}, and the target holds nothing else")
    return found


def _among(text: str, target: Column) -> bool:
    """Where its collation says so, a database takes a word in whatever case, and leaves out blanks
    at the end."""
    if target.cased:
        return text in target.words
    words = {word.casefold() for word in target.words}
    parts = (text.split(",") if text else []) if target.several else [text]
    return all(part.rstrip(" ").casefold() in words for part in parts)


def _to_text(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise Unfit("is not text in UTF-8") from error
    if isinstance(value, list):
        raise Unfit("is a list; say by what to join it")
    return spelled(value)


def _to_whole(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> int:
    if isinstance(value, str):
        if _WHOLE.fullmatch(value.strip(" ")) is None:
            raise Unfit("is not a whole number")
        found = int(value)
    else:
        found = _whole(value, lossy)
    if not -(2 ** (target.bits - 1)) <= found < 2 ** (target.bits - 1):
        raise Unfit(f"is too large for a whole number of {target.bits} bits")
    if target.unsigned and found < 0:
        raise Unfit("is below zero, and the target holds no such number")
    return found


def _whole(value: Any, lossy: bool) -> int:
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, (float, Decimal)):
        raise Unfit("is not a number")
    if not Decimal(value).is_finite():
        raise Unfit("is not a whole number")
    if not lossy and value.as_integer_ratio()[1] != 1:
        raise Unfit("has decimals, and this is for whole numbers; lossy: true would round")
    return round(value)


def _to_decimal(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> Decimal:
    kind = target.type
    exact = _decimal(value)
    try:
        found = exact.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_EVEN, _EXACT)
    except InvalidOperation as error:
        raise Unfit(f"is too large for {type_name(target)}") from error
    if found != exact and not lossy:
        raise Unfit(f"has more than {kind.scale} decimals; lossy: true would round")
    if abs(found) >= Decimal(10) ** (kind.precision - kind.scale):
        raise Unfit(f"is too large for {type_name(target)}")
    return found if found else abs(found)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, str):
        if _NUMBER.fullmatch(value.strip(" ")) is None:
            raise Unfit("is not a number")
        return Decimal(value.strip(" "))
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Unfit("is not a number")
    found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not found.is_finite():
        raise Unfit("is not a number that a decimal can hold")
    return found


def _to_float(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> float:
    if isinstance(value, str):
        text = value.strip(" ")
        if _NO_NUMBER.fullmatch(text):
            return float(text)
        if _NUMBER.fullmatch(text) is None:
            raise Unfit("is not a number")
        value = Decimal(text)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Unfit("is not a number")
    found = _as_float(value)
    if isinstance(value, int) and found != value and not lossy:
        raise Unfit("is a whole number that a float does not hold")
    return found


def _as_float(value: int | float | Decimal) -> float:
    try:
        found = float(value)
    except OverflowError as error:
        raise Unfit("is too large for a float") from error
    if found in (float("inf"), float("-inf")) and not isinstance(value, float):
        raise Unfit("is too large for a float")
    return found


def _to_truth(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> bool:
    if isinstance(value, str):
        value = _TRUTHS.get(value.strip(" ").lower())
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    raise Unfit("is neither true nor false")


def _to_date(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> date:
    if isinstance(value, str):
        if _DATE.fullmatch(value.strip(" ")) is None:
            raise Unfit("is not a date such as 2026-12-31")
        return _read(date.fromisoformat, value.strip(" "), "is not a date that exists")
    if isinstance(value, datetime):
        return _local(value, zone).date()
    if isinstance(value, date):
        return value
    raise Unfit("is not a date")


def _to_time(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> time:
    if isinstance(value, str):
        text = _micros(value.strip(" "), lossy)
        found = _read(time.fromisoformat, text, "is not a time such as 23:59:59")
        if found.tzinfo is not None or ":" not in text:
            raise Unfit("is not a time such as 23:59:59, without a zone")
        return found
    if isinstance(value, datetime):
        return _local(value, zone).time()
    if isinstance(value, time):
        return value
    raise Unfit("is not a time")


def _to_stamp(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> datetime:
    return _local(_moment(value, lossy), zone)


def _to_stamp_tz(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> datetime:
    found = _moment(value, lossy)
    try:
        if found.tzinfo is None:
            aware = found.replace(tzinfo=zone, fold=0)
            if _local(aware.astimezone(UTC), zone) != found:
                raise Unfit(f"is a time that the clocks of {zone.key} skip")
            found = aware
        return found.astimezone(UTC)
    except OverflowError as error:
        raise Unfit("is outside of the years 1 to 9999") from error


def _local(value: datetime, zone: ZoneInfo) -> datetime:
    """The time of day there, without its zone."""
    try:
        return value.astimezone(zone).replace(tzinfo=None, fold=0) if value.tzinfo else value
    except OverflowError as error:
        raise Unfit("is outside of the years 1 to 9999") from error


def _moment(value: Any, lossy: bool) -> datetime:
    if isinstance(value, str):
        text = _micros(value.strip(" "), lossy)
        if _DATE.match(text) is None:
            raise Unfit("is not a time such as 2026-12-31T23:59:59")
        return _read(datetime.fromisoformat, text, "is not a date and a time that exist")
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 (a date has no zone)
    raise Unfit("is not a time")


def _micros(text: str, lossy: bool) -> str:
    """Refuses what is finer than a microsecond, which Python would leave out unsaid."""
    found = _FRACTION.search(text)
    if found and found[1][6:].strip("0") and not lossy:
        raise Unfit("is finer than a microsecond")
    return text


def _read(reader: Callable[[str], T], text: str, otherwise: str) -> T:
    try:
        return reader(text)
    except ValueError as error:
        raise Unfit(otherwise) from error


def _to_json(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> str:
    if isinstance(value, str):
        try:
            return canonical(orjson.loads(value)).decode()
        except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
            raise Unfit("is not JSON") from error
    if isinstance(value, float) and not isfinite(value):
        raise Unfit("is a number that JSON cannot hold")
    if isinstance(value, (date, time)):
        return json.dumps(spelled(value))
    if isinstance(value, bytes):
        raise Unfit("is no JSON but bytes")
    return spelled(value)


def _to_list(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> list[str | None]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise Unfit("is not JSON") from error
    if not isinstance(value, list):
        raise Unfit("is not a list")
    return [None if part is None else spelled(part) for part in value]


def _to_bytes(value: Any, target: Column, zone: ZoneInfo, lossy: bool) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise Unfit("is neither text nor bytes")


_CONVERTERS: dict[str, Callable[[Any, Column, ZoneInfo, bool], Any]] = {
    "text": _to_text,
    "integer": _to_whole,
    "decimal": _to_decimal,
    "float": _to_float,
    "boolean": _to_truth,
    "date": _to_date,
    "time": _to_time,
    "timestamp": _to_stamp,
    "timestamp_tz": _to_stamp_tz,
    "json": _to_json,
    "list": _to_list,
    "binary": _to_bytes,
}
