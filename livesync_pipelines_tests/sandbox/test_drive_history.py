"""Whoever follows the change feed through a long random history knows what is true in the end."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from livesync_pipelines.sandbox.clock import EPOCH, Clock
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.world import World

from .google_client import drive_of
from .served import ADA, BEN, Sandbox, a_sandbox
from .test_drive_reading import make
from .test_drive_writing import feed, start

_FOLDER = "application/vnd.google-apps.folder"
_ALL = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}
_DRIVES = {"supportsAllDrives": True}
_STEPS = 120


class _Gardener:
    """Ada, who does at random what can be done; she owns everything."""

    def __init__(self, drive: Any, shared_id: str, seed: int) -> None:
        self._drive = drive
        self._chance = Random(seed)
        self._folders = ["root", shared_id]
        self._files: list[str] = []

    def step(self) -> None:
        acts = (self._make, self._make, self._open, self._name, self._move, self._trash)
        self._chance.choice((*acts, self._share, self._unshare, self._delete))()

    def _make(self) -> None:
        parent = self._chance.choice(self._folders)
        self._files.append(make(self._drive, "fern.md", "a fern", parents=[parent]))

    def _open(self) -> None:
        parent = self._chance.choice(self._folders)
        self._folders.append(make(self._drive, "Plants", mimeType=_FOLDER, parents=[parent]))

    def _name(self) -> None:
        self._update({"name": f"moss {self._chance.random()}"})

    def _trash(self) -> None:
        self._update({"trashed": self._chance.random() < 0.5})

    def _update(self, body: dict[str, Any]) -> None:
        if self._files:
            file_id = self._chance.choice(self._files)
            self._drive.files().update(fileId=file_id, body=body, **_DRIVES).execute()

    def _move(self) -> None:
        if not self._files:
            return
        file_id, folder = self._chance.choice(self._files), self._chance.choice(self._folders)
        asked = {"fileId": file_id, "fields": "parents", **_DRIVES}
        (parent,) = self._drive.files().get(**asked).execute()["parents"]
        move = {"addParents": folder, "removeParents": parent}
        self._drive.files().update(fileId=file_id, **move, **_DRIVES).execute()

    def _share(self) -> None:
        reader = {"type": "user", "role": "reader", "emailAddress": BEN}
        own = self._shareable()
        for file_id in self._chance.sample(own, min(1, len(own))):
            self._drive.permissions().create(fileId=file_id, body=reader, **_DRIVES).execute()

    def _unshare(self) -> None:
        for file_id in self._shareable():
            asked = {"fileId": file_id, "fields": "permissions(id,emailAddress)", **_DRIVES}
            listed = self._drive.permissions().list(**asked).execute()["permissions"]
            for one in listed:
                if one["emailAddress"] == BEN:
                    gone = {"fileId": file_id, "permissionId": one["id"], **_DRIVES}
                    self._drive.permissions().delete(**gone).execute()
                    return

    def _delete(self) -> None:
        if self._files:
            file_id = self._files.pop(self._chance.randrange(len(self._files)))
            self._drive.files().delete(fileId=file_id, **_DRIVES).execute()

    def _shareable(self) -> list[str]:
        """Folders of her own drive; who may see the shared one is another matter."""
        own = []
        for file_id in self._folders[2:]:
            asked = {"fileId": file_id, "fields": "driveId", **_DRIVES}
            if "driveId" not in self._drive.files().get(**asked).execute():
                own.append(file_id)
        return own


@pytest.mark.parametrize("seed", [1, 2])
def test_the_feed_leads_to_the_truth_for_whoever_follows_it(seed: int) -> None:
    world = World(seed=seed)
    kept = Drive(world)
    members = {ADA: "organizer", BEN: "reader"}
    shared_id = kept.make_shared_drive(world.person(ADA), "Greenhouse", members).id
    with a_sandbox(world, kept) as sandbox:
        adas, bens = drive_of(sandbox), drive_of(sandbox, BEN)
        gardener = _Gardener(adas, shared_id, seed)
        known: dict[str, dict[str, dict[str, Any]]] = {ADA: {}, BEN: {}}
        tokens = {ADA: start(adas), BEN: start(bens)}
        for step in range(_STEPS):
            gardener.step()
            if step % 10 == 9:
                for who, drive in ((ADA, adas), (BEN, bens)):
                    tokens[who] = _followed(drive, tokens[who], known[who])
        for who in (ADA, BEN):
            assert _told(known[who]) == _true(sandbox, who)
        adas.close()
        bens.close()


def _followed(drive: Any, token: str, known: dict[str, dict[str, Any]]) -> str:
    """Take in what the feed says; returns where to go on."""
    changes, after = feed(drive, token, pageSize=7, **_ALL)
    for change in changes:
        if change["removed"]:
            known.pop(change["fileId"], None)
        else:
            known[change["fileId"]] = change["file"]
    return after


def _told(known: dict[str, dict[str, Any]]) -> dict[str, tuple[str, int]]:
    return {file_id: (file["name"], int(file["version"])) for file_id, file in known.items()}


def _true(sandbox: Sandbox, who: str) -> dict[str, tuple[str, int]]:
    files = sandbox.control("GET", "/truth/google")["files"]
    seen = (file for file in files if who in file["seenBy"])
    return {file["id"]: (file["name"], file["version"]) for file in seen}


def test_a_place_in_the_feed_of_an_earlier_sandbox_is_not_known_any_more() -> None:
    tokens = []
    for clock in (Clock(), Clock(EPOCH + timedelta(hours=1))):
        with a_sandbox(World(clock=clock)) as sandbox:
            held = {"authorization": f"Bearer {sandbox.tokens()['access_token']}"}
            start = sandbox.client.get("/google/drive/v3/changes/startPageToken", headers=held)
            tokens.append(start.json()["startPageToken"])
            answers = [
                sandbox.client.get(
                    "/google/drive/v3/changes", params={"pageToken": token}, headers=held
                )
                for token in tokens
            ]
    refused, taken = answers
    assert (refused.status_code, taken.status_code) == (400, 200)
    assert refused.json()["error"]["errors"][0]["location"] == "pageToken"
