"""Google's own client reads the pretend Drive: listings, downloads, exports, revisions, errors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from hashlib import md5, sha256
from typing import Any

import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload, MediaIoBaseDownload

from .google_client import drive_of
from .served import BEN, Sandbox

_DOC = "application/vnd.google-apps.document"
_FOLDER = "application/vnd.google-apps.folder"


@pytest.fixture
def drive(sandbox: Sandbox) -> Iterator[Any]:
    service = drive_of(sandbox)
    yield service
    service.close()


def make(drive: Any, name: str, content: str | None = None, **said: Any) -> str:
    """A text file, or what `mimeType` says; returns its id."""
    media = None if content is None else MediaInMemoryUpload(content.encode(), "text/markdown")
    made = drive.files().create(
        body={"name": name, **said}, media_body=media, supportsAllDrives=True
    )
    return str(made.execute()["id"])


def names(drive: Any, **asked: Any) -> list[str]:
    """All pages of a listing."""
    found: list[str] = []
    request = drive.files().list(**asked)
    while request is not None:
        answer = request.execute()
        found += [file["name"] for file in answer["files"]]
        request = drive.files().list_next(request, answer)
    return found


def refused(request: Any) -> tuple[int, str]:
    """Status and reason of a call that fails."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    return caught.value.resp.status, caught.value.error_details[0]["reason"]


def test_a_listing_goes_page_by_page_and_shows_everything_once(drive: Any) -> None:
    for number in range(5):
        make(drive, f"file {number}", mimeType="text/plain")
    assert sorted(names(drive, pageSize=2)) == [f"file {number}" for number in range(5)]


def test_a_listing_by_folder_shows_what_is_in_it(drive: Any) -> None:
    folder = make(drive, "Plants", mimeType=_FOLDER)
    make(drive, "fern.md", "a fern", parents=[folder])
    assert names(drive, q=f"'{folder}' in parents") == ["fern.md"]
    assert names(drive, q="'root' in parents") == ["Plants"]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("name = 'Ada\\'s notes.md'", ["Ada's notes.md"]),
        ("name contains 'not'", ["Ada's notes.md"]),
        ("name contains 'otes'", []),
        ("fullText contains 'moss'", ["Ada's notes.md"]),
        (f"mimeType = '{_DOC}'", ["Plan"]),
        (f"mimeType != '{_DOC}' and trashed = false", ["Ada's notes.md"]),
        ("not mimeType contains 'google-apps'", ["Ada's notes.md", "old.md"]),
        ("trashed = true", ["old.md"]),
        ("(trashed = true or name = 'Plan') and 'root' in parents", ["Plan", "old.md"]),
        ("modifiedTime > '2026-01-01T00:00:00' and trashed != true", ["Ada's notes.md", "Plan"]),
        ("createdTime < '2026-01-01T00:00:00Z'", []),
        ("'ada@example.com' in owners and starred = false", ["Ada's notes.md", "Plan", "old.md"]),
        ("sharedWithMe", None),
        ("name contains", None),
        ("name ~ 'x'", None),
        ("'root' in nests", None),
    ],
)
def test_a_search_finds_what_it_says(drive: Any, q: str, found: list[str] | None) -> None:
    make(drive, "Ada's notes.md", "of moss")
    make(drive, "Plan", mimeType=_DOC)
    old = make(drive, "old.md", "gone")
    drive.files().update(fileId=old, body={"trashed": True}).execute()
    if found is None:
        assert refused(drive.files().list(q=q)) == (400, "invalid")
    else:
        assert names(drive, q=q, orderBy="name") == sorted(found, key=str.lower)


def test_a_listing_is_ordered_as_asked(drive: Any) -> None:
    for name in ("b", "c", "a"):
        make(drive, name, mimeType="text/plain")
    make(drive, "z", mimeType=_FOLDER)
    assert names(drive, orderBy="folder,name desc") == ["z", "c", "b", "a"]
    assert refused(drive.files().list(orderBy="size")) == (400, "invalid")


def test_only_the_fields_that_are_asked_for_are_answered(drive: Any) -> None:
    made = make(drive, "fern.md", "a fern")
    assert drive.files().get(fileId=made).execute().keys() == {"kind", "id", "name", "mimeType"}
    few = drive.files().get(fileId=made, fields="id,owners(emailAddress),capabilities/canEdit")
    assert few.execute() == {
        "id": made,
        "owners": [{"emailAddress": "ada@example.com"}],
        "capabilities": {"canEdit": True},
    }
    assert refused(drive.files().get(fileId=made, fields="id,nonsense")) == (
        400,
        "invalidParameter",
    )


def test_a_blob_is_downloaded_in_pieces(drive: Any) -> None:
    made = make(drive, "fern.md", "0123456789")
    received = io.BytesIO()
    download = MediaIoBaseDownload(received, drive.files().get_media(fileId=made), chunksize=4)
    done = False
    while not done:
        _, done = download.next_chunk()
    assert received.getvalue() == b"0123456789"


def test_a_blob_tells_its_digests(drive: Any) -> None:
    made = make(drive, "fern.md", "a fern")
    file = drive.files().get(fileId=made, fields="md5Checksum,sha256Checksum,size").execute()
    content = drive.files().get_media(fileId=made).execute()
    assert file["md5Checksum"] == md5(content).hexdigest()
    assert file["sha256Checksum"] == sha256(content).hexdigest()
    assert file["size"] == "6"


def test_a_range_that_is_not_there_is_refused(sandbox: Sandbox, drive: Any) -> None:
    made = make(drive, "fern.md", "0123456789")
    headers = {"authorization": f"Bearer {sandbox.tokens()['access_token']}"}
    path = f"/google/drive/v3/files/{made}?alt=media"
    for asked, status, body in (
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=10-", 416, b""),
    ):
        answer = sandbox.client.get(path, headers=headers | {"range": asked})
        assert (answer.status_code, answer.content) == (status, body)


def test_a_native_document_is_exported_and_not_downloaded(drive: Any) -> None:
    made = make(drive, "Plan", "# Plan\n\nWater the **moss**.\n", mimeType=_DOC)
    exported = drive.files().export(fileId=made, mimeType="text/markdown").execute()
    assert exported == b"# Plan\n\nWater the **moss**.\n"
    plain = drive.files().export(fileId=made, mimeType="text/plain").execute()
    assert plain.decode("utf-8-sig") == "Plan\r\n\r\nWater the moss.\r\n"
    assert refused(drive.files().get_media(fileId=made)) == (403, "fileNotDownloadable")
    file = drive.files().get(fileId=made, fields="*").execute()
    assert not file.keys() & {"md5Checksum", "headRevisionId", "webContentLink"}


def test_a_blob_is_not_exported(drive: Any) -> None:
    made = make(drive, "fern.md", "a fern")
    request = drive.files().export(fileId=made, mimeType="text/plain")
    assert refused(request) == (403, "fileNotExportable")


def test_an_export_is_at_most_ten_megabytes_and_its_link_has_no_limit(
    sandbox: Sandbox, drive: Any
) -> None:
    text = "moss " * (2 * 1024 * 1024 + 1)
    made = make(drive, "Long", text, mimeType=_DOC)
    request = drive.files().export(fileId=made, mimeType="text/markdown")
    assert refused(request) == (403, "exportSizeLimitExceeded")
    links = drive.files().get(fileId=made, fields="exportLinks").execute()["exportLinks"]
    headers = {"authorization": f"Bearer {sandbox.tokens()['access_token']}"}
    assert sandbox.client.get(links["text/markdown"], headers=headers).text == text


def test_what_can_be_exported_is_told(drive: Any) -> None:
    about = drive.about().get(fields="user(emailAddress),exportFormats").execute()
    assert about["user"]["emailAddress"] == "ada@example.com"
    assert "text/csv" in about["exportFormats"]["application/vnd.google-apps.spreadsheet"]
    made = make(drive, "Plan", mimeType=_DOC)
    request = drive.files().export(fileId=made, mimeType="application/pdf")
    assert refused(request) == (400, "badRequest")


def test_every_revision_of_a_blob_is_kept(drive: Any) -> None:
    made = make(drive, "fern.md", "first")
    second = MediaInMemoryUpload(b"second", "text/markdown")
    drive.files().update(fileId=made, media_body=second).execute()
    listed = drive.revisions().list(fileId=made, fields="*").execute()["revisions"]
    assert [revision["size"] for revision in listed] == ["5", "6"]
    head = drive.files().get(fileId=made, fields="headRevisionId").execute()["headRevisionId"]
    assert head == listed[1]["id"]
    old = drive.revisions().get_media(fileId=made, revisionId=listed[0]["id"]).execute()
    assert old == b"first"


def test_what_one_may_not_see_is_not_there(sandbox: Sandbox, drive: Any) -> None:
    made = make(drive, "fern.md", "a fern")
    bens = drive_of(sandbox, BEN)
    assert refused(bens.files().get(fileId=made)) == (404, "notFound")
    assert names(bens) == []
    bens.close()


def test_metadata_may_be_read_without_the_contents(sandbox: Sandbox, drive: Any) -> None:
    made = make(drive, "fern.md", "a fern")
    scope = "https://www.googleapis.com/auth/drive.metadata.readonly"
    looking = drive_of(sandbox, "ada@example.com", scope)
    assert names(looking) == ["fern.md"]
    assert refused(looking.files().get_media(fileId=made)) == (403, "insufficientPermissions")
    assert refused(looking.files().delete(fileId=made)) == (403, "insufficientPermissions")
    looking.close()


def test_the_client_refreshes_a_token_that_has_expired(sandbox: Sandbox, drive: Any) -> None:
    sandbox.control("POST", "/clock", {"advance_s": 3_600})
    assert names(drive) == []
    assert sandbox.count("POST /google/token") == 1


def test_the_client_tries_again_after_what_passes(sandbox: Sandbox, drive: Any) -> None:
    for kind in ("500", "503", "429", "403"):
        sandbox.fault("GET /google/drive/v3/files", kind)
    request = drive.files().list()
    request._sleep = lambda seconds: None
    assert request.execute(num_retries=4)["files"] == []
    assert sandbox.count("GET /google/drive/v3/files") == 5
