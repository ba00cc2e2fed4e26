"""Lists in pieces: `page_size`, `start_cursor`, and `next_cursor` in the answer.

https://developers.notion.com/reference/intro#pagination, as others tell it (2026-11-22).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.notion.errors import invalid
from livesync_pipelines.sandbox.world import Json

T = TypeVar("T")
Place = tuple[Any, ...]

MOST = 100


def piece(
    asked: Mapping[str, Any],
    items: Sequence[T],
    place: Callable[[T], Place],
    shown: Callable[[T], Json],
    *,
    kind: str,
    more: Json | None = None,
) -> Response:
    """The items, in their order, from the cursor's place on: an item that has a place from there
    on. `kind` is what they are; `more` is said beside them."""
    begin = _begin(asked, items, place)
    size = _size(asked)
    taken, rest = items[begin : begin + size], items[begin + size :]
    cursor = _cursor(place(rest[0])) if rest else None
    body: Json = {"object": "list", "results": [shown(one) for one in taken]}
    body |= {"next_cursor": cursor, "has_more": bool(rest), "type": kind, kind: {}}
    return JSONResponse(body | (more or {}))


def _begin(asked: Mapping[str, Any], items: Sequence[T], place: Callable[[T], Place]) -> int:
    said = asked.get("start_cursor")
    if said is None:
        return 0
    try:
        wanted = tuple(json.loads(base64.urlsafe_b64decode(said)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise invalid("body.start_cursor should be a valid cursor.") from error
    places = [place(one) for one in items]
    if wanted in places:
        return places.index(wanted)
    forward = not places or places[0] <= places[-1]
    after = [n for n, one in enumerate(places) if (one > wanted) is forward]
    return after[0] if after else len(items)


def _size(asked: Mapping[str, Any]) -> int:
    said = str(asked.get("page_size", MOST))
    if not said.isdecimal() or not 1 <= int(said) <= MOST:
        raise invalid(f"body.page_size should be a number from 1 to {MOST}.")
    return int(said)


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
