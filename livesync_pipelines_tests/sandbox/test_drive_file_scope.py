"""Google's own client with the scope `drive.file` alone: it sees and writes what it has made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from googleapiclient.http import MediaInMemoryUpload

from livesync_pipelines.sandbox.google.door import FILE, READONLY
from livesync_pipelines.sandbox.google.planting import planted
from livesync_pipelines.sandbox.world import World

from .google_client import DRIVE, drive_of
from .served import ADA, Sandbox, a_sandbox
from .test_drive_reading import make, names, refused

_FOLDER = "application/vnd.google-apps.folder"
_SHEET = "application/vnd.google-apps.spreadsheet"
_ALL = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}


@dataclass(frozen=True, slots=True)
class Desk:
    """A Drive that other clients have filled; `old` and `sheet` are files there, `folder` is the
    folder of `old`."""

    sandbox: Sandbox
    narrow: Any
    old: str
    sheet: str
    folder: str


@pytest.fixture
def desk() -> Iterator[Desk]:
    world = World()
    drive = planted(world, 12)
    old = next(one for one in drive.tree.files.values() if one.name.endswith(" 1.md"))
    sheet = next(one for one in drive.tree.files.values() if one.mime_type == _SHEET)
    with a_sandbox(world, drive) as sandbox:
        narrow = drive_of(sandbox, ADA, FILE)
        yield Desk(sandbox, narrow, old.id, sheet.id, str(old.parent))
        narrow.close()


def test_it_lists_what_it_has_made_and_nothing_else(desk: Desk) -> None:
    assert names(desk.narrow, **_ALL) == []
    folder = make(desk.narrow, "Mine", mimeType=_FOLDER)
    make(desk.narrow, "fern.md", "a fern", parents=[folder])
    assert sorted(names(desk.narrow, **_ALL)) == ["Mine", "fern.md"]
    assert names(desk.narrow, q=f"'{folder}' in parents") == ["fern.md"]
    assert names(desk.narrow, q=f"'{desk.folder}' in parents") == []
    wide = drive_of(desk.sandbox, ADA, DRIVE)
    assert len(names(wide, **_ALL)) > 12
    wide.close()


def test_what_others_have_made_is_not_there(desk: Desk) -> None:
    files = desk.narrow.files()
    for request in (
        files.get(fileId=desk.old),
        files.get_media(fileId=desk.old),
        files.get(fileId=desk.folder),
        files.get(fileId="root"),
        files.export(fileId=desk.sheet, mimeType="text/csv"),
        files.update(fileId=desk.old, body={"name": "mine"}),
        files.delete(fileId=desk.old),
        files.copy(fileId=desk.old, body={}),
        files.create(body={"name": "a.md", "parents": [desk.folder]}),
        desk.narrow.revisions().list(fileId=desk.old),
        desk.narrow.permissions().list(fileId=desk.old),
    ):
        assert refused(request) == (404, "notFound")
    token = desk.sandbox.tokens(ADA, FILE)["access_token"]
    answer = desk.sandbox.client.get(
        "/google/export",
        params={"id": desk.sheet, "mimeType": "text/csv"},
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 404
    assert refused(desk.narrow.drives().list()) == (403, "insufficientPermissions")


def test_what_it_has_made_is_its_own_to_write(desk: Desk) -> None:
    files = desk.narrow.files()
    made = make(desk.narrow, "fern.md", "a fern")
    media = MediaInMemoryUpload(b"a tall fern", "text/markdown")
    files.update(fileId=made, body={"name": "tall.md"}, media_body=media).execute()
    assert files.get_media(fileId=made).execute() == b"a tall fern"
    shown = files.get(fileId=made, fields="name,parents,isAppAuthorized").execute()
    assert shown == {"name": "tall.md", "isAppAuthorized": True}, "My Drive is not its own"
    folder = make(desk.narrow, "Mine", mimeType=_FOLDER)
    root = desk.sandbox.control("GET", "/truth/google")["files"]
    (above,) = (one["parent"] for one in root if one["id"] == made)
    moved = files.update(fileId=made, addParents=folder, removeParents=above, fields="parents")
    assert moved.execute() == {"parents": [folder]}
    copied = files.copy(fileId=made, body={"parents": [folder]}, fields="isAppAuthorized").execute()
    assert copied == {"isAppAuthorized": True}
    files.delete(fileId=made).execute()
    assert refused(files.get(fileId=made)) == (404, "notFound")


def test_its_feed_tells_of_what_it_has_made_also_when_that_is_gone(desk: Desk) -> None:
    changes = desk.narrow.changes()
    token = changes.getStartPageToken().execute()["startPageToken"]
    wide = drive_of(desk.sandbox, ADA, DRIVE)
    wide.files().update(fileId=desk.old, body={"name": "other.md"}).execute()
    wide.files().delete(fileId=desk.sheet).execute()
    wide.close()
    kept, gone = make(desk.narrow, "a.md", "a"), make(desk.narrow, "b.md", "b")
    desk.narrow.files().delete(fileId=gone).execute()
    told = changes.list(pageToken=token).execute()["changes"]
    assert {(one["fileId"], one["removed"]) for one in told} == {(kept, False), (gone, True)}


def test_beside_a_scope_to_read_all_it_writes_its_own_only(desk: Desk) -> None:
    both = drive_of(desk.sandbox, ADA, READONLY, FILE)
    assert both.files().get(fileId=desk.old, fields="isAppAuthorized").execute() == {
        "isAppAuthorized": False
    }
    for request in (
        both.files().update(fileId=desk.old, body={"name": "mine"}),
        both.files().delete(fileId=desk.old),
        both.files().create(body={"name": "a.md", "parents": [desk.folder]}),
    ):
        assert refused(request) == (403, "appNotAuthorizedToFile")
    made = make(both, "fern.md", "a fern")
    assert both.files().update(fileId=made, body={"name": "b"}, fields="name").execute()
    both.close()
