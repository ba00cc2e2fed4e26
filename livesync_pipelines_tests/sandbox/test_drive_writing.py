"""Google's own client writes to the pretend Drive, and follows its change feed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload

from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.world import World

from .google_client import drive_of
from .served import ADA, BEN, Sandbox, a_sandbox
from .test_drive_reading import make, names, refused

_DOC = "application/vnd.google-apps.document"
_FOLDER = "application/vnd.google-apps.folder"
_SHORTCUT = "application/vnd.google-apps.shortcut"
_ALL = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}


@pytest.fixture
def drive(sandbox: Sandbox) -> Iterator[Any]:
    service = drive_of(sandbox)
    yield service
    service.close()


@pytest.fixture
def bens(sandbox: Sandbox) -> Iterator[Any]:
    service = drive_of(sandbox, BEN)
    yield service
    service.close()


def start(drive: Any, **asked: Any) -> str:
    return str(drive.changes().getStartPageToken(**asked).execute()["startPageToken"])


def feed(drive: Any, token: str, **asked: Any) -> tuple[list[dict[str, Any]], str]:
    """All changes from the token on, and the token to go on with."""
    found: list[dict[str, Any]] = []
    request = drive.changes().list(pageToken=token, fields="*", **asked)
    while True:
        answer = request.execute()
        found += answer["changes"]
        if "nextPageToken" not in answer:
            return found, str(answer["newStartPageToken"])
        request = drive.changes().list_next(request, answer)


def said(changes: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [(change["fileId"], change["removed"]) for change in changes]


def test_every_write_is_a_version_more(drive: Any) -> None:
    made = make(drive, "fern.md", "a fern")
    versions = []
    for body in ({"name": "moss.md"}, {"starred": True}, {"description": "green"}):
        update = drive.files().update(fileId=made, body=body, fields="version,name")
        versions.append(int(update.execute()["version"]))
    assert versions == [2, 3, 4]


@pytest.mark.parametrize("content", [b"", b"\r\n", b"\n\n", b"a\rb\nc\r\n", bytes(range(256)) * 3])
def test_an_upload_is_kept_byte_by_byte(drive: Any, content: bytes) -> None:
    media = MediaInMemoryUpload(content, "image/png")
    made = (
        drive.files().create(body={"name": "a.png"}, media_body=media, fields="id,size").execute()
    )
    assert made["size"] == str(len(content))
    assert drive.files().get_media(fileId=made["id"]).execute() == content


def test_a_resumable_upload_comes_in_pieces(drive: Any) -> None:
    content = bytes(range(256)) * 3_000
    media = MediaInMemoryUpload(content, "image/png", chunksize=256 * 1024, resumable=True)
    request = drive.files().create(body={"name": "big.png"}, media_body=media, fields="id,size")
    pieces, made = 0, None
    while made is None:
        _, made = request.next_chunk()
        pieces += 1
    assert (pieces, made["size"]) == (3, str(len(content)))
    assert drive.files().get_media(fileId=made["id"]).execute() == content


def test_a_resumable_upload_goes_on_after_a_fault(sandbox: Sandbox, drive: Any) -> None:
    content = bytes(range(256)) * 3_000
    media = MediaInMemoryUpload(content, "image/png", chunksize=256 * 1024, resumable=True)
    request = drive.files().create(body={"name": "big.png"}, media_body=media)
    sandbox.fault("PUT /google/upload/*", "503", after=1)
    request.next_chunk()
    with pytest.raises(HttpError):
        request.next_chunk()
    made = request.execute()
    assert drive.files().get_media(fileId=made["id"]).execute() == content


def test_an_upload_becomes_a_native_document_when_it_is_said_to(drive: Any) -> None:
    made = make(drive, "Plan", "# Plan", mimeType=_DOC)
    media = MediaInMemoryUpload(b"# Other", "text/markdown")
    drive.files().update(fileId=made, media_body=media).execute()
    exported = drive.files().export(fileId=made, mimeType="text/markdown").execute()
    assert exported == b"# Other"
    assert drive.files().get(fileId=made).execute()["mimeType"] == _DOC


def test_a_file_moves_from_one_folder_to_another(drive: Any) -> None:
    one, other = (make(drive, name, mimeType=_FOLDER) for name in ("one", "other"))
    made = make(drive, "fern.md", "a fern", parents=[one])
    move = drive.files().update(fileId=made, addParents=other, removeParents=one, fields="parents")
    assert move.execute()["parents"] == [other]
    assert names(drive, q=f"'{one}' in parents") == []
    assert names(drive, q=f"'{other}' in parents") == ["fern.md"]


def test_a_file_has_one_folder_and_a_folder_is_not_in_itself(drive: Any) -> None:
    one, other = (make(drive, name, mimeType=_FOLDER) for name in ("one", "other"))
    inner = make(drive, "inner", mimeType=_FOLDER, parents=[one])
    add = drive.files().update(fileId=inner, addParents=other)
    assert refused(add) == (403, "cannotAddParent")
    loop = drive.files().update(fileId=one, addParents=inner, removeParents="root")
    assert refused(loop) == (400, "badRequest")
    said_so = drive.files().update(fileId=inner, body={"parents": [other]})
    assert refused(said_so) == (403, "fieldNotWritable")


def test_a_root_stays_as_it_is_and_is_nobody_elses(drive: Any) -> None:
    files, reader = drive.files(), {"type": "user", "role": "reader", "emailAddress": BEN}
    requests = (
        files.update(fileId="root", body={"name": "Mine"}),
        files.update(fileId="root", body={"trashed": True}),
        files.delete(fileId="root"),
        drive.permissions().create(fileId="root", body=reader),
    )
    for request in requests:
        assert refused(request) == (403, "insufficientFilePermissions")


def test_two_files_of_one_folder_may_have_one_name(drive: Any) -> None:
    assert make(drive, "fern.md", "one") != make(drive, "fern.md", "two")
    assert names(drive) == ["fern.md", "fern.md"]


def test_a_copy_is_a_file_of_its_own(drive: Any) -> None:
    made = make(drive, "fern.md", "a fern")
    copied = drive.files().copy(fileId=made, body={"name": "moss.md"}).execute()
    assert copied["id"] != made
    assert drive.files().get_media(fileId=copied["id"]).execute() == b"a fern"


def test_an_id_that_was_generated_makes_one_file_only(drive: Any) -> None:
    wanted = drive.files().generateIds(count=1).execute()["ids"][0]
    assert make(drive, "fern.md", "a fern", id=wanted) == wanted
    again = drive.files().create(body={"name": "fern.md", "id": wanted})
    assert refused(again) == (409, "fileIdInUse")


def test_an_id_is_taken_that_was_generated_and_for_what_it_may_be(drive: Any) -> None:
    folder, document = drive.files().generateIds(count=2).execute()["ids"]
    assert make(drive, "Plants", mimeType=_FOLDER, id=folder) == folder
    made_up = drive.files().create(body={"name": "fern.md", "id": "1madeUpByMyself"})
    assert refused(made_up) == (400, "invalid")
    native = drive.files().create(body={"name": "Plan", "id": document, "mimeType": _DOC})
    assert refused(native) == (403, "insufficientFilePermissions")
    shortcut = {"name": "to it", "id": document, "mimeType": _SHORTCUT}
    shortcut |= {"shortcutDetails": {"targetId": folder}}
    assert refused(drive.files().create(body=shortcut)) == (400, "invalid")


def test_a_shortcut_leads_to_a_file_and_has_no_bytes(drive: Any) -> None:
    target = make(drive, "fern.md", "a fern")
    made = make(drive, "to the fern", mimeType=_SHORTCUT, shortcutDetails={"targetId": target})
    file = drive.files().get(fileId=made, fields="*").execute()
    assert file["shortcutDetails"] == {"targetId": target, "targetMimeType": "text/markdown"}
    assert not file.keys() & {"size", "md5Checksum"}
    assert refused(drive.files().get_media(fileId=made)) == (403, "fileNotDownloadable")


def test_a_reader_may_not_write_and_a_writer_may_not_delete(drive: Any, bens: Any) -> None:
    made = make(drive, "fern.md", "a fern")
    reader = {"type": "user", "role": "reader", "emailAddress": BEN}
    drive.permissions().create(fileId=made, body=reader).execute()
    assert names(bens, q="sharedWithMe = true") == ["fern.md"]
    rename = bens.files().update(fileId=made, body={"name": "moss.md"})
    assert refused(rename) == (403, "insufficientFilePermissions")
    drive.permissions().create(fileId=made, body=reader | {"role": "writer"}).execute()
    rename.execute()
    assert refused(bens.files().delete(fileId=made)) == (403, "insufficientFilePermissions")


def test_the_feed_tells_what_was_made_changed_trashed_and_deleted(drive: Any) -> None:
    token = start(drive)
    made = make(drive, "fern.md", "a fern")
    changes, token = feed(drive, token)
    assert said(changes) == [(made, False)]
    drive.files().update(fileId=made, body={"trashed": True}).execute()
    changes, token = feed(drive, token)
    assert said(changes) == [(made, False)]
    assert changes[0]["file"]["trashed"]
    assert changes[0]["file"]["explicitlyTrashed"]
    drive.files().delete(fileId=made).execute()
    changes, token = feed(drive, token)
    assert said(changes) == [(made, True)]
    assert "file" not in changes[0]
    assert feed(drive, token) == ([], token)


def test_a_file_that_changes_often_is_in_the_feed_as_often(drive: Any) -> None:
    token = start(drive)
    made = make(drive, "fern.md", "a fern")
    for name in ("a", "b"):
        drive.files().update(fileId=made, body={"name": name}).execute()
    changes, _ = feed(drive, token, pageSize=1)
    assert said(changes) == [(made, False)] * 3
    assert {change["file"]["name"] for change in changes} == {"b"}


def test_a_trashed_folder_is_one_change_and_takes_its_files_with_it(drive: Any) -> None:
    folder = make(drive, "Plants", mimeType=_FOLDER)
    fern = make(drive, "fern.md", "a fern", parents=[folder])
    token = start(drive)
    drive.files().update(fileId=folder, body={"trashed": True}).execute()
    assert said(feed(drive, token)[0]) == [(folder, False)]
    file = drive.files().get(fileId=fern, fields="trashed,explicitlyTrashed").execute()
    assert file == {"trashed": True, "explicitlyTrashed": False}


def test_a_deleted_folder_takes_its_files_with_it(drive: Any) -> None:
    folder = make(drive, "Plants", mimeType=_FOLDER)
    fern = make(drive, "fern.md", "a fern", parents=[folder])
    token = start(drive)
    drive.files().delete(fileId=folder).execute()
    assert sorted(said(feed(drive, token)[0])) == sorted([(fern, True), (folder, True)])


def test_access_that_is_lost_looks_like_a_deletion(drive: Any, bens: Any) -> None:
    folder = make(drive, "Plants", mimeType=_FOLDER)
    fern = make(drive, "fern.md", "a fern", parents=[folder])
    token = start(bens)
    reader = {"type": "user", "role": "reader", "emailAddress": BEN}
    permission = drive.permissions().create(fileId=folder, body=reader).execute()
    changes, token = feed(bens, token)
    assert said(changes) == [(folder, False), (fern, False)]
    drive.permissions().delete(fileId=folder, permissionId=permission["id"]).execute()
    changes, token = feed(bens, token)
    assert said(changes) == [(folder, True), (fern, True)]
    assert drive.files().get(fileId=fern).execute()["id"] == fern


@pytest.mark.parametrize("token", ["", "1", "999999", "abc"])
def test_a_page_token_that_was_never_given_is_refused(drive: Any, token: str) -> None:
    assert refused(drive.changes().list(pageToken=token)) == (400, "invalid")


def test_removals_can_be_left_out_of_the_feed(drive: Any) -> None:
    made = make(drive, "fern.md", "a fern")
    token = start(drive)
    drive.files().delete(fileId=made).execute()
    assert feed(drive, token, includeRemoved=False)[0] == []


@pytest.fixture
def shared() -> Iterator[tuple[Sandbox, str]]:
    """A world with a shared drive of Ada's and Ben's, and its id."""
    world = World()
    kept = Drive(world)
    members = {ADA: "organizer", BEN: "writer"}
    made = kept.make_shared_drive(world.person(ADA), "Greenhouse", members)
    with a_sandbox(world, kept) as sandbox:
        yield sandbox, made.id


def test_a_shared_drive_is_seen_by_who_asks_for_it(shared: tuple[Sandbox, str]) -> None:
    sandbox, drive_id = shared
    drive = drive_of(sandbox)
    assert drive.drives().list().execute()["drives"][0]["name"] == "Greenhouse"
    made = make(drive, "fern.md", "a fern", parents=[drive_id])
    assert names(drive) == []
    assert names(drive, **_ALL) == ["fern.md"]
    assert names(drive, corpora="drive", driveId=drive_id, **_ALL) == ["fern.md"]
    assert refused(drive.files().get(fileId=made)) == (404, "notFound")
    file = drive.files().get(fileId=made, supportsAllDrives=True, fields="*").execute()
    assert file["driveId"] == drive_id
    assert not file.keys() & {"owners", "shared", "ownedByMe", "permissions"}
    drive.close()


def test_a_shared_drive_has_a_feed_of_its_own(shared: tuple[Sandbox, str]) -> None:
    sandbox, drive_id = shared
    drive = drive_of(sandbox)
    own, token = start(drive), start(drive, driveId=drive_id, supportsAllDrives=True)
    made = make(drive, "fern.md", "a fern", parents=[drive_id])
    mine = make(drive, "mine.md", "a fern of mine")
    asked = {"driveId": drive_id, **_ALL}
    assert said(feed(drive, token, **asked)[0]) == [(made, False)]
    assert said(feed(drive, own)[0]) == [(mine, False)]
    assert said(feed(drive, own, **_ALL)[0]) == [(made, False), (mine, False)]
    move = drive.files().update(
        fileId=made, addParents="root", removeParents=drive_id, supportsAllDrives=True
    )
    move.execute()
    assert said(feed(drive, token, **asked)[0])[-1] == (made, True)
    assert "fern.md" in names(drive)
    drive.close()


def test_who_leaves_a_shared_drive_loses_all_of_it(shared: tuple[Sandbox, str]) -> None:
    sandbox, drive_id = shared
    drive, bens = drive_of(sandbox), drive_of(sandbox, BEN)
    make(drive, "fern.md", "a fern", parents=[drive_id])
    token = start(bens)
    gone = drive.permissions().list(
        fileId=drive_id, supportsAllDrives=True, fields="permissions(id,emailAddress)"
    )
    (ben,) = (one["id"] for one in gone.execute()["permissions"] if one["emailAddress"] == BEN)
    drive.permissions().delete(fileId=drive_id, permissionId=ben, supportsAllDrives=True).execute()
    (change,) = feed(bens, token, **_ALL)[0]
    assert (change["changeType"], change["driveId"], change["removed"]) == ("drive", drive_id, True)
    assert names(bens, **_ALL) == []
    drive.close()
    bens.close()


def test_a_shared_drive_is_shared_as_a_whole_by_who_organises_it(
    shared: tuple[Sandbox, str],
) -> None:
    sandbox, drive_id = shared
    drive, bens = drive_of(sandbox), drive_of(sandbox, BEN)
    made = make(drive, "fern.md", "a fern", parents=[drive_id])
    cleo = {"type": "user", "role": "reader", "emailAddress": "cleo@example.com"}
    one = drive.permissions().create(fileId=made, body=cleo, supportsAllDrives=True)
    assert refused(one) == (403, "insufficientFilePermissions")
    asked = {"fileId": drive_id, "body": cleo, "supportsAllDrives": True}
    assert refused(bens.permissions().create(**asked)) == (403, "insufficientFilePermissions")
    assert drive.permissions().create(**asked).execute()["role"] == "reader"
    cleos = drive_of(sandbox, "cleo@example.com")
    assert names(cleos, **_ALL) == ["fern.md"]
    for service in (drive, bens, cleos):
        service.close()


def test_the_truth_is_what_was_done(sandbox: Sandbox, drive: Any) -> None:
    folder = make(drive, "Plants", mimeType=_FOLDER)
    make(drive, "fern.md", "a fern", parents=[folder])
    told = sandbox.control("GET", "/truth/google?content=true")["files"]
    (fern,) = (file for file in told if file["name"] == "fern.md")
    assert fern["path"] == "My Drive/Plants/fern.md"
    assert fern["content"] == "YSBmZXJu"
    assert fern["seenBy"] == [ADA]
