"""A folder of the pretend Google Drive as a place where a test keeps its files; what lies there is
looked at from behind."""

from __future__ import annotations

import base64
from typing import Any

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.google_drive import GoogleDriveConnection
from livesync_pipelines.connectors.google_drive_files import (
    GoogleDriveFiles,
    GoogleDriveFilesSelection,
)
from livesync_pipelines.net.api import Bearer
from livesync_pipelines.sandbox.google.files import FOLDER
from livesync_pipelines_tests.sandbox.served import Sandbox

from .drive_world import Hand
from .row_files import Place


class DrivePlace(Place):
    """`folder` is the id of what is chosen; Ada's hand puts files there."""

    def __init__(self, sandbox: Sandbox, name: str = "Chosen") -> None:
        self.sandbox = sandbox
        self.hand = Hand(sandbox)
        self.name = name
        self.folder = self.hand.folder(name)
        self._open: list[GoogleDriveFiles] = []

    def close(self) -> None:
        for connector in self._open:
            connector.close()

    def put(self, name: str, content: bytes) -> None:
        held = self.files().get(name)
        if held is not None:
            self.hand.edit(held["id"], content)
            return
        *folders, own = name.split("/")
        at, path = self.folder, ""
        for one in folders:
            path = f"{path}/{one}" if path else one
            at = self.folders().get(path) or self.hand.folder(one, at)
        self.hand.write(own, content, at)

    def get(self, name: str) -> bytes:
        return base64.b64decode(self.files()[name]["content"])

    def remove(self, name: str) -> None:
        self.hand.trash(self.files()[name]["id"])

    def names(self) -> list[str]:
        """A name that two files have is there twice."""
        return sorted(path for path, file in self.everything() if file["mimeType"] != FOLDER)

    def files(self) -> dict[str, dict[str, Any]]:
        return {path: file for path, file in self.everything() if file["mimeType"] != FOLDER}

    def folders(self) -> dict[str, str]:
        """Their ids, by path."""
        return {path: file["id"] for path, file in self.everything() if file["mimeType"] == FOLDER}

    def connector(self, include: str = "**/*", **limits: Any) -> GoogleDriveFiles:
        token = self.sandbox.tokens()["access_token"]
        made = GoogleDriveFiles(
            GoogleDriveConnection(account="ada"),
            GoogleDriveFilesSelection(folder=self.folder, include=[include]),
            FetchLimits(
                account=Bearer(token),
                api_url=f"{self.sandbox.address}/google",
                **{"timeout_s": 5.0, **limits},
            ),
        )
        self._open.append(made)
        return made

    def everything(self) -> list[tuple[str, dict[str, Any]]]:
        found = self.sandbox.control("GET", "/truth/google?content=true")["files"]
        below = f"My Drive/{self.name}/"
        return [
            (file["path"].removeprefix(below), file)
            for file in found
            if file["path"].startswith(below) and not file["trashed"]
        ]
