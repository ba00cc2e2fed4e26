"""`files/get_metadata`, `files/download` and whose Dropbox it is."""

from __future__ import annotations

import json
import re

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.dropbox.door import answer, text_of
from livesync_pipelines.sandbox.dropbox.errors import DropboxError
from livesync_pipelines.sandbox.dropbox.shown import found, metadata, tagged
from livesync_pipelines.sandbox.world import Json

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


async def get_metadata(request: Request, said: Json, box: Box) -> Response:
    return answer(tagged(found(box, text_of(request, said, "path"))))


async def download(request: Request, said: Json, box: Box) -> Response:
    """The bytes, or those from a place on that a Range header asks for; what they are of is in
    Dropbox-API-Result."""
    node = found(box, text_of(request, said, "path"))
    if node.content is None:
        raise DropboxError("path", "not_file")
    headers = {
        "dropbox-api-result": json.dumps(metadata(node)).replace("\x7f", "\\u007f"),
        "etag": f'W/"{node.rev}"',
        "accept-ranges": "bytes",
    }
    size, asked = len(node.content), _RANGE.fullmatch(request.headers.get("range", ""))
    kind = "application/octet-stream"
    if asked is None:
        return Response(node.content, media_type=kind, headers=headers)
    first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
    if first > last:
        return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
    headers["content-range"] = f"bytes {first}-{last}/{size}"
    part = node.content[first : last + 1]
    return Response(part, status_code=206, media_type=kind, headers=headers)


async def current_account(request: Request, said: Json, box: Box) -> Response:
    first, _, last = box.person.name.partition(" ")
    namespace = box.account_id[-10:]
    return answer(
        {
            "account_id": box.account_id,
            "name": {
                "given_name": first,
                "surname": last,
                "familiar_name": first,
                "display_name": box.person.name,
                "abbreviated_name": f"{first[:1]}{last[:1]}",
            },
            "email": box.person.email,
            "email_verified": True,
            "disabled": False,
            "locale": "en",
            "referral_link": "https://www.dropbox.com/referrals/sandbox",
            "is_paired": False,
            "account_type": {".tag": "basic"},
            "root_info": {
                ".tag": "user",
                "root_namespace_id": namespace,
                "home_namespace_id": namespace,
            },
            "country": "DE",
        }
    )
