"""Every answer of the pretend Drive fits Google's description, and has what clients count on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from livesync_pipelines.sandbox.google.planting import planted
from livesync_pipelines.sandbox.world import World

from .description import misfits
from .google_client import discovery, drive_of
from .served import Sandbox, a_sandbox

_ALL = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}
_FOLDER = "application/vnd.google-apps.folder"
_COUNTED_ON = {"kind", "id", "name", "mimeType", "version", "trashed", "explicitlyTrashed"}
_COUNTED_ON |= {"createdTime", "modifiedTime", "capabilities", "webViewLink"}
_OF_BLOBS = {"md5Checksum", "sha256Checksum", "headRevisionId", "originalFilename"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    world = World()
    with a_sandbox(world, planted(world, 30)) as served:
        yield served


@pytest.fixture(scope="module")
def drive(sandbox: Sandbox) -> Iterator[Any]:
    service = drive_of(sandbox)
    yield service
    service.close()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return discovery()


def _files(drive: Any, **asked: Any) -> dict[str, Any]:
    answer = drive.files().list(pageSize=1_000, fields="*", **_ALL, **asked).execute()
    return dict(answer)


def test_files_of_every_kind_fit(drive: Any, document: dict[str, Any]) -> None:
    answer = _files(drive)
    assert misfits(document, "FileList", answer) == []
    assert len({file["mimeType"] for file in answer["files"]}) == 6
    for file in answer["files"]:
        assert file.keys() >= _COUNTED_ON
        native = file["mimeType"].startswith("application/vnd.google-apps.")
        assert file.keys() & _OF_BLOBS == (set() if native else _OF_BLOBS)


def test_changes_fit(drive: Any, document: dict[str, Any]) -> None:
    token = drive.changes().getStartPageToken().execute()
    assert misfits(document, "StartPageToken", token) == []
    files = drive.files()
    made = files.create(body={"name": "Folder", "mimeType": _FOLDER}).execute()
    files.update(fileId=made["id"], body={"trashed": True, "properties": {"a": "b"}}).execute()
    asked = {"pageToken": token["startPageToken"], "fields": "*", **_ALL}
    kept = drive.changes().list(**asked).execute()
    files.delete(fileId=made["id"]).execute()
    gone = drive.changes().list(**asked).execute()
    for answer in (kept, gone):
        assert misfits(document, "ChangeList", answer) == []
        for change in answer["changes"]:
            assert change.keys() >= {"kind", "changeType", "fileId", "removed", "time"}


def test_what_is_not_a_file_fits_too(drive: Any, document: dict[str, Any]) -> None:
    blob = next(file for file in _files(drive)["files"] if "md5Checksum" in file)
    answers = {
        "About": drive.about().get(fields="*"),
        "DriveList": drive.drives().list(fields="*"),
        "RevisionList": drive.revisions().list(fileId=blob["id"], fields="*"),
        "PermissionList": drive.permissions().list(fileId=blob["id"], fields="*"),
        "GeneratedIds": drive.files().generateIds(count=2),
    }
    for name, request in answers.items():
        assert misfits(document, name, request.execute()) == [], name


def test_an_answer_that_does_not_fit_is_noticed(document: dict[str, Any]) -> None:
    wrong = {"id": 1, "size": "much", "createdTime": "today", "nonsense": True, "parents": ["a", 2]}
    assert misfits(document, "File", wrong) == [
        "File.id is a int",
        "File.size is no number: much",
        "File.createdTime is no time: today",
        "File has no nonsense",
        "File.parents[1] is a int",
    ]


def test_an_error_has_googles_shape(sandbox: Sandbox) -> None:
    answer = sandbox.client.get("/google/drive/v3/files/none")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    headers = {"authorization": f"Bearer {sandbox.tokens()['access_token']}"}
    error = sandbox.client.get("/google/drive/v3/files/none", headers=headers).json()["error"]
    assert error == {
        "code": 404,
        "message": "File not found: none.",
        "errors": [
            {
                "message": "File not found: none.",
                "domain": "global",
                "reason": "notFound",
                "location": "fileId",
                "locationType": "parameter",
            }
        ],
    }
