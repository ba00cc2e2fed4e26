"""What cells of files mean: names of types, the texts that stand for their values, and which type
a column of texts has.

A text fits a type only where nothing is lost: `007` is no integer and 20 digits are no float unless
the user says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa
from pydantic import AfterValidator

from livesync_pipelines.model.rows import TYPES, Column

_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of a column. `json`: its texts are canonical JSON; `writable`: False for nested
    values, which are shown as JSON only."""

    type: pa.DataType
    json: bool = False
    writable: bool = True

    def __post_init__(self) -> None:
        """Equal types become the same: lists that differ in the name of what is in them have
        different hashes."""
        own = next((kind for kind in TYPES if kind == self.type), self.type)
        object.__setattr__(self, "type", own)

    def __str__(self) -> str:
        if self.json:
            return "json"
        if pa.types.is_decimal(self.type):
            return f"decimal({self.type.precision},{self.type.scale})"
        return next(name for name, kind in _NAMED.items() if kind == self.type)


def kind_in(column: Column) -> Kind:
    return Kind(column.type, column.json, column.writable)


_NAMED: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.string()),
}


def _known(name: str) -> str:
    kind_of(name)
    return name


TypeName = Annotated[str, AfterValidator(_known)]
"""How a user names a type: see `kind_of`."""


def kind_of(name: str) -> Kind:
    """What the name means; ValueError, with those there are, where it means nothing."""
    if name == "json":
        return Kind(pa.string(), json=True)
    if name in _NAMED:
        return Kind(_NAMED[name])
    found = _DECIMAL.fullmatch(name)
    if found and 1 <= int(found[1]) <= 38 and int(found[2]) <= int(found[1]):
        return Kind(pa.decimal128(int(found[1]), int(found[2])))
    raise ValueError(
        f"there is no type {name!r}; there are {', '.join(_NAMED)}, json, decimal(p,s)"
    )


_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
_STAMP = rf"{_DAY}([ T]{_TIME})?"
_FITS: dict[pa.DataType, tuple[str, str]] = {
    pa.int64(): (r"[+-]?\d+", "BIGINT"),
    pa.float64(): (r"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|inf|NaN|Infinity)", "DOUBLE"),
    pa.date32(): (_DAY, "DATE"),
    pa.time64("us"): (_TIME, "TIME"),
    pa.timestamp("us"): (_STAMP, "TIMESTAMP"),
    pa.timestamp("us", tz="UTC"): (rf"{_STAMP}(Z|[+-]\d{{2}}(:\d{{2}})?)", "TIMESTAMPTZ"),
}


def value(kind: Kind, text: str) -> str:
    """SQL of the value that the text (SQL, too) stands for; NULL where it does not fit."""
    if kind.json:
        return f"CASE WHEN json_valid({text}) THEN {text} END"
    if kind.type == pa.string():
        return text
    if kind.type == pa.bool_():
        yes, no = (
            f"lower({text}) IN ({words})"
            for words in ("'true','t','yes','1'", "'false','f','no','0'")
        )
        return f"CASE WHEN {yes} THEN true WHEN {no} THEN false END"
    if kind.type == pa.binary():
        return f"TRY(from_base64({text}))"
    if kind.type == pa.list_(pa.string()):
        return (
            f"CASE WHEN json_valid({text}) AND json_type({text}) = 'ARRAY' AND len(list_filter("
            f"json_extract({text}, '$[*]'), lambda x: json_type(x) <> 'VARCHAR')) = 0 "
            f"THEN json_extract_string({text}, '$[*]') END"
        )
    pattern, name = _FITS.get(kind.type) or _decimal(kind.type)
    return f"CASE WHEN regexp_full_match({text}, '{pattern}') THEN TRY_CAST({text} AS {name}) END"


def _decimal(kind: pa.DataType) -> tuple[str, str]:
    places = rf"(\.\d{{0,{kind.scale}}}0*)?"
    return rf"[+-]?\d+{places}", f"DECIMAL({kind.precision},{kind.scale})"


def sql_type(kind: pa.DataType) -> str:
    """What DuckDB calls one of our types."""
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    others = {
        pa.bool_(): "BOOLEAN",
        pa.string(): "VARCHAR",
        pa.binary(): "BLOB",
        pa.list_(pa.string()): "VARCHAR[]",
    }
    return others.get(kind) or _FITS[kind][1]


_BARE = r"-?(0|[1-9]\d*)"
_DIGITS = r"length(regexp_replace({0}, '[eE].*|[^0-9]', '', 'g')) <= 15"
_EXACT = f"({_DIGITS} OR CAST(TRY_CAST({{0}} AS DOUBLE) AS VARCHAR) = {{0}})"
_GUESSES: tuple[tuple[pa.DataType, str], ...] = (
    (pa.int64(), r"regexp_full_match({0}, '0|-?[1-9]\d{{0,18}}')"),
    (pa.float64(), rf"regexp_full_match({{0}}, '{_BARE}(\.\d+)?([eE][+-]?\d+)?') AND {_EXACT}"),
    (pa.bool_(), "lower({0}) IN ('true', 'false')"),
    (pa.date32(), "true"),
    (pa.timestamp("us"), "true"),
    (pa.timestamp("us", tz="UTC"), "true"),
    (pa.time64("us"), "true"),
)
"""The types that a column of texts may turn out to have, the first that fits all of them. A text
must fit the type and this test."""

GUESSED = tuple(kind for kind, _ in _GUESSES)
TEXT = Kind(pa.string())
JSON = Kind(pa.string(), json=True)


def guesses(text: str, among: Sequence[pa.DataType]) -> list[tuple[Kind, str]]:
    """The kinds a column of these texts may have, in order, each with the SQL of whether a text
    fits it without loss."""
    return [
        (Kind(of), f"({test.format(text)}) AND {value(Kind(of), text)} IS NOT NULL")
        for of, test in _GUESSES
        if of in among
    ]
