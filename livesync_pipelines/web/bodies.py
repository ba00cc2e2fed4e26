"""The bodies of requests, held only as far as they may go."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import Receive

HEARD_OUT_BYTES = 100_000_000
"""So much is taken from a sender who says too much, and thrown away: one whose connection is closed
while it still sends never reads why."""


async def whole(receive: Receive, *, at_most: int) -> bytes | None:
    """The body as it came; None where it is larger. Raises `ClientDisconnect`."""
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
