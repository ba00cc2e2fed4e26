"""Who may do what: permissions of files, and members of shared drives.

A permission of the id of a shared drive is a membership. What is in a shared drive has no
permissions of its own here, though at Google it may.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.google.asking import (
    answer,
    asked_file,
    body_of,
    changeable,
    mask_of,
    shown_to,
    writable,
)
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.errors import GoogleError
from livesync_pipelines.sandbox.google.files import File
from livesync_pipelines.sandbox.world import Json, Person

_OF_FILES = frozenset(("reader", "commenter", "writer"))
_OF_DRIVES = _OF_FILES | {"fileOrganizer", "organizer"}


class Sharing:
    """`permissions.list`, `create` and `delete`; only for people, by e-mail."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    async def permissions(self, request: Request, person: Person) -> Response:
        file = asked_file(self._drive, request, person)
        body = {"kind": "drive#permissionList", "permissions": self._shown(request, person, file)}
        return answer(body, mask_of(request, "kind,permissions(kind,id,type,role)"))

    async def share(self, request: Request, person: Person) -> Response:
        file, said = self._shareable(request, person), await body_of(request)
        email, role = self._checked(file, said)
        self._grant(person, file, email, role)
        shown = self._shown(request, person, self._drive.tree.files[file.id])
        made = next(one for one in shown if one["emailAddress"] == email)
        return answer(made, mask_of(request, "kind,id,type,role"))

    async def unshare(self, request: Request, person: Person) -> Response:
        file, wanted = self._shareable(request, person), request.path_params["permission_id"]
        for one in self._shown(request, person, file):
            if one["id"] == wanted and one["role"] != "owner":
                self._grant(person, file, one["emailAddress"], None)
                return Response(status_code=204)
        message = f"Permission not found: {wanted}."
        raise GoogleError(404, "notFound", message, where="permissionId")

    def _shareable(self, request: Request, person: Person) -> File:
        """A file that the person may write, or a shared drive that they organise."""
        file = asked_file(self._drive, request, person)
        if file.id in self._drive.tree.drives:
            return writable(self._drive, request, person, file, "organizer")
        if file.drive_id is not None:
            why = "The sandbox shares a shared drive as a whole."
            raise GoogleError(403, "insufficientFilePermissions", why)
        return changeable(writable(self._drive, request, person, file))

    def _checked(self, file: File, said: Json) -> tuple[str, str]:
        """Whom it is shared with, and what they may do."""
        email, role = str(said.get("emailAddress")), str(said.get("role"))
        known = {person.email for person in self._drive.world.people}
        roles = _OF_FILES if file.parent is not None else _OF_DRIVES
        if email not in known or role not in roles or said.get("type") != "user":
            why = "Only people of the sandbox, by e-mail, in the roles of its kind."
            raise GoogleError(400, "invalidSharingRequest", why)
        return email, role

    def _grant(self, person: Person, file: File, email: str, role: str | None) -> None:
        if file.parent is None:
            self._drive.set_member(file.id, email, role)
        else:
            self._drive.share(person, file, email, role)

    def _shown(self, request: Request, person: Person, file: File) -> list[Json]:
        return shown_to(self._drive, request, person).permissions(file)
