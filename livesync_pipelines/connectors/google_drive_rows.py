"""Files of Google Drive as tables of rows.

What `google_drive` names, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Annotated

from pydantic import AfterValidator

from livesync_pipelines.connectors._api_client import client_for
from livesync_pipelines.connectors._file_table import MAX_BYTES, FileTable, TableSelection
from livesync_pipelines.connectors._google_drive_api import drive_of
from livesync_pipelines.connectors._google_drive_options import GoogleDriveConnection, file_id
from livesync_pipelines.connectors._google_files import APPS, EXPORTS, DriveFile, Remembered
from livesync_pipelines.connectors._private_copy import private_copy
from livesync_pipelines.connectors._row_formats import Format, has_format
from livesync_pipelines.connectors._row_stage import Cells
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.google_drive import GoogleDrive
from livesync_pipelines.model.errors import BadInput, NotFound, Unavailable
from livesync_pipelines.model.records import Entry
from livesync_pipelines.net.verdict import Gone, TooLarge

_WHERE = "Google Drive"
_SPREADSHEET = f"{APPS}spreadsheet"
_ENDINGS: Mapping[str, str] = {
    _SPREADSHEET: EXPORTS[_SPREADSHEET].ending,
    EXPORTS[_SPREADSHEET].media_type: EXPORTS[_SPREADSHEET].ending,
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
}
"""How a file of a kind would end, where its name does not say it."""
_READ = "a spreadsheet, or an uploaded CSV, TSV, JSONL, Parquet or XLSX file"


class GoogleDriveRowsSelection(TableSelection):
    """`rows`: the id or the link of one file. Of a spreadsheet it is the `sheet` that is named, or
    the first, whichever the link opens."""

    rows: Annotated[str, AfterValidator(file_id)]


class GoogleDriveRows(FileTable):
    """Rows of one file. A spreadsheet is read as the workbook that it is exported as, so a formula
    is its value."""

    spec = GoogleDrive.spec
    Connection = GoogleDriveConnection
    Selection = GoogleDriveRowsSelection
    _said: GoogleDriveRowsSelection

    def __init__(
        self,
        connection: GoogleDriveConnection,
        selection: GoogleDriveRowsSelection,
        limits: FetchLimits,
    ) -> None:
        super().__init__(connection, selection, limits)
        self._file_id = selection.rows
        self._client = client_for(limits)
        self._drive = drive_of(self._client, limits)
        self._called_last = f"file {selection.rows}"

    def close(self) -> None:
        super().close()
        self._client.close()

    @property
    def _where(self) -> str:
        return _WHERE

    @property
    def _called(self) -> str:
        return self._called_last

    def _files(self) -> list[Entry]:
        """Raises `NotFound`, `BadInput`: a file that is gone is no empty table."""
        found = self._drive.file(self._file_id)
        if found is None:
            raise NotFound(
                f"the account sees no file {self._file_id} in Google Drive",
                hint="It was deleted, or is not shared with the account any more: mend `rows`, or "
                "share it. No row was taken for deleted.",
                where=_WHERE,
            )
        if found.trashed:
            raise NotFound(
                f"{found.name!r} lies in the trash of Google Drive",
                hint="Restore it, or name another file in `rows`. No row was taken for deleted.",
                where=_WHERE,
            )
        self._called_last = _named(found.name, found.mime_type)
        return [_table(found).entry()]

    def _name(self, entry: Entry) -> str:
        file = Remembered.read(entry.state or "")
        return _named(file.name, file.mime_type)

    def _format_of(self, entry: Entry) -> Format:
        try:
            return self._said.format_of(self._name(entry), max_bytes=self.limits.max_bytes)
        except ValueError as error:
            raise BadInput(f"{self._name(entry)}: {error}", where=_WHERE) from error

    def _open(self, entry: Entry) -> IO[bytes]:
        return private_copy(lambda copy: self._download(entry, copy))

    def _download(self, entry: Entry, into: IO[bytes]) -> None:
        export = Remembered.read(entry.state or "").export
        in_memory = self._format_of(entry).cells is Cells.WORKBOOK
        max_bytes = self.limits.max_bytes if in_memory else MAX_BYTES
        try:
            if export:
                self._drive.export(entry.key, export, into, max_bytes)
            else:
                self._drive.download(entry.key, into, max_bytes)
        except Gone as error:
            raise self._changed(entry) from error
        except TooLarge as error:
            raise BadInput(
                f"{self._name(entry)} has more than {max_bytes} bytes",
                hint="Split it; or allow more, `limits: {item_bytes: ...}` of the sync.",
                where=_WHERE,
            ) from error

    def _check(self, entry: Entry, file: IO[bytes]) -> None:
        now = self._drive.file(entry.key)
        if now is None or now.version != entry.version:
            raise self._changed(entry)

    def _changed(self, entry: Entry) -> Unavailable:
        return Unavailable(
            f"{self._name(entry)} changed while it was read",
            hint="It is read again.",
            where=_WHERE,
        )


def _named(name: str, mime_type: str) -> str:
    """A file's name, with an ending that tells what it is read as, where there is such."""
    told = mime_type != _SPREADSHEET and has_format(name)
    return name if told else f"{name}{_ENDINGS.get(mime_type, '')}"


def _table(file: DriveFile) -> DriveFile:
    """Raises `BadInput` for what is no table."""
    if file.is_folder:
        raise BadInput(
            f"{file.name!r} is a folder, and no table",
            hint=f"Name one file in `rows`: {_READ}.",
            where=_WHERE,
        )
    native = file.mime_type.startswith(APPS) and file.mime_type != _SPREADSHEET
    if native or not has_format(_named(file.name, file.mime_type)):
        raise BadInput(
            f"{file.name!r} is {file.mime_type}, and no table that can be read",
            hint=f"Name in `rows` {_READ}; of a shortcut, the file that it leads to.",
            where=_WHERE,
        )
    return file
