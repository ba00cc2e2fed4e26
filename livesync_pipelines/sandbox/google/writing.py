"""Making, changing, moving, trashing, deleting and copying files."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.google import metadata
from livesync_pipelines.sandbox.google.asking import (
    answer,
    asked_file,
    body_of,
    changeable,
    flag,
    folder_into,
    json_object,
    mask_of,
    seen_file,
    shown_to,
    writable,
)
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.errors import GoogleError, invalid
from livesync_pipelines.sandbox.google.exports import imported
from livesync_pipelines.sandbox.google.files import FOLDER, NATIVE, SHORTCUT, File
from livesync_pipelines.sandbox.google.moving import moved
from livesync_pipelines.sandbox.google.reading import FILE_DEFAULT
from livesync_pipelines.sandbox.google.uploads import (
    Session,
    Sessions,
    Upload,
    at_once,
    bare,
    received,
)
from livesync_pipelines.sandbox.world import Json, Person

_OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Place:
    """Where and whose a new file is."""

    parent: str
    drive_id: str | None
    owner: Person | None


class Writing:
    """What changes files."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._sessions = Sessions(drive.world.ids)

    async def create(self, request: Request, person: Person) -> Response:
        """Of metadata alone."""
        return self._saved(request, person, None, Upload(await body_of(request)))

    async def update(self, request: Request, person: Person) -> Response:
        file = asked_file(self._drive, request, person)
        return self._saved(request, person, file, Upload(await body_of(request)))

    async def upload(self, request: Request, person: Person) -> Response:
        """A new file, or (PATCH) a new content, at once or as the beginning of a session."""
        file = None
        if "file_id" in request.path_params:
            file = asked_file(self._drive, request, person)
        body = await request.body()
        if request.query_params.get("uploadType") == "resumable":
            return self._begun(request, person, file, json_object(body))
        return self._saved(request, person, file, at_once(request, body))

    async def piece(self, request: Request, person: Person) -> Response:
        """PUT to a session: a piece of its content, or the question how much is there."""
        upload_id = request.query_params.get("upload_id", "")
        session, body = self._sessions.of(upload_id, person.email), await request.body()
        whole = f"bytes 0-{len(body) - 1}/{len(body)}" if body else "bytes */0"
        if not received(session, request.headers.get("content-range", whole), body):
            have = len(session.received)
            headers = {"range": f"bytes=0-{have - 1}"} if have else {}
            return Response(status_code=308, headers=headers)
        self._sessions.end(upload_id)
        file = None
        if session.file_id is not None:
            file = seen_file(self._drive, request, person, session.file_id)
        upload = Upload(session.said, bytes(session.received), session.mime_type)
        return self._saved(request, person, file, upload)

    async def copy(self, request: Request, person: Person) -> Response:
        source = asked_file(self._drive, request, person)
        if source.mime_type == FOLDER:
            raise GoogleError(403, "cannotCopyFile", "This file cannot be copied by the user.")
        said = {"name": f"Copy of {source.name}", **await body_of(request)}
        said.setdefault("parents", [source.parent] if source.parent else [])
        said["mimeType"] = source.mime_type
        if source.target is not None:
            said["shortcutDetails"] = {"targetId": source.target}
        made = self._made(request, person, said)
        if source.head is not None:
            at = self._drive.world.clock.stamp()
            head = self._drive.revision(person, source.content, source.head.mime_type, at)
            made = replace(made, revisions=(head,))
        return self._answer(request, person, self._new(person, made))

    async def delete(self, request: Request, person: Person) -> Response:
        """For good; by its owner alone, in a shared drive by an organizer."""
        file = asked_file(self._drive, request, person)
        least = "owner" if file.drive_id is None else "fileOrganizer"
        changeable(writable(self._drive, request, person, file, least))
        self._drive.delete(person, file)
        return Response(status_code=204)

    def _begun(self, request: Request, person: Person, file: File | None, said: Json) -> Response:
        """A session, at the address that Location names. What is said is looked at now already."""
        self._planned(request, person, file, said)
        kind = bare(request.headers.get("x-upload-content-type", _OCTETS))
        session = Session(person.email, None if file is None else file.id, said, kind)
        where = request.url.include_query_params(upload_id=self._sessions.begin(session))
        return Response(headers={"location": str(where)})

    def _saved(
        self, request: Request, person: Person, file: File | None, upload: Upload
    ) -> Response:
        said = upload.said
        if upload.content is not None and file is None:
            said = {"mimeType": upload.mime_type, **said}
        planned = self._planned(request, person, file, said)
        if upload.content is not None:
            planned = self._with_content(request, person, planned, upload)
        saved = self._new(person, planned) if file is None else self._drive.save(person, planned)
        return self._answer(request, person, saved)

    def _new(self, person: Person, file: File) -> File:
        self._drive.made_by_client.add(file.id)
        return self._drive.save(person, file)

    def _planned(self, request: Request, person: Person, file: File | None, said: Json) -> File:
        """The file as it will be, but for its content."""
        if file is None:
            return self._made(request, person, said)
        metadata.check_update(said)
        least = "owner" if "trashed" in said and file.drive_id is None else "writer"
        changeable(writable(self._drive, request, person, file, least))
        at = self._drive.world.clock.stamp()
        return moved(self._drive, request, person, metadata.applied(file, said, person, at))

    def _made(self, request: Request, person: Person, said: Json) -> File:
        metadata.check_new(said)
        place, at = self._place(request, person, said), self._drive.world.clock.stamp()
        file = File(
            id=self._id_of(said),
            name="Untitled",
            mime_type=str(said.get("mimeType", _OCTETS)),
            parent=place.parent,
            drive_id=place.drive_id,
            owner=place.owner,
            created=metadata.time_of(said, "createdTime") if "createdTime" in said else at,
            modified=at,
            by=person,
            original_name=said.get("originalFilename"),
        )
        file = self._pointed(request, person, file, said)
        if file.mime_type in NATIVE:
            file = replace(file, revisions=(self._drive.revision(person, b"", file.mime_type, at),))
        return metadata.applied(file, said, person, at)

    def _id_of(self, said: Json) -> str:
        """A file with bytes, or a folder, may have an id that was generated; whoever has tried says
        what becomes of others."""
        if not said.get("id"):
            return self._drive.new_id()
        file_id, kind = str(said["id"]), said.get("mimeType")
        if file_id in self._drive.tree.files:
            why = "A file already exists with the provided ID."
            raise GoogleError(409, "fileIdInUse", why)
        if kind in NATIVE:
            why = "Generated IDs are not supported for Docs Editors formats."
            raise GoogleError(403, "insufficientFilePermissions", why)
        if kind == SHORTCUT or file_id not in self._drive.generated:
            raise invalid("file.id", "The provided file ID is not usable.")
        return file_id

    def _place(self, request: Request, person: Person, said: Json) -> Place:
        wanted = metadata.parent_of(said) or "root"
        folder = folder_into(self._drive, request, person, wanted)
        if folder.mime_type != FOLDER:
            why = "The specified parent is not a folder."
            raise GoogleError(403, "parentNotAFolder", why)
        owner = None if folder.drive_id is not None else person
        return Place(folder.id, folder.drive_id, owner)

    def _pointed(self, request: Request, person: Person, file: File, said: Json) -> File:
        """A shortcut knows what it leads to; nothing else may."""
        details = said.get("shortcutDetails") or {}
        if file.mime_type != SHORTCUT:
            return file
        if not details.get("targetId"):
            raise invalid("shortcutDetails.targetId")
        target = seen_file(self._drive, request, person, str(details["targetId"]))
        return replace(file, target=target.id, target_mime_type=target.mime_type)

    def _with_content(self, request: Request, person: Person, file: File, upload: Upload) -> File:
        """One revision more. What is uploaded as a native document becomes one."""
        content, kind = upload.content or b"", upload.mime_type
        if file.mime_type in NATIVE:
            content, kind = imported(file.mime_type, content, kind), file.mime_type
            before = file.revisions[:-1] if file.content == b"" else file.revisions
        elif file.binary:
            file, before = replace(file, mime_type=_kind_of(upload, file)), file.revisions
        else:
            raise GoogleError(400, "badRequest", "This kind of file has no content.")
        at = self._drive.world.clock.stamp()
        modified = file.modified if "modifiedTime" in upload.said else at
        made = self._drive.revision(person, content, kind, at)
        made = replace(made, keep=flag(request, "keepRevisionForever"))
        return replace(file, revisions=(*before, made), modified=modified, by=person)

    def _answer(self, request: Request, person: Person, file: File) -> Response:
        mask = mask_of(request, FILE_DEFAULT)
        return answer(shown_to(self._drive, request, person).file(file), mask)


def _kind_of(upload: Upload, file: File) -> str:
    """What is said counts, then what was uploaded; bytes of no kind leave the file's as it was."""
    said = upload.said.get("mimeType")
    return (
        str(said) if said else (file.mime_type if upload.mime_type == _OCTETS else upload.mime_type)
    )
