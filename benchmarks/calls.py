"""Webhooks signed after Standard Webhooks, as raw HTTP on connections that stay open."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime

import standardwebhooks

from livesync_pipelines.model.sync import Webhook

SECRET = f"whsec_{b64encode(bytes(range(32))).decode()}"
VARIABLE = "BENCHMARK_WEBHOOK_SECRET"
WEBHOOK = Webhook(scheme="standard", secret=f"${{{VARIABLE}}}")
ENVIRON = {VARIABLE: SECRET}
"""What the HTTP door needs to know of the sender."""

BODY = '{"type":"file.changed","data":{"path":"guides/leave.md"}}'
_SIGNER = standardwebhooks.Webhook(SECRET)
_LENGTH = re.compile(rb"(?i)content-length: ([0-9]+)")
_RETRY_AFTER = re.compile(rb"(?i)retry-after: ([0-9]+)")


def path(platform: str, connection: str) -> str:
    return f"/sync/webhook/{platform}/{connection}"


def headers(delivery: str) -> Mapping[str, str]:
    """Of a call with `BODY`, signed now."""
    at = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": f"{int(at.timestamp())}",
        "webhook-signature": _SIGNER.sign(delivery, at, BODY),
    }


class Line:
    """A connection to the door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def opened(cls, port: int) -> Line:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def call(self, where: str, delivery: str) -> tuple[int, float]:
        """The answer's status, and the seconds after which it asks to be called again."""
        self._writer.write(_request(where, delivery))
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        await self._reader.readexactly(int(length[1]) if length else 0)
        after = _RETRY_AFTER.search(head)
        return int(head.split(maxsplit=2)[1]), float(after[1]) if after else 0.0

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


def _request(where: str, delivery: str) -> bytes:
    said = "".join(f"{name}: {value}\r\n" for name, value in headers(delivery).items())
    return (
        f"POST {where} HTTP/1.1\r\nhost: hooks.example.com\r\n"
        f"content-length: {len(BODY)}\r\n{said}\r\n{BODY}"
    ).encode()
