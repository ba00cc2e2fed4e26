"""Google Drive: files, and native documents as text.

Drive API v3, its discovery document of 2026-11-06 and the pages named below, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import md5
from io import BytesIO

from propcache.api import cached_property

from livesync_pipelines.connectors._api_client import Called, client_for
from livesync_pipelines.connectors._google_calls import google_oauth
from livesync_pipelines.connectors._google_channels import Channels
from livesync_pipelines.connectors._google_drive_api import Page, drive_of
from livesync_pipelines.connectors._google_drive_choices import choices
from livesync_pipelines.connectors._google_drive_feed import OWN, Changes, Place
from livesync_pipelines.connectors._google_drive_options import (
    GoogleDriveConnection,
    GoogleDriveSelection,
    Selected,
)
from livesync_pipelines.connectors._google_files import DriveFile, Remembered
from livesync_pipelines.connectors.base import FetchLimits, Memory, listing_table
from livesync_pipelines.connectors.choosing import Choice
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.operation import ANEW
from livesync_pipelines.model.records import Body, Entry, FeedPage, ListingPage
from livesync_pipelines.model.spec import Absence, Budget, Clock, PlatformSpec, Scope

__all__ = ["GoogleDrive", "GoogleDriveConnection", "GoogleDriveSelection"]

_TRIES = 3
_GUIDES = "https://developers.google.com/workspace/drive/api/guides"


class GoogleDrive(Called):
    """The key is the file's id, which it keeps for life, whatever it is called and wherever it is
    moved; so a rename is a change of the item."""

    spec = PlatformSpec(
        name="google_drive",
        title="Google Drive",
        clock=Clock(granularity_s=0.0),
        absence=Absence.DELETED,
        budgets=(Budget(12_000, 60.0, Scope.PLATFORM),),
        webhook="google",
        subscribed_by="webhook",
        oauth=google_oauth("drive.readonly", writes=("drive", "drive.file")),
        docs=(
            f"{_GUIDES}/search-files (2026-11-22)",
            f"{_GUIDES}/about-changes (2026-11-22)",
            f"{_GUIDES}/manage-changes (2026-11-22)",
            f"{_GUIDES}/manage-downloads (2026-11-22)",
            f"{_GUIDES}/ref-export-formats (2026-11-22)",
            f"{_GUIDES}/handle-errors (2026-11-22)",
            f"{_GUIDES}/limits (2026-11-22)",
            f"{_GUIDES}/push (2026-11-22)",
        ),
        quirks=(
            "the key of an item is its id in Drive: two files may have the same name and folder",
            "documents are read as Markdown, spreadsheets as XLSX (all sheets), presentations as "
            "plain text; forms, drawings, sites and scripts are left out",
            "what Drive does not export, because it has more than 10 MB, is downloaded by the link "
            "that Drive gives for it; where it gives none, it fails as `too_large_to_export`",
            "shortcuts are not followed: what they lead to is synced once, where it is selected",
            "where a folder was renamed, moved, trashed or restored, everything below is listed "
            "again; nothing is downloaded for that",
            "a file that is deleted and one that is no longer shared with the account look alike",
            "a native document counts as changed after anything that Drive counts, such as a "
            "change of who may see it",
            "a shared drive that is joined or left has everything listed again",
            "single files of a shared drive that the account is no member of are left out",
            "with `webhook`, one channel tells of the account's own change feed and is replaced "
            "before it ends; what only the feed of a shared drive shows is found by polling",
            "files that need the resource key of a link are not seen",
            "the rows of a file can only be read: of a spreadsheet those of the sheet that is "
            "named, or of its first, with formulas as their values",
            "with the scope `drive.file` alone, an account sees only what its client has made: a "
            "folder that is made by hand is none of that",
            "a copy of files takes or fills one folder, whose id or link is its `folder`; native "
            "documents and shortcuts have no bytes to copy and are left out",
            "in a copy, of two files or folders that have one name and folder neither is touched: "
            "they fail as `name_twice` until one of them is renamed",
            "Drive knows no condition on a write: in a copy, a file is looked at before and after, "
            "and an edit that came in between is put back out of its revisions",
            "what a copy removes lies in Drive's trash, and folders stay though they are empty",
        ),
    )
    Connection = GoogleDriveConnection
    Selection = GoogleDriveSelection

    def __init__(
        self,
        connection: GoogleDriveConnection,
        selection: GoogleDriveSelection,
        limits: FetchLimits,
    ) -> None:
        super().__init__(connection, selection, limits)
        self._selection = selection
        self._drive = drive_of(self._client, limits)

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        for page, is_last in _with_last(self._found()):
            self._selected.note(page)
            yield ListingPage(
                entries=listing_table(f.entry() for f in page if self._selected.keeps(f)),
                resume=None if is_last else ANEW,
                complete=is_last,
            )

    def cursor(self) -> str:
        tokens = {drive_id: self._drive.start_token(drive_id) for drive_id in self._drives}
        return Place(tokens, tuple(root.id for root in self._roots)).written()

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        place = Place.read(cursor)
        selected = self._those_in(place.roots, place.tokens)
        joins = self._selection.shared_drives and not place.roots
        return Changes(self._drive, selected, place, joins=joins).pages()

    @staticmethod
    def subscriber(connection: GoogleDriveConnection, limits: FetchLimits) -> Channels:
        client = client_for(limits)
        return Channels(client=client, drive=drive_of(client, limits))

    @staticmethod
    def choices(connection: GoogleDriveConnection, limits: FetchLimits) -> Iterator[Choice]:
        with client_for(limits) as client:
            yield from choices(drive_of(client, limits))

    @cached_property
    def _roots(self) -> tuple[DriveFile, ...]:
        return tuple(map(self._root, dict.fromkeys(self._selection.folders)))

    def _root(self, folder_id: str) -> DriveFile:
        """Raises `BadInput`: a folder that is gone has not become empty."""
        found = self._drive.file(folder_id)
        if found is None or found.trashed or not found.is_folder:
            raise BadInput(
                f"the account sees no folder {folder_id}, or it lies in the trash",
                hint="Open it in Drive as the account's owner: its id ends the address. Nothing "
                "was taken for deleted.",
                where=f"folder {folder_id}",
            )
        return found

    @cached_property
    def _drives(self) -> tuple[str, ...]:
        """The feeds to follow: the account's own, and those of all shared drives that matter."""
        if self._selection.folders:
            return tuple(dict.fromkeys([OWN, *(root.drive_id for root in self._roots)]))
        return (OWN, *self._shared)

    @cached_property
    def _shared(self) -> Mapping[str, str]:
        return self._drive.shared_drives() if self._selection.shared_drives else {}

    @cached_property
    def _selected(self) -> Selected:
        return self._those_in([root.id for root in self._roots], self._drives)

    def _those_in(self, roots: Iterable[str], drives: Iterable[str]) -> Selected:
        return Selected(
            self._selection,
            roots=frozenset(roots),
            drives=frozenset(drives),
            ask=self._drive.file,
            shared=lambda: self._shared,
        )

    def _found(self) -> Iterator[Page]:
        """Pages of all that may be selected, and of the folders that this depends on."""
        for drive_id in () if self._roots else self._drives:
            if self._selected.is_by_name:
                yield from self._drive.folders(drive_id)
            yield from self._drive.everything(drive_id)
        seen: set[str] = set()
        for root in self._roots:
            for page in self._drive.below(root.id, root.drive_id, trashed=False):
                yield [file for file in page if file.id not in seen]
                seen.update(file.id for file in page)

    def read(self, entry: Entry) -> Body | ItemFailure:
        """The bytes that were listed; or those of now, where they have changed since."""
        for _ in range(_TRIES):
            file = Remembered.read(entry.state or "")
            content = self._content(entry.key, file)
            if not file.md5 or md5(content, usedforsecurity=False).hexdigest() == file.md5:
                return _body(entry, file, content)
            now = self._drive.file(entry.key)
            if now is None:
                return ItemFailure(entry.key, "vanished", "it has gone while it was read")
            entry = now.entry()
        return ItemFailure(
            entry.key, "changing", f"it has changed {_TRIES} times while it was read"
        )

    def _content(self, file_id: str, file: Remembered) -> bytes:
        into = BytesIO()
        if file.export:
            self._drive.export(file_id, file.export, into, self.limits.max_bytes)
        else:
            self._drive.download(file_id, into, self.limits.max_bytes)
        return into.getvalue()


def _body(entry: Entry, file: Remembered, content: bytes) -> Body:
    export = file.export
    return Body(
        key=entry.key,
        version=entry.version,
        content=content,
        name=f"{file.name}{export.ending}" if export else file.name,
        url=file.url,
        media_type=export.media_type if export else file.mime_type or None,
        title=file.name if export else None,
        modified_at=entry.modified_at,
        attributes={"name": file.name, "mime_type": file.mime_type},
    )


def _with_last(pages: Iterator[Page]) -> Iterator[tuple[Page, bool]]:
    """Each with whether it is the last; one that is empty where there is none."""
    held: Page | None = None
    for page in pages:
        if held is not None:
            yield held, False
        held = page
    yield held or [], True
