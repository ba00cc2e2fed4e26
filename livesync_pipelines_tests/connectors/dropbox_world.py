"""Dropbox for tests: a pretend one on loopback, the hand of somebody who works in it, and a sync
of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from livesync_pipelines.core.normalise import normalise_text
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.sandbox.dropbox.boxes import Boxes
from livesync_pipelines.sandbox.dropbox.door import SCOPES
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.sandbox.served import ADA, Sandbox, a_sandbox

from .account_world import AccountWorld, engine_at

LISTINGS = "POST /dropbox/2/files/list_folder"
CHANGES = "POST /dropbox/2/files/list_folder/continue"
DOWNLOADS = "POST /dropbox/2/files/download"


class Hand:
    """One person at work, through the API."""

    def __init__(self, sandbox: Sandbox, person: str = ADA) -> None:
        self._client = sandbox.client
        self.token = str(sandbox.tokens(person, *SCOPES, vendor="dropbox")["access_token"])

    def write(self, path: str, text: str) -> None:
        self.put(path, text.encode())

    def put(self, path: str, content: bytes) -> None:
        self._upload({"path": path, "mode": "overwrite"}, content)

    def rewrite(self, path: str) -> None:
        """The same bytes as a new revision."""
        content = self._call("files/download", {}, {"path": path}).content
        self._upload({"path": path, "mode": "overwrite", "strict_conflict": True}, content)

    def delete(self, path: str) -> None:
        self.call("files/delete_v2", {"path": path})

    def move(self, path: str, to: str) -> None:
        self.call("files/move_v2", {"from_path": path, "to_path": to})

    def folder(self, path: str) -> None:
        self.call("files/create_folder_v2", {"path": path})

    def call(self, route: str, argument: Mapping[str, Any]) -> None:
        answer = self._call(route, {"json": argument}, None)
        assert answer.status_code == 200, answer.text

    def _upload(self, argument: Mapping[str, Any], content: bytes) -> None:
        answer = self._call("files/upload", {"content": content}, argument)
        assert answer.status_code == 200, answer.text

    def _call(
        self, route: str, body: Mapping[str, Any], argument: Mapping[str, Any] | None
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"}
        headers |= {} if argument is None else {"dropbox-api-arg": json.dumps(argument)}
        headers |= {"content-type": "application/octet-stream"} if "content" in body else {}
        return self._client.post(f"/dropbox/2/{route}", headers=headers, **body)


class Cupboard(AccountWorld):
    """A sync of Ada's Dropbox."""

    platform, name = "dropbox", "box"

    def __init__(self, engine: Engine, sandbox: Sandbox) -> None:
        super().__init__(engine, sandbox)
        self.ada = Hand(sandbox)

    def names(self) -> dict[str, str]:
        """How each item's path is spelled, by key."""
        query = "select s.key, d.attributes ->> 'path' as path from livesync.shadow s"
        query += " join livesync.documents d using (sync_id, item_id)"
        return {row["key"]: row["path"] for row in self.rows(query)}

    def ids(self) -> dict[str, str]:
        """Our own id of each item, by key."""
        found = self.rows("select key, item_id from livesync.shadow")
        return {row["key"]: row["item_id"] for row in found}

    def truth(self) -> dict[str, str]:
        """What every file of Ada's says, as a capsule has it, by its path in lower case."""
        shown = self.sandbox.control("GET", "/truth/dropbox?content=true")["accounts"][ADA]
        return {
            entry["path_lower"]: normalise_text(base64.b64decode(entry["content"]).decode())
            for entry in shown["entries"]
            if entry[".tag"] == "file"
        }


@contextmanager
def a_cupboard(
    engine: Engine, world: World | None = None, boxes: Boxes | None = None
) -> Iterator[Cupboard]:
    with a_sandbox(world, boxes=boxes) as sandbox:
        yield Cupboard(engine_at("dropbox", engine, sandbox), sandbox)
