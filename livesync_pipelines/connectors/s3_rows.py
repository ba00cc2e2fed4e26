"""Objects in a bucket as tables of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from livesync_pipelines.connectors._file_rows import RowsSelection
from livesync_pipelines.connectors._file_rows_write import WritableFileRows
from livesync_pipelines.connectors._file_table import MAX_BYTES
from livesync_pipelines.connectors._listed import whole_listing
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.s3 import S3, S3Connection, S3Selection
from livesync_pipelines.model.records import Entry


class S3Rows(WritableFileRows):
    """Rows of the objects of one bucket."""

    spec = S3.spec
    Connection = S3Connection
    Selection = RowsSelection

    def __init__(
        self, connection: S3Connection, selection: RowsSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._bucket = S3(connection, S3Selection(include=[selection.rows]), limits)

    @property
    def _where(self) -> str:
        return self._bucket.objects.where

    def close(self) -> None:
        super().close()
        self._bucket.close()

    def _listed(self) -> Iterator[Entry]:
        return whole_listing(self._bucket, self._where)

    def _name(self, entry: Entry) -> str:
        return self._bucket.name_of(entry.key)

    def _open(self, entry: Entry) -> IO[bytes]:
        return self._bucket.objects.opened(entry.key, entry.version, max_bytes=MAX_BYTES)

    def _check(self, entry: Entry, file: IO[bytes]) -> None:
        """What was downloaded is one version, whatever comes after it."""

    def _put(self, content: IO[bytes], *, expected_version: str | None) -> None:
        key = self._bucket.key_of(self._said.rows)
        self._bucket.put(key, content, expected_version=expected_version)
