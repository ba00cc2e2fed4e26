"""`livesync sandbox edit`: somebody works in a pretend Drive, through the API as anybody would."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from livesync_pipelines.cli.output import emit, say
from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.net.api import ANONYMOUS, Api, Bearer, Params
from livesync_pipelines.net.client import Client
from livesync_pipelines.sandbox.google.door import DRIVE
from livesync_pipelines.sandbox.serve import HOST
from livesync_pipelines.sandbox.world import PEOPLE

_FILES = "drive/v3/files"
_MARKDOWN = "text/markdown"
_EVERYWHERE: Params = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}
_KINDS = (_MARKDOWN, "text/plain", "application/vnd.google-apps.document")


def edit(name: str, words: str, *, port: int, as_json: bool) -> None:
    """Add a paragraph to the document of this name in the Drive of the first person there. Raises
    `NotFound`, and `Unavailable` where no sandbox is served at this port."""
    with Client(allow_private=(HOST,), tries=1) as client:
        address, ada = f"http://{HOST}:{port}", PEOPLE[0].email
        asked = {"person": ada, "scopes": [DRIVE]}
        given = Api(client, f"{address}/sandbox", ANONYMOUS).post("oauth/google/token", asked)
        drive = Api(client, f"{address}/google", Bearer(given["access_token"]))
        file = _found(drive, name, address)
        _add(drive, file, words)
    if as_json:
        emit({"file_id": file["id"], "name": name, "person": ada})
        return
    say(f"{ada} has added a paragraph to {name}.")


def _found(drive: Api, name: str, address: str) -> dict[str, Any]:
    spelled = name.replace("\\", "\\\\").replace("'", "\\'")
    kinds = " or ".join(f"mimeType = '{kind}'" for kind in _KINDS)
    question = f"name = '{spelled}' and trashed = false and ({kinds})"
    asked: Params = {"q": question, "fields": "files(id,mimeType)", **_EVERYWHERE}
    files = drive.get(_FILES, asked)["files"]
    if not files:
        raise NotFound(
            f"The pretend Drive has no text document '{name}'.",
            hint="`livesync search` shows the names of documents, such as 'Petal 1.md'. Those of "
            f"the other vendors are edited through their APIs: Dropbox at {address}/dropbox/2, "
            f"Confluence at {address}/confluence/wiki/api/v2, Notion at {address}/notion/v1.",
        )
    if len(files) > 1:
        raise BadInput(f"{len(files)} documents there are called '{name}'.", hint="Name another.")
    found: dict[str, Any] = files[0]
    return found


def _add(drive: Api, file: dict[str, Any], words: str) -> None:
    """A native document is read as Markdown, and made of it again."""
    into, path = BytesIO(), f"{_FILES}/{file['id']}"
    if file["mimeType"].startswith("text/"):
        drive.download(path, into, params={"alt": "media", **_EVERYWHERE})
    else:
        drive.download(f"{path}/export", into, params={"mimeType": _MARKDOWN})
    content = b"\n\n".join((into.getvalue().rstrip(), words.encode())) + b"\n"
    drive.call(
        "PATCH",
        f"upload/{path}",
        params={"uploadType": "media", **_EVERYWHERE},
        body=content,
        headers={"content-type": _MARKDOWN},
    )
