"""`livesync sandbox edit`: somebody writes at a pretend vendor."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from itertools import chain
from typing import TypeAlias

from livesync_pipelines.cli.output import emit, say
from livesync_pipelines.model.errors import BadInput, NotFound, Unavailable
from livesync_pipelines.net.api import ANONYMOUS, Api
from livesync_pipelines.net.client import Client
from livesync_pipelines.sandbox.serve import HOST
from livesync_pipelines.sandbox.world import PEOPLE

_Documents: TypeAlias = Mapping[str, Mapping[str, str]]
"""The names of documents, by platform and id."""

_SUGGESTED = 3


def edit(name: str, words: str, *, platform: str | None, port: int, as_json: bool) -> None:
    """Add a paragraph to the document of this name or id, as the first person there. Raises
    `NotFound`, `BadInput` where several have the name, and `Unavailable` where no sandbox is served
    at this port."""
    with Client(allow_private=(HOST,), tries=1) as client:
        sandbox = Api(client, f"http://{HOST}:{port}/sandbox", ANONYMOUS)
        where, document_id = _found(name, _at(platform, _documents(sandbox, port)))
        done = sandbox.post(f"documents/{where}", {"id": document_id, "words": words})
    told = {"platform": where, **done, "person": PEOPLE[0].email}
    if as_json:
        emit(told)
        return
    say(f"{told['person']} has added a paragraph to {told['name']} ({where}).")


def _documents(sandbox: Api, port: int) -> _Documents:
    try:
        there: _Documents = sandbox.get("documents")
    except Unavailable as error:
        raise Unavailable(
            f"No sandbox answers at port {port}.",
            hint="Start one (`livesync sandbox`, `livesync up --sandbox`), or say its --port.",
        ) from error
    return there


def _at(platform: str | None, there: _Documents) -> _Documents:
    if platform is None:
        return there
    if platform not in there:
        raise NotFound(
            f"The sandbox does not pretend to be '{platform}'.",
            hint=f"It is {', '.join(sorted(there))}.",
        )
    return {platform: there[platform]}


def _found(name: str, there: _Documents) -> tuple[str, str]:
    """Where it is, and its id."""
    found = [
        (platform, document_id)
        for platform, documents in there.items()
        for document_id, title in documents.items()
        if name in (document_id, title)
    ]
    if not found:
        raise NotFound(
            f"There is no text document '{name}' in the pretend {', '.join(there)}.",
            hint=f"There are: {', '.join(_others(name, there))}.",
        )
    if len(found) > 1:
        ids = ", ".join(f"{document_id} ({platform})" for platform, document_id in found)
        raise BadInput(
            f"{len(found)} documents are called '{name}': {ids}.",
            hint="Say which platform with --platform, or the id instead of the name.",
        )
    return found[0]


def _others(name: str, there: _Documents) -> list[str]:
    """Names that are like it, or the first ones of each platform."""
    names = {platform: list(documents.values()) for platform, documents in there.items()}
    every = dict.fromkeys(chain.from_iterable(names.values()))
    close = difflib.get_close_matches(name, every, n=_SUGGESTED)
    return [
        f"'{title}' ({platform})"
        for platform, titles in names.items()
        for title in ([t for t in close if t in titles] if close else titles[:_SUGGESTED])
    ]
