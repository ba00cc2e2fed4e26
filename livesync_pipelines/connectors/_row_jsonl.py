"""JSON Lines as rows: one object a line, its fields the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, ClassVar

import orjson
import pyarrow as pa

from livesync_pipelines.connectors._row_stage import Batch, Cells, Fault
from livesync_pipelines.connectors._row_text import as_utf8
from livesync_pipelines.core.canon import canonical, keeps_numbers
from livesync_pipelines.model.errors import Broken
from livesync_pipelines.model.rows import Holds

_BATCH = 5_000
_LINE_BYTES = 16 << 20
_ROUNDED = (
    "it holds a number that would be rounded, for it is no double and no whole number of 64 bits; "
    "in quotes, as a text, it is kept as it is"
)


@dataclass(frozen=True, slots=True)
class Jsonl:
    """The format. A field that a line lacks is null, and so is one that says null."""

    cells: ClassVar[Cells] = Cells.JSON
    unit: ClassVar[str] = "line"
    grows: ClassVar[bool] = True
    holds: ClassVar[Holds] = Holds(nan=False, infinity=False)

    def read(self, file: IO[bytes]) -> Iterator[Batch]:
        with as_utf8(file, "JSONL is UTF-8: save it so.") as text:
            numbered = enumerate(lines(text), 1)
            while some := list(islice(numbered, _BATCH)):
                yield _batch(some)


def lines(text: IO[bytes]) -> Iterator[bytes]:
    """Raises `Broken` where a line is so long that this is no JSONL."""
    while line := text.readline(_LINE_BYTES):
        if len(line) == _LINE_BYTES:
            raise Broken(
                "a line has more than 16 MB",
                hint="JSONL has one object on each line; an array over many lines is JSON.",
            )
        yield line


def _batch(some: list[tuple[int, bytes]]) -> Batch:
    columns: dict[str, list[str | None]] = {}
    numbers: list[int] = []
    faults: list[Fault] = []
    for number, line in some:
        if not line.strip():
            continue
        found = _object(line)
        if isinstance(found, str):
            faults.append(Fault(number, "bad_row", found))
            continue
        for name, value in found.items():
            column = columns.setdefault(name, [])
            column += [None] * (len(numbers) - len(column))
            column.append(value)
        numbers.append(number)
    for column in columns.values():
        column.extend([None] * (len(numbers) - len(column)))
    cells = pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
    return Batch(cells, pa.array(numbers, pa.int64()), faults)


def _object(line: bytes) -> dict[str, str | None] | str:
    """What the line says, each value as JSON, or why it says nothing."""
    try:
        found = orjson.loads(line)
        if not isinstance(found, dict):
            return "it is JSON, but no object"
        if not keeps_numbers(line, any_spelling=True):
            return _ROUNDED
        return {n: None if v is None else canonical(v).decode() for n, v in found.items()}
    except orjson.JSONDecodeError as error:
        return f"it is not JSON that can be read: {error.msg}"
    except orjson.JSONEncodeError:
        return "it is nested too deeply to be kept"
