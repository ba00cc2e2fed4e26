"""Values as they are written into files: as texts of a CSV, as values of JSON. `_row_types.value`
reads all of them again as what they were."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa

from livesync_pipelines.connectors._row_types import Kind
from livesync_pipelines.core.canon import canonical


def texts(column: pa.Array, kind: Kind) -> pa.Array:
    """One text for each value, null for null."""
    if kind.type == pa.string():
        return column
    if kind.type in (pa.int64(), pa.bool_()):
        return column.cast(pa.string())
    written = _TEXTS.get(kind.type, _text)
    return pa.array([None if v is None else written(v) for v in column.to_pylist()], pa.string())


def jsons(column: pa.Array, kind: Kind) -> list[Any]:
    """What `json` writes, one for each value. Decimals are texts, for a number of JSON is a
    float to most readers."""
    if kind.json:
        return [None if text is None else orjson.loads(text) for text in column.to_pylist()]
    if kind.type in _PLAIN:
        return list(column.to_pylist())
    return list(texts(column, kind).to_pylist())


def canonical_json(column: pa.ChunkedArray) -> pa.Array:
    """JSON texts in their one spelling; what is no JSON, or nested too deeply, stays as it is."""
    return pa.array(map(_canonical, column.to_pylist()), pa.string())


def _canonical(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return canonical(orjson.loads(text)).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return text


_PLAIN = (pa.string(), pa.int64(), pa.bool_(), pa.float64(), pa.list_(pa.string()))


def _text(value: Decimal | date | time | datetime) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat().replace("+00:00", "Z")


_TEXTS: dict[pa.DataType, Callable[[Any], str]] = {
    pa.float64(): repr,
    pa.binary(): lambda value: b64encode(value).decode(),
    pa.list_(pa.string()): lambda value: canonical(value).decode(),
}
