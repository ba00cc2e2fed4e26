"""Casts of whole columns. Each way gives null for a value that it does not know for sure; what a
cast means is said in `row_map_values`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_map_types import STAMP, STAMP_TZ, family, steady
from livesync_pipelines.model.rows import Column


@dataclass(frozen=True, slots=True)
class How:
    """From which type to which; `zone`: in which a time is told that names none."""

    source: Column
    target: Column
    zone: str = "UTC"
    lossy: bool = False


def known(array: pa.Array, how: How) -> pa.Array | None:
    """What is known without a closer look, null for the rest; None: nothing is."""
    way = _FAST.get((family(how.source), family(how.target)))
    return _within(way(array, how), how.target) if way else None


def _within(array: pa.Array, target: Column) -> pa.Array:
    """Null for what the target's column is too narrow for."""
    if target.type == pa.int64() and (target.bits < 64 or target.unsigned):
        low, high = -(2 ** (target.bits - 1)), 2 ** (target.bits - 1) - 1
        low = 0 if target.unsigned else low
        fits = pc.and_(pc.greater_equal(array, low), pc.less_equal(array, high))
        return pc.if_else(fits, array, None)
    if target.words:
        return _where(pc.is_in(array, value_set=pa.array(target.words)), array)
    if target.type == pa.string() and target.max_chars is not None:
        return pc.if_else(pc.less_equal(pc.utf8_length(array), target.max_chars), array, None)
    return array


def _where(fits: pa.Array, array: pa.Array) -> pa.Array:
    return pc.if_else(fits, array, pa.scalar(None, array.type))


def _matching(array: pa.Array, pattern: str) -> pa.Array:
    return _where(pc.match_substring_regex(array, pattern), array)


def _same(array: pa.Array, how: How) -> pa.Array:
    return array


def _plain(array: pa.Array, how: How) -> pa.Array:
    return array.cast(how.target.type)


def _text_to_whole(array: pa.Array, how: How) -> pa.Array:
    return _matching(array, "^-?[0-9]{1,18}$").cast(pa.int64())


def _text_to_float(array: pa.Array, how: How) -> pa.Array:
    number = r"^-?[0-9]{1,17}(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?$"
    return _matching(array, number).cast(pa.float64())


def _text_to_decimal(array: pa.Array, how: How) -> pa.Array:
    wide = _matching(array, r"^-?[0-9]{1,38}(\.[0-9]{1,30})?$").cast(pa.decimal256(70, 30))
    return _decimal_to_decimal(wide, how)


def _decimal_to_decimal(array: pa.Array, how: How) -> pa.Array:
    """Also of `decimal256`."""
    kind = how.target.type
    scale = max(array.type.scale, kind.scale)
    wide = array.cast(pa.decimal256(76, scale))
    rounded = pc.round(wide, kind.scale, round_mode="half_to_even")
    largest = Decimal(10**kind.precision - 1).scaleb(-kind.scale, Context(prec=76))
    fits = pc.less_equal(pc.abs(rounded), pa.scalar(largest, pa.decimal256(76, scale)))
    if not how.lossy:
        fits = pc.and_(fits, pc.equal(rounded, wide))
    return _where(fits, rounded).cast(kind)


def _whole_to_decimal(array: pa.Array, how: How) -> pa.Array:
    return _decimal_to_decimal(array.cast(pa.decimal128(19, 0)), how)


def _decimal_to_whole(array: pa.Array, how: How) -> pa.Array:
    return _decimal_to_decimal(
        array, How(how.source, Column(name="", type=pa.decimal128(18, 0)), lossy=how.lossy)
    ).cast(pa.int64())


def _decimal_to_text(array: pa.Array, how: How) -> pa.Array:
    return _matching(array.cast(pa.string()), "^[-0-9.]*$")


def _decimal_to_float(array: pa.Array, how: How) -> pa.Array:
    return array.cast(pa.string()).cast(pa.float64())


def _float_to_decimal(array: pa.Array, how: How) -> pa.Array:
    return _text_to_decimal(array.cast(pa.string()), how)


def _float_to_whole(array: pa.Array, how: How) -> pa.Array:
    whole = pc.round(array, round_mode="half_to_even") if how.lossy else array
    fits = pc.and_(pc.equal(whole, pc.floor(whole)), pc.less(pc.abs(whole), 2.0**63))
    return _where(fits, whole).cast(pa.int64())


def _whole_to_float(array: pa.Array, how: How) -> pa.Array:
    known = pc.and_(pc.less_equal(array, 2**53), pc.greater_equal(array, -(2**53)))
    return _where(known, array).cast(pa.float64())


def _whole_to_truth(array: pa.Array, how: How) -> pa.Array:
    return _where(pc.is_in(array, pa.array([0, 1])), array).cast(pa.bool_())


def _text_to_truth(array: pa.Array, how: How) -> pa.Array:
    words = pa.array(["true", "false", "t", "f", "1", "0"])
    place = pc.index_in(array, words)
    return pc.equal(pc.bit_wise_and(place, 1), 0)


def _bytes_to_text(array: pa.Array, how: How) -> pa.Array:
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.nulls(len(array), pa.string())


_DAY = 86_400_000_000
_YEAR = "[1-9][0-9]{3}-(0[1-9]|1[0-2])-"
_ANY_DAY, _EARLY_DAY = "(0[1-9]|[12][0-9]|3[01])", "(0[1-9]|1[0-9]|2[0-8])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_OFFSET = "(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])"


def _days(array: pa.Array, rest: str, kind: pa.DataType) -> pa.Array:
    """Texts that begin with a date. Where one of them does not exist, the 29th to the 31st of all
    are left open."""
    try:
        return _matching(array, f"^{_YEAR}{_ANY_DAY}{rest}$").cast(kind)
    except pa.ArrowInvalid:
        return _matching(array, f"^{_YEAR}{_EARLY_DAY}{rest}$").cast(kind)


def _text_to_date(array: pa.Array, how: How) -> pa.Array:
    return _days(array, "", pa.date32())


def _text_to_time(array: pa.Array, how: How) -> pa.Array:
    clock = _matching(array, f"^{_CLOCK}$")
    first_day = pc.binary_join_element_wise("1970-01-01", clock, " ")
    return first_day.cast(STAMP).cast(pa.time64("us"))


def _text_to_stamp(array: pa.Array, how: How) -> pa.Array:
    bare = _days(array, f"([T ]{_CLOCK})?", STAMP)
    if bare.null_count == array.null_count:
        return bare
    return pc.coalesce(bare, _local(_days(array, f"[T ]{_CLOCK}{_OFFSET}", STAMP_TZ), how))


def _text_to_stamp_tz(array: pa.Array, how: How) -> pa.Array:
    said = _days(array, f"[T ]{_CLOCK}{_OFFSET}", STAMP_TZ)
    if said.null_count == array.null_count:
        return said
    return pc.coalesce(said, _placed(_days(array, f"([T ]{_CLOCK})?", STAMP), how))


def in_years(array: pa.Array, *, spared_days: int = 1) -> pa.Array:
    """Where a date or a time is within the years that Python has; so many days less at both ends:
    with one, it is in any zone."""
    if pa.types.is_time(array.type):
        return array.is_valid()
    days = array.type == pa.date32()
    counted = array.cast(pa.int32()) if days else array.cast(pa.int64())
    unit = 1 if days else _DAY
    low, high = (-719_162 + spared_days) * unit, (2_932_897 - spared_days) * unit
    return pc.and_(pc.greater_equal(counted, low), pc.less(counted, high))


def _time_to_text(array: pa.Array, how: How) -> pa.Array:
    return _where(in_years(array), array).cast(pa.string())


def _date_to_stamp(array: pa.Array, how: How) -> pa.Array:
    midnight = _where(in_years(array), array).cast(STAMP)
    return midnight if how.target.type == STAMP else _placed(midnight, how)


def _to_date(array: pa.Array, how: How) -> pa.Array:
    local = _local(array, how)
    return pc.floor_temporal(_where(in_years(local), local), unit="day").cast(pa.date32())


def _to_time(array: pa.Array, how: How) -> pa.Array:
    local = _local(array, how)
    return _where(in_years(local), local).cast(pa.time64("us"))


def _to_local(array: pa.Array, how: How) -> pa.Array:
    return _local(_where(in_years(array), array), how)


def _to_moment(array: pa.Array, how: How) -> pa.Array:
    return _placed(_where(in_years(array), array), how)


def _local(array: pa.Array, how: How) -> pa.Array:
    """The time of day in the zone; without one it is that already."""
    if array.type == STAMP:
        return array
    return pc.local_timestamp(_in_tables(array, how).cast(pa.timestamp("us", how.zone)))


def _in_tables(array: pa.Array, how: How) -> pa.Array:
    """The years for which Arrow knows when clocks are turned: it reads the tables of the zones,
    which end with 2037, and not the rules that follow them."""
    if steady(how.zone):
        return array
    counted = array.cast(pa.int64())
    low, high = -24_837 * _DAY, 24_472 * _DAY  # 1902 to 2036
    known = pc.and_(pc.greater_equal(counted, low), pc.less(counted, high))
    return _where(known, array)


def _placed(array: pa.Array, how: How) -> pa.Array:
    """The moment of a time of day in the zone: the earlier of two, null where there is none."""
    array = _in_tables(array, how)
    there = pc.assume_timezone(array, how.zone, ambiguous="earliest", nonexistent="earliest")
    return _where(pc.equal(pc.local_timestamp(there), array), there.cast(STAMP_TZ))


_UNCHANGED = (
    *("text", "integer", "float", "boolean", "binary", "json", "list"),
    *("date", "time", "timestamp", "timestamp_tz"),
)
_FAST: dict[tuple[str, str], Callable[[pa.Array, How], pa.Array]] = {
    **{(name, name): _same for name in _UNCHANGED},
    ("json", "text"): _same,
    ("integer", "text"): _plain,
    ("float", "text"): _plain,
    ("boolean", "text"): _plain,
    ("boolean", "integer"): _plain,
    ("text", "binary"): _plain,
    ("time", "text"): _plain,
    ("binary", "text"): _bytes_to_text,
    ("text", "integer"): _text_to_whole,
    ("text", "float"): _text_to_float,
    ("text", "decimal"): _text_to_decimal,
    ("text", "boolean"): _text_to_truth,
    ("text", "date"): _text_to_date,
    ("text", "time"): _text_to_time,
    ("text", "timestamp"): _text_to_stamp,
    ("text", "timestamp_tz"): _text_to_stamp_tz,
    ("decimal", "decimal"): _decimal_to_decimal,
    ("integer", "decimal"): _whole_to_decimal,
    ("decimal", "integer"): _decimal_to_whole,
    ("decimal", "text"): _decimal_to_text,
    ("decimal", "float"): _decimal_to_float,
    ("float", "decimal"): _float_to_decimal,
    ("float", "integer"): _float_to_whole,
    ("integer", "float"): _whole_to_float,
    ("integer", "boolean"): _whole_to_truth,
    ("date", "text"): _time_to_text,
    ("timestamp", "text"): _time_to_text,
    ("timestamp_tz", "text"): _time_to_text,
    ("date", "timestamp"): _date_to_stamp,
    ("date", "timestamp_tz"): _date_to_stamp,
    ("timestamp", "date"): _to_date,
    ("timestamp_tz", "date"): _to_date,
    ("timestamp", "time"): _to_time,
    ("timestamp_tz", "time"): _to_time,
    ("timestamp_tz", "timestamp"): _to_local,
    ("timestamp", "timestamp_tz"): _to_moment,
}
