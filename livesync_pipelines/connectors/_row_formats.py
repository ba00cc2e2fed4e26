"""The formats of files that are tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, ClassVar, Protocol

from livesync_pipelines.connectors._row_csv import Csv
from livesync_pipelines.connectors._row_jsonl import Jsonl
from livesync_pipelines.connectors._row_parquet import Parquet
from livesync_pipelines.connectors._row_stage import Batch, Cells
from livesync_pipelines.connectors._row_xlsx import Xlsx
from livesync_pipelines.model.rows import Holds

_SUFFIXES = {
    "csv": "csv",
    "tsv": "tsv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
    "xlsx": "xlsx",
    "xlsm": "xlsx",
}


class Format(Protocol):
    """One way to write a table into a file.

    - `cells`: what the cells are; `unit`: what the place of a row is called.
    - `grows`: a column that no row has is a column of nulls, for nothing in the file names them.
    - `holds`: which values its cells take.
    """

    cells: ClassVar[Cells]
    unit: ClassVar[str]
    grows: ClassVar[bool]
    holds: ClassVar[Holds]

    def read(self, file: IO[bytes]) -> Iterator[Batch]:
        """The rows in the order of the file, at least one batch, which has all columns that the
        file names. Raises `BadInput` or `Broken` where it is no such file."""


def suffix_of(name: str) -> str:
    """The format that a name or a glob tells; ValueError where it tells none."""
    found = _SUFFIXES.get(name.rpartition(".")[2].lower())
    if found is None:
        raise ValueError(f"{name!r} must end in one of {', '.join('.' + s for s in _SUFFIXES)}")
    return found


def has_format(name: str) -> bool:
    return name.rpartition(".")[2].lower() in _SUFFIXES


def format_of(
    name: str,
    *,
    delimiter: str | None = None,
    header: bool = True,
    sheet: str | None = None,
    encoding: str | None = None,
    max_bytes: int = 0,
) -> Format:
    """`max_bytes`: of a workbook, the one format that is held in memory."""
    match suffix_of(name):
        case "jsonl":
            return Jsonl()
        case "parquet":
            return Parquet()
        case "xlsx":
            return Xlsx(sheet, header, max_bytes)
        case "tsv":
            return Csv(delimiter or "\t", header, encoding)
        case _:
            return Csv(delimiter, header, encoding)
