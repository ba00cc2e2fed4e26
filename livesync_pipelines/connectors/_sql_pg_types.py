"""How the values of each Postgres type pass the border, in both directions.

https://www.postgresql.org/docs/18/datatype.html, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.connectors._sql_cells import canonical_column
from livesync_pipelines.connectors._sql_pg_native import Described, Fault, Faults, Native, Wire

ANY_DECIMAL = pa.decimal128(38, 20)
"""Of a `numeric` that says no precision: as many decimals as a division of Postgres gives."""
_RESPELLED = "[0-9]e[0-9+-]|(^|[:,[])-0(\\.0)?([],}]|$)"
_JSON_AS_JSONB = "case when strpos({}::text, '\\u0000') = 0 then {}::jsonb end"
_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def native(of: Described, *, max_bytes: int) -> Native:
    """How the values of this column pass; none that has more than `max_bytes` is readable."""
    widens = of.base in _WIDENED and not of.domain
    return replace(_native(of, max_bytes), widens=widens, identity=of.identity)


def _native(of: Described, max_bytes: int) -> Native:
    large = ("octet_length({}) > " + str(max_bytes), f"has more than {max_bytes} bytes")
    if of.base in _PLAIN:
        return _plain(of)
    if of.base in _SIZED:
        return _SIZED[of.base](of, large)
    return _OTHERS.get(of.base, _exotic)(of)


def canonical(column: Native, values: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """What was read, as our type, and a mask of what turns out to be unreadable."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage  # a numeric comes as its digits
    if column.column.json:
        return canonical_column(values)
    return values.cast(column.column.type), None


def _exotic(of: Described) -> Native:
    """What has no type of ours: a composite or an array as JSON, all else by its text."""
    if of.category == "A":
        return _array(of)
    if of.kind == "c":
        return Native(
            column=of.column(pa.string(), json=True),
            read="to_jsonb({})::text",
            document="to_jsonb({})",
            write=f"jsonb_populate_record(null::{of.cast}, {{}}::jsonb)",
        )
    return Native(
        column=of.column(pa.string()),
        read="{}::text",
        write="{}::" + of.cast,
        ordered='{}::text collate "C"',
        matched=None,
    )


def _array(of: Described) -> Native:
    """Arrays of arrays are nested in JSON, too; among documents nobody could tell them apart."""
    documents = of.base in {"_json", "_jsonb"}
    if documents:
        elements = "array(select e from jsonb_array_elements({}::jsonb) with ordinality d (e, n)"
        write = f"case when {{}} is not null then {elements} order by n)::{of.cast} end"
    else:
        one = "jsonb_to_record(jsonb_build_object('v', {}::jsonb))"
        write = f"(select r.v from {one} as r (v {of.cast}))"
    return Native(
        column=of.column(pa.string(), json=True),
        read="to_jsonb({})::text",
        faults=(("array_ndims({}) > 1", "is an array of arrays"),) if documents else (),
        document="to_jsonb({})",
        write=write,
    )


def _plain(of: Described) -> Native:
    """A time of fewer digits than ours is rounded by the table, so it is read again."""
    kind, bits, staged, faults = _PLAIN[of.base]
    rounded = of.base == "float4" or of.mod >= 0
    wire = None if rounded else _cast_to(_COPIED.get(of.base, kind))
    return Native(column=of.column(kind, bits=bits), staged=staged, faults=faults, wire=wire)


def _binary(of: Described, large: Fault) -> Native:
    return Native(column=of.column(pa.binary()), staged="bytea", faults=(large,), wire=_as_it_is)


def _texts(of: Described) -> Native:
    return Native(
        column=of.column(pa.list_(pa.string())),
        read="{}::text[]",
        faults=(("array_ndims({}) > 1", "is an array of arrays"),),
        staged="text[]",
        wire=_as_it_is if of.mod < 0 else None,
    )


def _string(of: Described, large: Fault) -> Native:
    max_chars = of.mod - 4 if of.base in {"varchar", "bpchar"} and of.mod > 4 else None
    plain = of.base in {"text", "varchar"}
    return Native(
        column=of.column(pa.string(), max_chars=max_chars),
        read="{}" if plain else "{}::text",
        faults=() if max_chars else (large,),
        wire=_as_it_is if plain else None,
        ordered='{}::text collate "C"',
        matched="{}" if plain and of.bytewise else None,
    )


def _json(of: Described, large: Fault) -> Native:
    as_text = (large[0].replace("{}", "{}::text"), large[1])
    return Native(
        column=of.column(pa.string(), json=True),
        read="{}::text",
        faults=(as_text,),
        write="{}::" + of.base,
        document="{}" if of.base == "jsonb" else _JSON_AS_JSONB,
        wire=_as_it_is if of.base == "json" else _jsonb,
    )


def _uuid(of: Described) -> Native:
    return Native(
        column=of.column(pa.string()),
        read="{}::text",
        write="{}::uuid",
        wire=_uuids,
        matched="case when {} ~ '" + _UUID + "' then {}::uuid end",
    )


def _decimal(of: Described) -> Native:
    precision, scale = 0, 0
    if of.mod >= 4:
        precision = ((of.mod - 4) >> 16) & 0xFFFF
        scale = (((of.mod - 4) & 0x7FF) ^ 1024) - 1024
    if 0 < precision - min(scale, 0) <= 38 and scale <= 38:
        kind = pa.decimal128(max(precision - min(scale, 0), scale), max(scale, 0))
        nan = ("{} = 'NaN'", "is not a number")
        return Native(column=of.column(kind), staged="numeric", faults=(nan,), wire=_fits(kind))
    places = ANY_DECIMAL.scale
    whole = 10 ** (ANY_DECIMAL.precision - places)
    faults = (
        (f"not (abs({{}}) < {whole})", f"is no number below {whole:.0e}"),
        (f"{{}} <> round({{}}, {places})", f"has more than {places} decimals"),
    )
    return Native(
        column=of.column(ANY_DECIMAL),
        read=f"round({{}}, {places})",
        staged="numeric",
        faults=faults,
        wire=_fits(ANY_DECIMAL) if of.mod < 4 else None,
    )


def _as_it_is(values: pa.Array) -> pa.Array:
    return values


def _cast_to(kind: pa.DataType) -> Wire:
    return lambda values: values.cast(kind)


def _fits(kind: pa.DataType) -> Wire:
    """Decimals, where none of them would be rounded."""

    def wire(values: pa.Array) -> pa.Array | None:
        return values if values.type.scale <= kind.scale else None

    return wire


def _jsonb(texts: pa.Array) -> pa.Array | None:
    """In the binary form of jsonb a 1, its version, stands before the text. What jsonb would spell
    in another way (exponents, a negative zero) is none of these."""
    if pc.any(pc.match_substring_regex(texts, _RESPELLED)).as_py():
        return None
    return pc.binary_join_element_wise("\x01", texts, "")


def _uuids(texts: pa.Array) -> pa.Array | None:
    if not pc.all(pc.match_substring_regex(texts, _UUID)).as_py():
        return None
    told = texts.to_pylist()
    return pa.array([None if t is None else UUID(t).bytes for t in told], pa.binary(16))


_DAYS: Faults = (
    ("not ({} >= '0001-01-01' and {} < '10000-01-01')", "is outside of the years 1 to 9999"),
)
_DAY: Faults = (("{} = '24:00'", "is no time of a day"),)
_WIDENED = ("int2", "int4", "varchar", "numeric")
_COPIED = {"int2": pa.int16(), "int4": pa.int32()}
_PLAIN: dict[str, tuple[pa.DataType, int, str, Faults]] = {
    "bool": (pa.bool_(), 64, "boolean", ()),
    "int2": (pa.int64(), 16, "bigint", ()),
    "int4": (pa.int64(), 32, "bigint", ()),
    "int8": (pa.int64(), 64, "bigint", ()),
    "float4": (pa.float64(), 64, "float8", ()),
    "float8": (pa.float64(), 64, "float8", ()),
    "date": (pa.date32(), 64, "date", _DAYS),
    "time": (pa.time64("us"), 64, "time", _DAY),
    "timestamp": (pa.timestamp("us"), 64, "timestamp", _DAYS),
    "timestamptz": (pa.timestamp("us", tz="UTC"), 64, "timestamptz", _DAYS),
}
_SIZED: dict[str, Callable[[Described, Fault], Native]] = {
    **dict.fromkeys(("text", "varchar", "name", "bpchar", "citext"), _string),
    **dict.fromkeys(("json", "jsonb"), _json),
    "bytea": _binary,
}
_OTHERS: dict[str, Callable[[Described], Native]] = {
    "numeric": _decimal,
    "uuid": _uuid,
    "_text": _texts,
    "_varchar": _texts,
}
