"""Files, revisions, permissions and drives as JSON: Drive v3, discovery revision 20261106."""

from __future__ import annotations

import re

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.exports import EXPORTS
from livesync_pipelines.sandbox.google.files import (
    FOLDER,
    NATIVE,
    ROLES,
    SHORTCUT,
    File,
    Revision,
    SharedDrive,
)
from livesync_pipelines.sandbox.world import Json, Person

# fmt: off
FILE_FIELDS = frozenset((
    "appProperties", "capabilities", "contentRestrictions", "copyRequiresWriterPermission",
    "createdTime", "description", "driveId", "explicitlyTrashed", "exportLinks",
    "fileExtension", "folderColorRgb", "fullFileExtension", "hasAugmentedPermissions",
    "hasThumbnail", "headRevisionId", "iconLink", "id", "imageMediaMetadata", "isAppAuthorized",
    "kind", "labelInfo", "lastModifyingUser", "linkShareMetadata", "md5Checksum", "mimeType",
    "modifiedByMe", "modifiedByMeTime", "modifiedTime", "name", "originalFilename", "ownedByMe",
    "owners", "parents", "permissionIds", "permissions", "properties", "quotaBytesUsed",
    "resourceKey", "sha1Checksum", "sha256Checksum", "shared", "sharedWithMeTime",
    "sharingUser", "shortcutDetails", "size", "spaces", "starred", "teamDriveId",
    "thumbnailLink", "thumbnailVersion", "trashed", "trashedTime", "trashingUser", "version",
    "videoMediaMetadata", "viewedByMe", "viewedByMeTime", "viewersCanCopyContent",
    "webContentLink", "webViewLink", "writersCanShare",
))
# fmt: on
"""Every name that a selection of fields may have in a file."""

_EXTENSION = re.compile(r"(?<=.)\.([A-Za-z0-9]{1,10})$")
_WRITERS = ROLES[ROLES.index("writer") :]


class Shown:
    """What one person is shown, with links to the address that they asked at. `own_only`: of what
    the client has made, and of nothing else."""

    def __init__(self, drive: Drive, person: Person, address: str, *, own_only: bool) -> None:
        self._people = {known.email: known for known in drive.world.people}
        self._tree = drive.tree
        self._made = drive.made_by_client
        self._person = person
        self._address = address
        self._own_only = own_only

    def file(self, file: File) -> Json:
        """The top folder of a shared drive is `Drive`, whatever that is called, as others tell it
        (https://github.com/taers232c/GAMADV-XTD3/issues/406, 2026-11-22)."""
        role = self._tree.role(self._person.email, file)
        return {
            "kind": "drive#file",
            "id": file.id,
            "name": "Drive" if file.id in self._tree.drives else file.name,
            "mimeType": file.mime_type,
            "starred": file.starred,
            "trashed": self._tree.in_trash(file),
            "explicitlyTrashed": file.trashed,
            "spaces": ["drive"],
            "version": str(file.version),
            "createdTime": rfc3339(file.created),
            "modifiedTime": rfc3339(file.modified),
            "modifiedByMe": file.by == self._person,
            "lastModifyingUser": self.user(file.by),
            "viewedByMe": False,
            "hasThumbnail": False,
            "isAppAuthorized": file.id in self._made,
            "copyRequiresWriterPermission": False,
            "writersCanShare": True,
            "webViewLink": f"{self._address}/google/file/d/{file.id}/view",
            "iconLink": f"{self._address}/google/icon/{file.mime_type}",
            "capabilities": _capabilities(file, role),
            **self._optional(file),
            **(self._in_drive(file) if file.drive_id is not None else self._owned(file, role)),
            **_content(file, self._address),
        }

    def user(self, person: Person) -> Json:
        return {
            "kind": "drive#user",
            "displayName": person.name,
            "me": person == self._person,
            "permissionId": person.id,
            "emailAddress": person.email,
        }

    def permissions(self, file: File) -> list[Json]:
        """Who may do what with a file: its owner and those it is shared with, or the members of
        its shared drive."""
        if file.drive_id is not None:
            members = self._tree.drives[file.drive_id].members
            return [self._permission(email, role) for email, role in members.items()]
        owner = [] if file.owner is None else [self._permission(file.owner.email, "owner")]
        return owner + [self._permission(email, role) for email, role in file.roles.items()]

    def _permission(self, email: str, role: str) -> Json:
        person = self._people[email]
        return {
            "kind": "drive#permission",
            "id": person.id,
            "type": "user",
            "role": role,
            "emailAddress": email,
            "displayName": person.name,
            "deleted": False,
            "pendingOwner": False,
        }

    def _optional(self, file: File) -> Json:
        """What is there only where there is something to say. The folder is shown to those alone
        who see it."""
        shown: Json = {}
        if file.description:
            shown["description"] = file.description
        if file.properties:
            shown["properties"] = dict(file.properties)
        if file.app_properties:
            shown["appProperties"] = dict(file.app_properties)
        if file.target is not None:
            details = {"targetId": file.target, "targetMimeType": file.target_mime_type}
            shown["shortcutDetails"] = details
        above = self._tree.files.get(file.parent) if file.parent is not None else None
        if above is not None and self._sees(above):
            shown["parents"] = [above.id]
        return shown

    def _sees(self, folder: File) -> bool:
        if self._own_only and folder.id not in self._made:
            return False
        return self._tree.role(self._person.email, folder) is not None

    def _owned(self, file: File, role: str | None) -> Json:
        permissions = self.permissions(file)
        shown: Json = {
            "shared": len(self._tree.audience(file)) > 1,
            "ownedByMe": role == "owner",
            "permissionIds": [permission["id"] for permission in permissions],
            "owners": [] if file.owner is None else [self.user(file.owner)],
        }
        return shown | ({"permissions": permissions} if role in _WRITERS else {})

    def _in_drive(self, file: File) -> Json:
        shown: Json = {"driveId": file.drive_id, "teamDriveId": file.drive_id}
        shown["hasAugmentedPermissions"] = False
        if file.trashed_at is not None:
            shown["trashedTime"] = rfc3339(file.trashed_at)
        return shown


def shared_drive(drive: SharedDrive, role: str | None) -> Json:
    writes = role in _WRITERS
    return {
        "kind": "drive#drive",
        "id": drive.id,
        "name": drive.name,
        "createdTime": rfc3339(drive.created),
        "hidden": False,
        "capabilities": {"canAddChildren": writes, "canEdit": writes, "canListChildren": True},
    }


def revision(shown: Shown, file: File, kept: Revision) -> Json:
    """A revision; digests and the file's name are those of blobs only."""
    answer: Json = {
        "kind": "drive#revision",
        "id": kept.id,
        "mimeType": kept.mime_type,
        "modifiedTime": rfc3339(kept.at),
        "keepForever": kept.keep,
        "published": False,
        "lastModifyingUser": shown.user(kept.by),
        "size": str(len(kept.content)),
    }
    if file.binary:
        answer |= {"md5Checksum": kept.md5, "originalFilename": file.original_name or file.name}
    return answer


def _capabilities(file: File, role: str | None) -> Json:
    writes, owns = role in _WRITERS, role in {"owner", "organizer", "fileOrganizer"}
    return {
        "canEdit": writes,
        "canRename": writes,
        "canModifyContent": writes,
        "canCopy": file.mime_type != FOLDER,
        "canDownload": file.mime_type not in {FOLDER, SHORTCUT},
        "canListChildren": file.mime_type == FOLDER,
        "canAddChildren": writes and file.mime_type == FOLDER,
        "canReadRevisions": writes,
        "canTrash": owns or (writes and file.drive_id is not None),
        "canDelete": owns,
        "canShare": writes,
    }


def _content(file: File, address: str) -> Json:
    """Sizes and digests of blobs, export links of native documents."""
    head = file.head
    if file.mime_type in NATIVE:
        base = f"{address}/google/export?id={file.id}&mimeType="
        links = {kind: base + kind.replace("+", "%2B") for kind in EXPORTS[file.mime_type]}
        return {"exportLinks": links, "size": str(len(file.content))}
    if not file.binary or head is None:
        return {}
    size = str(len(head.content))
    shown = {
        "size": size,
        "quotaBytesUsed": size,
        "md5Checksum": head.md5,
        "sha1Checksum": head.sha1,
        "sha256Checksum": head.sha256,
        "headRevisionId": head.id,
        "originalFilename": file.original_name or file.name,
        "webContentLink": f"{address}/google/uc?id={file.id}&export=download",
    }
    extension = _EXTENSION.search(file.name)
    ending = extension[1] if extension else ""
    return shown | {"fileExtension": ending, "fullFileExtension": ending}
