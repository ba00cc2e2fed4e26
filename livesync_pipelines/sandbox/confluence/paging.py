"""Lists in pieces: `limit`, an opaque `cursor`, and the way to the next piece in `_links.next`."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.confluence.errors import ConfluenceError
from livesync_pipelines.sandbox.world import Json

T = TypeVar("T")
Place = tuple[Any, ...]

_MOST = 250
_USUAL = 25


def piece(
    request: Request,
    items: Sequence[T],
    place: Callable[[T], Place],
    shown: Callable[[T], Json],
    *,
    backward: bool = False,
    beside: Json | None = None,
) -> Response:
    """The items in the order of their places, from behind the cursor's place on: what comes or goes
    meanwhile shifts nothing. `beside`: what else the answer says."""
    ordered = sorted(items, key=place, reverse=backward)
    after = _cursor(request.query_params.get("cursor"))
    if after is not None:
        ordered = [one for one in ordered if place(one) != after]
        ordered = [one for one in ordered if (place(one) < after) == backward]
    limit = _limit(request)
    taken = ordered[:limit]
    links: Json = {"base": f"{str(request.base_url).rstrip('/')}/wiki"}
    headers = {}
    if len(ordered) > limit:
        links["next"] = _next(request, place(taken[-1]))
        headers["link"] = f'<{links["next"]}>; rel="next"'
    found = {"results": [shown(one) for one in taken], "_links": links, **(beside or {})}
    return JSONResponse(found, headers=headers)


def _limit(request: Request) -> int:
    said = request.query_params.get("limit", str(_USUAL))
    if not said.isdecimal() or not 1 <= int(said) <= _MOST:
        raise ConfluenceError(400, f"limit must be a number from 1 to {_MOST}")
    return int(said)


def _next(request: Request, last: Place) -> str:
    """The same call with a cursor, from the host's root on."""
    cursor = base64.urlsafe_b64encode(json.dumps(last).encode()).decode()
    asked = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
    return f"{request.url.path}?{urlencode([*asked, ('cursor', cursor)])}"


def _cursor(said: str | None) -> Place | None:
    if said is None:
        return None
    try:
        return tuple(json.loads(base64.urlsafe_b64decode(said)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise ConfluenceError(400, "the cursor is not valid") from error
