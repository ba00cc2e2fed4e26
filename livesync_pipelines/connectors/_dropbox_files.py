"""Files of a Dropbox, whole: put, moved and taken out, each only where it is as was expected.

`upload`, `upload_session/*`, `move_v2`, `delete_v2` and `get_metadata` of `files.stone` in
dropbox-api-spec, commit 0d994ebe, read 2026-11-22. A file is replaced or deleted in one revision
(`rev`) only, so between looking and writing nothing is lost. Folders have no revisions: none is
ever deleted here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from livesync_pipelines.connectors._dropbox_calls import (
    CONTENT,
    DROPBOX,
    WrongOffset,
    api_of,
    content_hash,
    judge_writing,
    version,
)
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.files import Moved
from livesync_pipelines.model.errors import BadInput, RateLimited, Unavailable
from livesync_pipelines.net.api import Api, parsed
from livesync_pipelines.net.asking import Terms, is_undone
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.verdict import BadAnswer, Conflict, Gone

_AGAIN = Terms(repeats=True)
"""A write is bound to a revision, or to there being none: made twice it is done once."""
_ONE_CALL_BYTES = 16 * 1024 * 1024
"""What is longer goes in pieces of so many. Dropbox takes 150 MiB in a call; with fewer a fault
costs less."""


@dataclass(frozen=True, slots=True)
class Files:
    """`api` and `content` are Dropbox's two hosts, whose refusals are judged by `judge_writing`.
    Versions are as they are listed."""

    api: Api
    content: Api
    where: str

    @classmethod
    def of(cls, client: Client, limits: FetchLimits, where: str) -> Files:
        api, content = (api_of(one, client, limits, judge_writing) for one in (DROPBOX, CONTENT))
        return cls(api, content, where)

    def put(
        self, path: str, content: bytes | IO[bytes], *, key: str, expected_version: str | None
    ) -> str:
        """`path` is spelled as a new file is to be; one that is there keeps its spelling."""
        source = BytesIO(content) if isinstance(content, bytes) else content
        hashed = content_hash(source)
        commit = {"path": path, "mode": {".tag": "add"}, "strict_conflict": True, "mute": True}
        if expected_version is not None:
            there = self._expected(key, expected_version)
            if there is None:
                raise self._moved(key)
            if there["content_hash"] == hashed:
                return expected_version
            mode = {".tag": "update", "update": there["rev"]}
            commit |= {"path": there["path_display"], "mode": mode}
        try:
            return version(self._sent(commit, source, hashed))
        except Conflict as error:
            raise self._moved(key) from error
        except Unavailable as error:
            return self._read_back(key, hashed, error)
        except BadAnswer as error:
            raise self._refused(key, error) from error

    def remove(self, key: str, *, expected_version: str) -> None:
        there = self._expected(key, expected_version)
        if there is None:
            return
        argument = {"path": there["path_lower"], "parent_rev": there["rev"]}
        try:
            self.api.post("files/delete_v2", argument, repeats=True)
        except Gone:
            return
        except Conflict as error:
            raise self._moved(key) from error
        except Unavailable as error:
            if is_undone(error) or self._now(key) is not None:
                raise
        except BadAnswer as error:
            raise self._refused(key, error) from error

    def move(self, key: str, to: str, *, path: str, expected_version: str) -> str:
        """`path` spells the key `to`. A move knows no revisions: what is written meanwhile moves
        along, and is told."""
        there = self._expected(key, expected_version)
        if there is None:
            raise self._moved(key)
        argument = {"from_path": there["path_lower"], "to_path": path}
        try:
            made = self.api.post("files/move_v2", argument, repeats=True)["metadata"]
        except RateLimited:
            raise
        except (Gone, Conflict, Unavailable) as error:
            made = self._now(to)
            if made is None or made["id"] != there["id"]:
                raise error if isinstance(error, Unavailable) else self._moved(to) from error
        except BadAnswer as error:
            raise self._refused(to, error) from error
        if made["content_hash"] != there["content_hash"]:
            raise self._moved(to)
        return version(made)

    def _read_back(self, key: str, hashed: str, error: Unavailable) -> str:
        """Whether it was written after all, where the answer did not say."""
        there = None if is_undone(error) else self._now(key)
        if there is None or there["content_hash"] != hashed:
            raise error
        return version(there)

    def _expected(self, key: str, expected_version: str) -> Mapping[str, Any] | None:
        there = self._now(key)
        if there is not None and version(there) != expected_version:
            raise self._moved(key)
        return there

    def _now(self, key: str) -> Mapping[str, Any] | None:
        """The file at this path; None where there is none."""
        try:
            found: Mapping[str, Any] = self.api.post(
                "files/get_metadata", {"path": key}, repeats=True
            )
        except Gone:
            return None
        if found[".tag"] != "file":
            raise BadInput(
                f"{key} in {self.where} is a folder",
                hint="Rename it, or the file at the source.",
                where=self.where,
            )
        return found

    def _sent(self, commit: Mapping[str, Any], source: IO[bytes], hashed: str) -> Mapping[str, Any]:
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        if size <= _ONE_CALL_BYTES:
            argument = {**commit, "content_hash": hashed}
            made: Mapping[str, Any] = self._call("files/upload", argument, source.read())
            return made
        session_id, offset = self._in_pieces(source)
        cursor = {"session_id": session_id, "offset": offset}
        finish = {"cursor": cursor, "commit": commit}
        done: Mapping[str, Any] = self._call("files/upload_session/finish", finish, b"")
        return done

    def _in_pieces(self, source: IO[bytes]) -> tuple[str, int]:
        """A session that holds everything, and how much that is."""
        session_id, offset = "", 0
        while piece := source.read(_ONE_CALL_BYTES):
            argument: dict[str, Any] = {"content_hash": content_hash(piece)}
            if not session_id:
                begun = self._call("files/upload_session/start", argument, piece)
                session_id = begun["session_id"]
            else:
                cursor = {"session_id": session_id, "offset": offset}
                self._append({"cursor": cursor, **argument}, piece, offset + len(piece))
            offset += len(piece)
        return session_id, offset

    def _append(self, argument: Mapping[str, Any], piece: bytes, end: int) -> None:
        """A piece that has come already, of which no answer has come back, is not sent again."""
        try:
            self._call("files/upload_session/append_v2", argument, piece)
        except WrongOffset as error:
            if error.correct != end:
                raise

    def _call(self, route: str, argument: Mapping[str, Any], body: bytes) -> Any:
        headers = {
            "dropbox-api-arg": json.dumps(argument),
            "content-type": "application/octet-stream",
        }
        return parsed(self.content.call("POST", route, body=body, headers=headers, terms=_AGAIN))

    def _moved(self, key: str) -> Moved:
        said = f"{key} in {self.where} is another than it was; it was left alone"
        return Moved(said, where=self.where)

    def _refused(self, key: str, error: BadAnswer) -> BadInput:
        said = f"{key} cannot be written in {self.where}: {error.message}"
        return BadInput(said, hint=error.hint, where=self.where)
