"""A Dropbox where a test keeps its files, written and read through the API alone."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.dropbox import Dropbox, DropboxConnection, DropboxSelection
from livesync_pipelines.net.api import Bearer

from ..sandbox.served import ADA, a_sandbox
from .dropbox_world import Hand
from .row_files import Place

_MANY = {"calls": 1_000_000, "per_s": 1, "burst": 1_000_000}


class DropboxPlace(Place):
    """All of Ada's, in a sandbox of its own until `close`."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self.sandbox = self._open.enter_context(a_sandbox())
        self.sandbox.control("POST", "/limits/dropbox", _MANY)
        self.ada = Hand(self.sandbox)

    @property
    def endpoint(self) -> str:
        return f"{self.sandbox.address}/dropbox"

    def put(self, name: str, content: bytes) -> None:
        self.ada.put(f"/{name}", content)

    def get(self, name: str) -> bytes:
        return self._files()[name]

    def remove(self, name: str) -> None:
        self.ada.delete(f"/{name}")

    def names(self) -> list[str]:
        return sorted(self._files())

    def key(self, name: str) -> str:
        return f"/{name}".lower()

    def close(self) -> None:
        self._open.close()

    def connector(self, limits: FetchLimits, token: str = "", **select: Any) -> Dropbox:
        connection = DropboxConnection(account="ada")
        account = Bearer(token or self.ada.token)
        known = replace(limits, account=account, api_url=self.endpoint)
        made = Dropbox(connection, DropboxSelection.model_validate(select), known)
        self._open.callback(made.close)
        return made

    def _files(self) -> dict[str, bytes]:
        shown = self.sandbox.control("GET", "/truth/dropbox?content=true")["accounts"][ADA]
        return {
            entry["path_display"].removeprefix("/"): base64.b64decode(entry["content"])
            for entry in shown["entries"]
            if entry[".tag"] == "file"
        }
