"""`files/upload`, `delete_v2`, `move_v2` and `create_folder_v2`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.dropbox.door import answer, route, text_of
from livesync_pipelines.sandbox.dropbox.errors import BadRequest, DropboxError, nested
from livesync_pipelines.sandbox.dropbox.nodes import Node, hash_of, lower
from livesync_pipelines.sandbox.dropbox.shown import found, metadata, tagged, wellformed
from livesync_pipelines.sandbox.world import Json

_MODES = frozenset(("add", "overwrite", "update"))
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_MOST_BYTES = 150 * 1024 * 1024
"""Of one call."""


async def upload(request: Request, said: Json, box: Box) -> Response:
    content = await checked_body(request, said)
    try:
        return answer(committed(request, said, box, content))
    except BadRequest:
        raise
    except DropboxError as error:
        raise _upload_failed(error) from error


async def checked_body(request: Request, said: Json) -> bytes:
    """The bytes of a call, which are what their sender says where he says it."""
    if request.headers.get("content-type") != "application/octet-stream":
        raise BadRequest(route(request), 'Bad HTTP "Content-Type" header')
    content = await request.body()
    if len(content) > _MOST_BYTES:
        raise DropboxError("payload_too_large")
    if said.get("content_hash") not in (None, hash_of(content)):
        raise DropboxError("content_hash_mismatch")
    return content


def committed(request: Request, said: Json, box: Box, content: bytes) -> Json:
    """A file at the path that is `said`. The same bytes once more change nothing, unless
    `strict_conflict` says that they conflict. Raises DropboxError for what the path refuses."""
    path = text_of(request, said, "path")
    mode, rev = _mode(request, said.get("mode", "add"))
    at = _moment(request, said)
    node = box.by_id(path) if path.startswith("id:") else None
    wanted = node.path if node is not None else wellformed(path)
    there = box.at(wanted)
    strict = said.get("strict_conflict") is True
    if there is not None and not strict and there.content_hash == hash_of(content):
        return metadata(there)
    if _conflicts(there, mode, rev, strict=strict):
        if said.get("autorename") is not True:
            raise _taken(there)
        wanted = _free(box, wanted, " (conflicted copy {})" if mode == "update" else " ({})")
    return metadata(box.write(wanted, content, at))


async def create_folder(request: Request, said: Json, box: Box) -> Response:
    path = wellformed(text_of(request, said, "path"), "path")
    try:
        path = _vacant(box, path, said)
        return answer({"metadata": metadata(box.make_folder(path))})
    except DropboxError as error:
        raise DropboxError("path", *error.tags) from error


async def delete(request: Request, said: Json, box: Box) -> Response:
    node = found(box, text_of(request, said, "path"), where="path_lookup")
    rev = said.get("parent_rev")
    if rev is not None and rev != node.rev:
        raise DropboxError("path_write", "conflict", "folder" if node.is_folder else "file")
    box.delete(node)
    return answer({"metadata": tagged(node)})


async def move(request: Request, said: Json, box: Box) -> Response:
    """Another spelling of the same path is no move, and taken for a conflict."""
    node = found(box, text_of(request, said, "from_path"), where="from_lookup")
    path = wellformed(text_of(request, said, "to_path"), "to")
    if lower(path).startswith(f"{node.key}/"):
        raise DropboxError("cant_move_folder_into_itself")
    try:
        return answer({"metadata": tagged(box.move(node, _vacant(box, path, said)))})
    except DropboxError as error:
        raise DropboxError("to", *error.tags) from error


def _mode(request: Request, said: Any) -> tuple[str, str]:
    """The mode, and the revision that `update` expects."""
    tag = said.get(".tag") if isinstance(said, dict) else said
    rev = said.get("update", "") if isinstance(said, dict) else ""
    if tag not in _MODES or (tag == "update") != bool(rev):
        raise BadRequest(route(request), "request body: mode: unknown tag")
    return tag, rev


def _moment(request: Request, said: Json) -> datetime | None:
    text = said.get("client_modified")
    try:
        return None if text is None else datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise BadRequest(route(request), "request body: client_modified: no such time") from error


def _conflicts(there: Node | None, mode: str, rev: str, *, strict: bool) -> bool:
    """Whether what is at the path is not what the mode expects."""
    if there is None:
        return mode == "update" and strict
    if there.is_folder:
        return True
    return mode == "add" or (mode == "update" and there.rev != rev)


def _taken(there: Node | None) -> DropboxError:
    return DropboxError("conflict", "folder" if there is not None and there.is_folder else "file")


def _vacant(box: Box, path: str, said: Json) -> str:
    """The path, or another one where it is taken and `autorename` allows for that."""
    there = box.at(path)
    if there is None:
        return path
    if said.get("autorename") is not True:
        raise _taken(there)
    return _free(box, path, " ({})")


def _free(box: Box, path: str, form: str) -> str:
    return next(other for other in _others(path, form) if box.at(other) is None)


def _others(path: str, form: str) -> Iterator[str]:
    """Names that are tried instead, with the number before the ending."""
    folder, _, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    return (f"{folder}/{stem}{form.format(number)}{ending}" for number in count(1))


def _upload_failed(error: DropboxError) -> DropboxError:
    """What the union of `upload` holds under `path` is a structure with the reason in it."""
    reason = {"reason": nested(*error.tags), "upload_session_id": "AAAAsandbox"}
    return DropboxError("path", *error.tags, error={".tag": "path"} | reason)
