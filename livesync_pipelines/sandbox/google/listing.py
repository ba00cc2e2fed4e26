"""`files.list` and `drives.list`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.google.asking import (
    answer,
    flag,
    is_for_client,
    mask_of,
    page_size,
    shown_to,
)
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.errors import invalid, not_found
from livesync_pipelines.sandbox.google.fields import check, within
from livesync_pipelines.sandbox.google.files import FOLDER, File
from livesync_pipelines.sandbox.google.query import Query, parsed
from livesync_pipelines.sandbox.google.shown import FILE_FIELDS, shared_drive
from livesync_pipelines.sandbox.world import Person

_DEFAULT = "kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType)"
_LIST_FIELDS = frozenset(("kind", "incompleteSearch", "nextPageToken", "files"))
_KEPT = 2_000
_KEYS: dict[str, Callable[[File], Any]] = {
    "createdTime": lambda file: file.created,
    "folder": lambda file: file.mime_type != FOLDER,
    "modifiedTime": lambda file: file.modified,
    "modifiedByMeTime": lambda file: file.modified,
    "recency": lambda file: file.modified,
    "name": lambda file: file.name.lower(),
    "quotaBytesUsed": lambda file: len(file.content),
    "starred": lambda file: file.starred,
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a listing goes on: in what was found when it began, by whom and with which question."""

    found: tuple[str, ...]
    at: int
    asked: tuple[str, ...]


class Listing:
    """A listing is found once and then handed out page by page, so that a page costs what is on it;
    each file is shown as it is by then."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._places: dict[str, _Place] = {}

    async def files(self, request: Request, person: Person) -> Response:
        size, mask = page_size(request), mask_of(request, _DEFAULT)
        check(mask, _LIST_FIELDS)
        inner = within(mask, "files")
        check(inner or {}, FILE_FIELDS)
        place = self._place(request, person)
        page = place.found[place.at : place.at + size]
        tree, shown = self._drive.tree, shown_to(self._drive, request, person)
        files = (tree.files[file_id] for file_id in page if file_id in tree.files)
        seen = (
            file
            for file in files
            if tree.role(person.email, file) and is_for_client(self._drive, request, file.id)
        )
        body = {
            "kind": "drive#fileList",
            "incompleteSearch": False,
            "files": [] if inner is None else [shown.file(file) for file in seen],
        }
        if place.at + size < len(place.found):
            following = _Place(place.found, place.at + size, place.asked)
            body["nextPageToken"] = self._keep(following)
        return answer(body, mask)

    async def drives(self, request: Request, person: Person) -> Response:
        size = page_size(request, most=100, otherwise=10)
        token = request.query_params.get("pageToken", "0")
        if not token.isdecimal():
            raise invalid("pageToken")
        drives = self._drive.tree.drives.values()
        mine = (drive for drive in drives if person.email in drive.members)
        page = list(islice(mine, int(token), int(token) + size + 1))
        shown = [shared_drive(drive, drive.members[person.email]) for drive in page[:size]]
        body = {"kind": "drive#driveList", "drives": shown}
        if len(page) > size:
            body["nextPageToken"] = str(int(token) + size)
        return answer(body, mask_of(request, "*"))

    async def one_drive(self, request: Request, person: Person) -> Response:
        drive_id = request.path_params["drive_id"]
        drive = self._drive.tree.drives.get(drive_id)
        if drive is None or person.email not in drive.members:
            raise not_found(drive_id, "driveId")
        return answer(shared_drive(drive, drive.members[person.email]), mask_of(request, "*"))

    def _place(self, request: Request, person: Person) -> _Place:
        """Where the page begins; a token is good for its own question only."""
        params = request.query_params
        names = ("q", "orderBy", "corpora", "driveId", "includeItemsFromAllDrives")
        asked = (person.email, *(params.get(name, "") for name in names))
        token = params.get("pageToken")
        if token is None:
            return _Place(tuple(self._found(request, person)), 0, asked)
        place = self._places.get(token)
        if place is None or place.asked != asked:
            raise invalid("pageToken")
        return place

    def _keep(self, place: _Place) -> str:
        token = f"~!!~{self._drive.world.ids.new('google:page', 40)}"
        self._places[token] = place
        if len(self._places) > _KEPT:
            del self._places[next(iter(self._places))]
        return token

    def _found(self, request: Request, person: Person) -> list[str]:
        query = parsed(request.query_params.get("q", ""), self._drive.tree, person)
        wanted = self._corpus(request, person)
        found = [
            file
            for file in self._candidates(query, person)
            if wanted(file) and is_for_client(self._drive, request, file.id) and query.fits(file)
        ]
        for key, backwards in reversed(_order(request.query_params.get("orderBy", ""))):
            found.sort(key=key, reverse=backwards)
        return [file.id for file in found]

    def _candidates(self, query: Query, person: Person) -> list[File]:
        tree = self._drive.tree
        if query.parents is None:
            return list(tree.seen_by(person.email))
        inside = [file for folder in sorted(query.parents) for file in tree.children(folder)]
        return [file for file in inside if tree.role(person.email, file)]

    def _corpus(self, request: Request, person: Person) -> Callable[[File], bool]:
        """Which drives are looked in. Shared drives only for who asks for them twice."""
        drive_id, corpora = (request.query_params.get(name) for name in ("driveId", "corpora"))
        if (corpora == "drive") is not (drive_id is not None):
            raise invalid("driveId", "driveId and corpora=drive belong together.")
        both = flag(request, "includeItemsFromAllDrives") and flag(request, "supportsAllDrives")
        if drive_id is None:
            return lambda file: both or file.drive_id is None
        drive = self._drive.tree.drives.get(drive_id)
        if drive is None or person.email not in drive.members:
            raise not_found(drive_id, "driveId")
        if not both:
            raise invalid("includeItemsFromAllDrives", "corpora=drive needs both flags.")
        return lambda file: file.drive_id == drive_id


def _order(text: str) -> list[tuple[Callable[[File], Any], bool]]:
    """Sort keys, the first the strongest, each with whether it goes backwards."""
    keys = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, direction = part.partition(" ")
        if name not in _KEYS or direction not in {"", "desc"}:
            raise invalid("orderBy")
        keys.append((_KEYS[name], bool(direction)))
    return keys
