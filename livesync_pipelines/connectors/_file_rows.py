"""Files that are tables, named by what they are called: what folder and bucket have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Self

from pydantic import field_validator, model_validator

from livesync_pipelines.connectors._file_table import FileTable, TableSelection
from livesync_pipelines.connectors._globs import Glob, has_magic
from livesync_pipelines.connectors._row_formats import Format, suffix_of
from livesync_pipelines.connectors.base import FetchLimits, Options
from livesync_pipelines.model.records import Entry
from livesync_pipelines.model.rows import Holds


class RowsSelection(TableSelection):
    """One file, or several that are one table (`rows`, a name or a glob below the folder or the
    prefix): CSV, TSV, JSONL, Parquet, XLSX."""

    rows: Glob

    @field_validator("rows")
    @classmethod
    def _has_a_format(cls, value: str) -> str:
        suffix_of(value)
        return value

    @model_validator(mode="after")
    def _is_read_so(self) -> Self:
        self.format_of(self.rows, max_bytes=0)
        return self


class FileRows(FileTable):
    """Files of one format, which their names tell."""

    _said: RowsSelection

    def __init__(self, connection: Options, selection: RowsSelection, limits: FetchLimits) -> None:
        super().__init__(connection, selection, limits)
        self._format = selection.format_of(selection.rows, max_bytes=limits.max_bytes)

    def holds(self) -> Holds:
        return self._format.holds

    @abstractmethod
    def _listed(self) -> Iterator[Entry]:
        """What is there of what the glob means. Raises a `LiveSyncError` where nobody can tell."""

    @property
    def _called(self) -> str:
        return self._said.rows

    def _files(self) -> list[Entry]:
        found = list(self._listed())
        return found if has_magic(self._said.rows) else [e for e in found if self._is_the_one(e)]

    def _is_the_one(self, entry: Entry) -> bool:
        return self._name(entry) == self._said.rows

    def _format_of(self, entry: Entry) -> Format:
        return self._format
