"""What the endpoints of the pretend Drive share: parameters, files that one may see, answers."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.errors import GoogleError, invalid, not_found
from livesync_pipelines.sandbox.google.fields import Mask, masked, parsed
from livesync_pipelines.sandbox.google.files import ROLES, File
from livesync_pipelines.sandbox.google.shown import Shown
from livesync_pipelines.sandbox.world import Json, Person


def asked_file(drive: Drive, request: Request, person: Person) -> File:
    """The file of the path, `root` being one's own. One that is not seen is not there, and what is
    in a shared drive is there only for who says `supportsAllDrives=true`."""
    return seen_file(drive, request, person, request.path_params["file_id"])


def seen_file(drive: Drive, request: Request, person: Person, file_id: str) -> File:
    file = known_file(drive, request, person, file_id)
    if file.drive_id is not None and not flag(request, "supportsAllDrives"):
        raise not_found(file_id)
    return file


def known_file(drive: Drive, request: Request, person: Person, file_id: str) -> File:
    """For methods that know no `supportsAllDrives`."""
    known = drive.tree.roots[person.email] if file_id == "root" else file_id
    file = drive.tree.files.get(known)
    if file is None or drive.tree.role(person.email, file) is None:
        raise not_found(file_id)
    if not is_for_client(drive, request, file.id):
        raise not_found(file_id)
    return file


def is_for_client(drive: Drive, request: Request, file_id: str) -> bool:
    """Whether who asks may see it: with `drive.file` alone, what its client has made."""
    return not request.state.sees_own_only or file_id in drive.made_by_client


def folder_into(drive: Drive, request: Request, person: Person, file_id: str) -> File:
    """A folder that something is put into. One's own My Drive, though it may not be seen, is open
    to every client."""
    root = drive.tree.roots[person.email]
    if file_id in {"root", root}:
        return drive.tree.files[root]
    return writable(drive, request, person, seen_file(drive, request, person, file_id))


def writable(
    drive: Drive, request: Request, person: Person, file: File, least: str = "writer"
) -> File:
    if request.state.writes_own_only and file.id not in drive.made_by_client:
        why = f"The user has not granted the app write access to the file {file.id}."
        raise GoogleError(403, "appNotAuthorizedToFile", why)
    role = drive.tree.role(person.email, file)
    if role is None or ROLES.index(role) < ROLES.index(least):
        why = f"The user does not have sufficient permissions for file {file.id}."
        raise GoogleError(403, "insufficientFilePermissions", why)
    return file


def changeable(file: File) -> File:
    """Any but the root of somebody's drive or of a shared drive, which stays as it is."""
    if file.parent is None:
        why = f"The root folder {file.id} cannot be changed."
        raise GoogleError(403, "insufficientFilePermissions", why)
    return file


def flag(request: Request, name: str, *, otherwise: bool = False) -> bool:
    """A parameter that is `true` or `false`."""
    text = request.query_params.get(name)
    if text is None:
        return otherwise
    if text not in {"true", "false"}:
        raise invalid(name)
    return text == "true"


def page_size(request: Request, *, most: int = 1_000, otherwise: int = 100) -> int:
    """What is above the most is taken for the most."""
    text = request.query_params.get("pageSize", str(otherwise))
    if not text.isdecimal() or int(text) < 1:
        raise invalid("pageSize", f"Invalid value '{text}'. Values must be within the range: [1, ]")
    return min(int(text), most)


def mask_of(request: Request, otherwise: str) -> Mask:
    return parsed(request.query_params.get("fields", otherwise))


def shown_to(drive: Drive, request: Request, person: Person) -> Shown:
    address = f"{request.url.scheme}://{request.url.netloc}"
    own = request.state.sees_own_only
    return Shown(drive, person, address, own_only=own)


def answer(body: Json, mask: Mask) -> Response:
    return Response(orjson.dumps(masked(body, mask)), media_type="application/json; charset=UTF-8")


async def body_of(request: Request) -> Json:
    """The JSON object of a request; an empty body is an empty one."""
    return json_object(await request.body())


def json_object(text: bytes) -> Json:
    try:
        found: Any = orjson.loads(text or b"{}")
    except orjson.JSONDecodeError as error:
        raise GoogleError(400, "parseError", "Parse Error") from error
    if not isinstance(found, dict):
        raise GoogleError(400, "parseError", "Parse Error")
    return found
