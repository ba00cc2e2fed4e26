"""The platforms, one file each. A connector is found here and nowhere else.

A platform's module, with the libraries it needs, is imported when the platform is first used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TypeVar

from livesync_pipelines.connectors.base import Connector, Platform
from livesync_pipelines.connectors.rows import RowEnd

_DOCUMENTS = {
    "folder": ("folder", "Folder"),
    "s3": ("s3", "S3"),
    "website": ("website", "Website"),
    "rss": ("rss", "Rss"),
    "json_api": ("json_api", "JsonApi"),
    "confluence": ("confluence", "Confluence"),
    "google_drive": ("google_drive", "GoogleDrive"),
    "google_calendar": ("google_calendar", "GoogleCalendar"),
    "dropbox": ("dropbox", "Dropbox"),
    "notion": ("notion", "Notion"),
}
_ROWS = {
    "sql_table": ("sql_table", "SqlTable"),
    "folder": ("folder_rows", "FolderRows"),
    "s3": ("s3_rows", "S3Rows"),
    "notion": ("notion_rows", "NotionRows"),
    "google_drive": ("google_drive_rows", "GoogleDriveRows"),
    "json_api": ("json_api_rows", "JsonApiRows"),
}
_FILES = {
    "google_drive": ("google_drive_files", "GoogleDriveFiles"),
    "confluence": ("confluence_files", "ConfluencePages"),
}
K = TypeVar("K")


class _Lazy(Mapping[str, type[K]]):
    def __init__(self, places: Mapping[str, tuple[str, str]]) -> None:
        self._places = places

    def __getitem__(self, platform: str) -> type[K]:
        module, name = self._places[platform]
        found: type[K] = getattr(import_module(f"{__name__}.{module}"), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


REGISTRY: Mapping[str, type[Connector]] = _Lazy(_DOCUMENTS)
"""Every platform that has documents, by name."""

FILE_ENDS: Mapping[str, type[Connector]] = _Lazy({**_DOCUMENTS, **_FILES})
"""Every platform that has documents, as what it is where its files are copied as they are."""

ROW_ENDS: Mapping[str, type[RowEnd]] = _Lazy(_ROWS)
"""Every platform that has rows, by name."""

PLATFORMS: Mapping[str, type[Platform]] = _Lazy({**_ROWS, **_DOCUMENTS})
"""Every platform; one that has both stands here as what it is for documents."""
