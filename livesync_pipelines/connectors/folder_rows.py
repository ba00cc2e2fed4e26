"""Files in a folder as tables of rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import IO

from livesync_pipelines.connectors import _disk as disk
from livesync_pipelines.connectors._file_rows import RowsSelection
from livesync_pipelines.connectors._file_rows_write import WritableFileRows
from livesync_pipelines.connectors._listed import whole_listing
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.folder import Folder, FolderConnection, FolderSelection
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.model.records import Entry


class FolderRows(WritableFileRows):
    """Rows of the files below one folder. Symbolic links are left out."""

    spec = Folder.spec
    Connection = FolderConnection
    Selection = RowsSelection

    def __init__(
        self, connection: FolderConnection, selection: RowsSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._folder = Folder(connection, FolderSelection(include=[selection.rows]), limits)

    @property
    def _where(self) -> str:
        return f"folder {self._folder.path}"

    def _listed(self) -> Iterator[Entry]:
        return whole_listing(self._folder, self._where)

    def _name(self, entry: Entry) -> str:
        return entry.key

    def _open(self, entry: Entry) -> IO[bytes]:
        try:
            with closing(disk.Below(self._folder.path, follow=False)) as below:
                file = below.open(entry.key)
        except OSError as error:
            raise self._moved(entry, f"cannot be read: {error.strerror}") from error
        self._check(entry, file)
        return file

    def _check(self, entry: Entry, file: IO[bytes]) -> None:
        if disk.version_of(file) != entry.version:
            file.close()
            raise self._moved(entry, "changed while it was read")

    def _moved(self, entry: Entry, what: str) -> Unavailable:
        return Unavailable(
            f"{entry.key} in {self._where} {what}",
            hint="It is read again; who writes it should rename it into place when it is whole.",
            where=self._where,
        )

    def _put(self, content: IO[bytes], *, expected_version: str | None) -> None:
        key = self._folder.key_of(self._said.rows)
        self._folder.put(key, content, expected_version=expected_version)
