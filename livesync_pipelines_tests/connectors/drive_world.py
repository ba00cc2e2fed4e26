"""Google Drive for tests: a pretend one on loopback, the hand of somebody who works in it, and a
sync of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from livesync_pipelines.core.normalise import normalise_text
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.files import DOCUMENT, FOLDER, PRESENTATION, SHORTCUT
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.sandbox.served import ADA, Sandbox, a_sandbox

from .account_world import AccountWorld, engine_at

MARKDOWN = "text/markdown"
FILES = "/google/drive/v3/files"
UPLOADS = "/google/upload/drive/v3/files"
DOWNLOADS = f"GET {FILES}/*"
FEED = "GET /google/drive/v3/changes"


class Hand:
    """One person at work, through the API."""

    def __init__(self, sandbox: Sandbox, person: str = ADA) -> None:
        self._client = sandbox.client
        token = sandbox.tokens(person)["access_token"]
        self._bearer = {"authorization": f"Bearer {token}"}

    def folder(self, name: str, parent: str = "root") -> str:
        return self._made({"name": name, "mimeType": FOLDER, "parents": [parent]})

    def shortcut(self, name: str, target: str, parent: str = "root") -> str:
        details = {"targetId": target}
        shown = {"name": name, "mimeType": SHORTCUT, "parents": [parent]}
        return self._made({**shown, "shortcutDetails": details})

    def write(
        self,
        name: str,
        content: str | bytes,
        parent: str = "root",
        *,
        native: str | None = None,
        kind: str | None = None,
    ) -> str:
        """A new file; `native`: the kind of native document that is made of it; `kind`: what is
        uploaded."""
        kind = kind or _kind_of(native)
        said = {"name": name, "parents": [parent], "mimeType": native or kind}
        return str(self._upload("POST", UPLOADS, said, content, kind)["id"])

    def edit(
        self,
        file_id: str,
        content: str | bytes,
        *,
        native: str | None = None,
        kind: str | None = None,
    ) -> None:
        self._upload("PATCH", f"{UPLOADS}/{file_id}", {}, content, kind or _kind_of(native))

    def rename(self, file_id: str, name: str) -> None:
        self.patch(file_id, {"name": name})

    def move(self, file_id: str, into: str) -> None:
        (before,) = self.call("GET", f"{FILES}/{file_id}", {"fields": "parents"})["parents"]
        self.patch(file_id, {}, addParents=into, removeParents=before)

    def trash(self, file_id: str) -> None:
        self.patch(file_id, {"trashed": True})

    def restore(self, file_id: str) -> None:
        self.patch(file_id, {"trashed": False})

    def delete(self, file_id: str) -> None:
        self.call("DELETE", f"{FILES}/{file_id}")

    def share(self, file_id: str, person: str) -> str:
        body = {"type": "user", "role": "reader", "emailAddress": person}
        return str(self.call("POST", f"{FILES}/{file_id}/permissions", body=body)["id"])

    def unshare(self, file_id: str, permission: str) -> None:
        self.call("DELETE", f"{FILES}/{file_id}/permissions/{permission}")

    def patch(self, file_id: str, body: Mapping[str, Any], **params: str) -> None:
        self.call("PATCH", f"{FILES}/{file_id}", params, body)

    def call(
        self, method: str, path: str, params: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        query = {"supportsAllDrives": "true", **(params or {})}
        answer = self._client.request(method, path, params=query, json=body, headers=self._bearer)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def _made(self, said: Mapping[str, Any]) -> str:
        return str(self.call("POST", FILES, body=said)["id"])

    def _upload(
        self, method: str, path: str, said: Mapping[str, Any], content: str | bytes, kind: str
    ) -> Any:
        raw = content.encode() if isinstance(content, str) else content
        parts = (
            b"--cut\r\nContent-Type: application/json\r\n\r\n" + json.dumps(said).encode(),
            f"\r\n--cut\r\nContent-Type: {kind}\r\n\r\n".encode() + raw + b"\r\n--cut--\r\n",
        )
        answer = self._client.request(
            method,
            path,
            params={"uploadType": "multipart", "supportsAllDrives": "true"},
            content=b"".join(parts),
            headers={**self._bearer, "content-type": "multipart/related; boundary=cut"},
        )
        assert answer.status_code < 300, answer.text
        return answer.json()


def _kind_of(native: str | None) -> str:
    if native is None or native == DOCUMENT:
        return MARKDOWN
    return "text/plain" if native == PRESENTATION else "text/csv"


class Cabinet(AccountWorld):
    """A sync of Ada's Drive."""

    platform, name = "google_drive", "drive"

    def __init__(self, engine: Engine, sandbox: Sandbox) -> None:
        super().__init__(engine, sandbox)
        self.ada = Hand(sandbox)

    def titles(self) -> set[str]:
        query = "select attributes ->> 'name' as name from livesync.documents"
        return {row["name"] for row in self.rows(query)}

    def above(self, file_id: str) -> set[str]:
        """The ids of all folders that a file is in; the empty one is everywhere."""
        found = self.sandbox.control("GET", "/truth/google")["files"]
        parents = {file["id"]: file["parent"] for file in found}
        above = {""}
        while file_id in parents:
            file_id = parents[file_id]
            above.add(file_id)
        return above

    def truth(self) -> dict[str, dict[str, Any]]:
        """Every file that Ada sees and that has a text, by id; `text` is what it says."""
        found = self.sandbox.control("GET", "/truth/google?content=true")["files"]
        return {
            file["id"]: {**file, "text": base64.b64decode(file["content"]).decode()}
            for file in found
            if ADA in file["seenBy"]
            and not file["trashed"]
            and file["mimeType"] not in {FOLDER, SHORTCUT}
        }


def plain(text: str) -> str:
    """A text as a capsule has it."""
    return normalise_text(text)


@contextmanager
def a_cabinet(
    engine: Engine,
    world: World | None = None,
    drive: Drive | None = None,
    kind: type[Cabinet] = Cabinet,
) -> Iterator[Cabinet]:
    with a_sandbox(world, drive) as sandbox:
        yield kind(engine_at("google", engine, sandbox), sandbox)
