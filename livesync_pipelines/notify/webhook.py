"""Outgoing webhooks, signed after Standard Webhooks (github.com/standard-webhooks, read
2026-11-21): `webhook-id` names the message, `webhook-timestamp` the try, `webhook-signature` covers
both and the body."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import standardwebhooks

from livesync_pipelines.model.errors import BadInput, Broken
from livesync_pipelines.model.notice import Delivery
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.verdict import REDIRECTS, Refused
from livesync_pipelines.notify.message import payload

GONE = 410


class Gone(BadInput):
    """The receiver wants no more messages."""

    code = "gone"


class Webhook:
    """One receiver. Its answer counts, not what it says besides."""

    def __init__(self, url: str, *, secret: str, client: Client) -> None:
        self.place = urlsplit(url).netloc.rpartition("@")[2]
        self._url = url
        self._signer = standardwebhooks.Webhook(secret)
        self._client = client

    def send(self, delivery: Delivery) -> None:
        """Raises `Gone` for a 410, `Broken` for an answer that is not 2xx, and what the client
        raises."""
        body, name = payload(delivery.event), f"msg_{delivery.message_id.hex}"
        at = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(name, at, body.decode()),
        }
        try:
            status = self._client.post(self._url, content=body, headers=headers).status
        except Refused as error:
            raise Refused(
                error.message,
                hint="Name the host in LIVESYNC_WEBHOOK_PRIVATE_HOSTS to allow it.",
                where=error.where,
            ) from error
        if status == GONE:
            raise Gone(f"{self.place} answered {GONE}: it wants no more messages")
        if status in REDIRECTS:
            raise Broken(f"{self.place} answered {status}: redirects are not followed")
        if not 200 <= status < 300:
            raise Broken(f"{self.place} answered {status}")
