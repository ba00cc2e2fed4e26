"""Moving files: `addParents` and `removeParents` of an update. Every file has one folder."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request

from livesync_pipelines.sandbox.google.asking import folder_into
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.errors import GoogleError
from livesync_pipelines.sandbox.google.files import FOLDER, File
from livesync_pipelines.sandbox.world import Person


def moved(drive: Drive, request: Request, person: Person, file: File) -> File:
    """The file in the folder that the request names, if it names one. Raises GoogleError."""
    added, removed = (_ids(drive, request, person, name) for name in ("add", "remove"))
    if not added or added == [file.parent]:
        return _kept(file, removed if not added else [])
    if len(added) > 1 or removed != [file.parent]:
        why = "Increasing the number of parents is not allowed"
        raise GoogleError(403, "cannotAddParent", why)
    folder = folder_into(drive, request, person, added[0])
    if folder.mime_type != FOLDER:
        raise GoogleError(403, "parentNotAFolder", "The specified parent is not a folder.")
    if any(above.id == file.id for above in drive.tree.chain(folder)):
        why = "A folder cannot be moved into what is below it."
        raise GoogleError(400, "badRequest", why, where="addParents")
    if folder.drive_id != file.drive_id and file.mime_type == FOLDER:
        why = "Moving folders into shared drives is not supported."
        raise GoogleError(403, "teamDrivesFolderMoveInNotSupported", why)
    owner = file.owner if folder.drive_id == file.drive_id else _owner(folder, person)
    return replace(file, parent=folder.id, drive_id=folder.drive_id, owner=owner)


def _kept(file: File, removed: list[str]) -> File:
    if file.parent in removed:
        why = "A file must have a parent."
        raise GoogleError(403, "cannotRemoveParent", why)
    return file


def _owner(folder: File, person: Person) -> Person | None:
    return None if folder.drive_id is not None else person


def _ids(drive: Drive, request: Request, person: Person, name: str) -> list[str]:
    """Ids with commas between them, `root` being one's own root."""
    ids = request.query_params.get(f"{name}Parents", "").split(",")
    root = drive.tree.roots[person.email]
    return [root if file_id == "root" else file_id for file_id in filter(None, ids)]
