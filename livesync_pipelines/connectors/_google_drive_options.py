"""What a user says of Google Drive, and which files that means."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Annotated

from propcache.api import cached_property
from pydantic import AfterValidator, Field

from livesync_pipelines.connectors._globs import Glob, Named
from livesync_pipelines.connectors._google_files import DriveFile, Kind
from livesync_pipelines.connectors.base import Accounted, Options

_LINK = re.compile(r"https://drive\.google\.com/(?:.*/)?folders/([\w-]+)(?:[/?#].*)?")
_FILE_LINK = re.compile(
    r"https://(?:docs|drive)\.google\.com/"
    r"(?:(?:.*/)?d/(?!e/)([\w-]+)(?:[/?#].*)?|open\?(?:.*&)?id=([\w-]+)(?:[&#].*)?)"
)
_ID = re.compile(r"[\w-]+")
_KINDS: list[Kind] = ["document", "spreadsheet", "presentation", "file"]
_MY_DRIVE = "root"
_DEEPEST = 200
"""Drive itself allows a hundred folders in one another."""


def folder_id(text: str) -> str:
    """The id of a folder, of its link too. Raises `ValueError`."""
    found = _LINK.fullmatch(text.strip())
    said = found[1] if found else text.strip()
    if not _ID.fullmatch(said):
        raise ValueError("give the id of a folder, or its link: https://drive.google.com/...")
    return said


def file_id(text: str) -> str:
    """The id of a file, of its link too (but not of a copy published to the web, which has none).
    Raises `ValueError`."""
    found = _FILE_LINK.fullmatch(text.strip())
    said = (found[1] or found[2]) if found else text.strip()
    if not _ID.fullmatch(said):
        raise ValueError(
            "give the id of a file, or its link: https://docs.google.com/spreadsheets/d/..., "
            "https://drive.google.com/file/d/..."
        )
    return said


class GoogleDriveConnection(Accounted):
    """Nothing but the account."""


class GoogleDriveSelection(Options):
    """`folders`: ids or links, `root` for My Drive, a shared drive's id for all of it; without any,
    all that the account sees, with `shared_drives` or without. `types`: what is read. The globs are
    over names from the folder down; without `folders`, from the top of My Drive and of each shared
    drive down, whose name may stand before that."""

    folders: list[Annotated[str, AfterValidator(folder_id)]] = Field(default=[])
    shared_drives: bool = True
    types: list[Kind] = Field(default=_KINDS, min_length=1)
    include: list[Glob] = Field(default=["**/*"], min_length=1)
    exclude: list[Glob] = Field(default=[])


class Selected:
    """Which files are meant, of those that lie in these shared drives (empty: in none).

    `roots`: the ids of the chosen folders; none for everything. `ask`: how a folder is looked up
    of which nothing is known yet; `shared`: the names of the shared drives, by id, which a lookup
    does not tell. Folders are kept for as long as this lives.
    """

    def __init__(
        self,
        selection: GoogleDriveSelection,
        *,
        roots: Collection[str],
        drives: Collection[str],
        ask: Callable[[str], DriveFile | None],
        shared: Callable[[], Mapping[str, str]],
    ) -> None:
        self._kinds = frozenset(selection.types)
        self._globs = Named(selection.include, selection.exclude)
        self._roots = frozenset(roots)
        self._drives = frozenset(drives)
        self._ask = ask
        self._shared = shared
        self._folders: dict[str, DriveFile | None] = {}

    @property
    def is_by_name(self) -> bool:
        """Whether it is asked of each file how it and the folders above it are called."""
        return not self._globs.all

    def note(self, files: Iterable[DriveFile]) -> None:
        """What their folders are now."""
        self._folders.update((file.id, file) for file in files if file.is_folder)

    def keeps(self, file: DriveFile) -> bool:
        if file.trashed or file.kind not in self._kinds or file.drive_id not in self._drives:
            return False
        if not self._roots and self._globs.all:
            return True
        return self._globs.keeps(self._paths(file))

    def _paths(self, file: DriveFile) -> Sequence[str]:
        """Its names from the chosen folder down; none where it is in none of them. Where none is
        chosen, those from the top down, and the same with the name of the top before them."""
        top, title = ("", "") if self._roots else self._tops.get(file.drive_id, ("", ""))
        ends = self._roots or {top}
        names, above = [file.name], file.parent
        while above is not None and above not in ends and len(names) < _DEEPEST:
            folder = self._folder(above)
            if folder is None:
                break
            names.append(folder.name)
            above = folder.parent
        path = "/".join(reversed(names))
        if self._roots:
            return [path] if above in ends else []
        return [path, f"{title}/{path}"] if above in ends else [path]

    @cached_property
    def _tops(self) -> Mapping[str, tuple[str, str]]:
        """The id and the name of the top folder of each drive; '' is My Drive, if it is seen."""
        mine = self._folder(_MY_DRIVE)
        tops = {drive_id: (drive_id, name) for drive_id, name in self._shared().items()}
        return {**tops, "": (mine.id, mine.name)} if mine else tops

    def _folder(self, folder_id: str) -> DriveFile | None:
        if folder_id not in self._folders:
            self._folders[folder_id] = self._ask(folder_id)
        return self._folders[folder_id]
