"""The bodies of requests, held only as far as they may go."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect
from starlette.types import Receive

HEARD_OUT_BYTES = 100_000_000
"""So much is taken from a sender who says too much, and thrown away: one whose connection is closed
while it still sends never reads why."""

WITHIN_S = 30.0
"""A body that is not there by then is waited for no longer."""


class TooSlow(Exception):
    """The body did not come in time."""


async def whole(receive: Receive, *, at_most: int) -> bytes | None:
    """The body as it came; None where it is larger. Raises `ClientDisconnect` and `TooSlow`."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return await _heard_out(receive, at_most)
    except TimeoutError as error:
        raise TooSlow(f"The body did not come within {WITHIN_S:g} seconds.") from error


async def _heard_out(receive: Receive, at_most: int) -> bytes | None:
    body, heard, more = bytearray(), 0, True
    while more and heard <= HEARD_OUT_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        heard += len(piece)
        if heard <= at_most:
            body += piece
        more = message.get("more_body", False)
    return bytes(body) if heard <= at_most else None
