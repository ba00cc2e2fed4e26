"""What there is to choose from in a Google Drive."""

from __future__ import annotations

from collections.abc import Iterator

from livesync_pipelines.connectors._google_drive_api import DriveApi
from livesync_pipelines.connectors._google_drive_feed import OWN
from livesync_pipelines.connectors._google_files import FOLDER
from livesync_pipelines.connectors.choosing import Choice

_ROOT = "root"
_TOP = f"'{_ROOT}' in parents and trashed = false and mimeType = '{FOLDER}'"


def choices(drive: DriveApi) -> Iterator[Choice]:
    """My Drive, the shared drives, and the folders at the top of My Drive."""
    yield _folder("My Drive", "folder", _ROOT)
    for drive_id, name in drive.shared_drives().items():
        yield _folder(name, "shared drive", drive_id)
    for page in drive.files(_TOP, OWN):
        for file in page:
            yield _folder(f"My Drive/{file.name}", "folder", file.id)


def _folder(title: str, kind: str, folder_id: str) -> Choice:
    return Choice(title=title, kind=kind, option="folders", values=[folder_id])
