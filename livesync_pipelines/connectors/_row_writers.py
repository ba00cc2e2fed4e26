"""The formats that can be written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Protocol

import pyarrow as pa

from livesync_pipelines.connectors._row_csv import Csv
from livesync_pipelines.connectors._row_csv_write import CsvWriter
from livesync_pipelines.connectors._row_formats import Format
from livesync_pipelines.connectors._row_jsonl import Jsonl
from livesync_pipelines.connectors._row_jsonl_write import JsonlWriter
from livesync_pipelines.connectors._row_judging import Judged
from livesync_pipelines.connectors._row_parquet import Parquet
from livesync_pipelines.connectors._row_parquet_write import ParquetWriter
from livesync_pipelines.connectors._row_types import Kind


class Writer(Protocol):
    """How a file of one format is written again, a batch at a time. What is not to change keeps
    its place and its words; what is added comes last."""

    def made(self, kinds: Mapping[str, Kind], into: IO[bytes]) -> None:
        """A file without rows."""

    def rewritten(
        self, file: IO[bytes], judged: Judged, kinds: Mapping[str, Kind], into: IO[bytes]
    ) -> None:
        """The file with these rows changed, taken out and added, and with columns for all `kinds`.
        Raises `BadInput` where it cannot be written without harm to what else is in it."""

    def refused(self, rows: pa.Table, file: IO[bytes]) -> dict[int, str]:
        """The rows (by place) that the file cannot hold, and why."""

    def shown(self, rows: pa.Table, file: IO[bytes]) -> pa.Table:
        """The same rows as the file will show them."""


def writer_of(form: Format) -> Writer | None:
    """None where the format is read only."""
    match form:
        case Csv():
            return CsvWriter(form)
        case Jsonl():
            return JsonlWriter()
        case Parquet():
            return ParquetWriter()
        case _:
            return None
