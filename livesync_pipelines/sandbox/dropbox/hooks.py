"""Webhooks: which accounts have changed, sent to every address of the app, and signed.

https://www.dropbox.com/developers/reference/webhooks, as others tell it (2026-11-22). Changes
that come while a call is under way are told by one more call.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

import httpx
import orjson

from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.oauth import CLIENT_SECRET
from livesync_pipelines.sandbox.webhooks import Sender
from livesync_pipelines.sandbox.world import Json


@dataclass(slots=True)
class Hook:
    """One address; `due` are the accounts of which it has not heard yet."""

    address: str
    delivered: int = 0
    failed: int = 0
    due: dict[str, None] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None


class Hooks:
    """All addresses of the one app, and the calls that are under way."""

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._hooks: dict[str, Hook] = {}
        self._sender = Sender(taken={200})
        for box in boxes:
            box.listeners.append(self._heard)

    async def add(self, address: str, challenge: str) -> bool:
        """Whether the address has answered the challenge as it must; only then is it kept."""
        try:
            said = await self._sender.get(address, {"challenge": challenge})
        except httpx.HTTPError:
            return False
        is_good = said.status_code == 200 and said.text == challenge
        if is_good:
            self._hooks[address] = Hook(address)
        return is_good

    def shown(self) -> list[Json]:
        return [
            {"address": hook.address, "delivered": hook.delivered, "failed": hook.failed}
            for hook in self._hooks.values()
        ]

    async def close(self) -> None:
        """Calls that are under way are given up."""
        await self._sender.close()

    def _heard(self, box: Box) -> None:
        for hook in self._hooks.values():
            hook.due[box.account_id] = None
            if hook.task is None or hook.task.done():
                hook.task = self._sender.start(self._deliver(hook))

    async def _deliver(self, hook: Hook) -> None:
        while hook.due:
            accounts, hook.due = list(hook.due), {}
            body = orjson.dumps({"list_folder": {"accounts": accounts}, "delta": {"users": []}})
            if await self._called(hook.address, body):
                hook.delivered += 1
            else:
                hook.failed += 1

    async def _called(self, address: str, body: bytes) -> bool:
        signature = hmac.new(CLIENT_SECRET.encode(), body, sha256).hexdigest()
        headers = {"content-type": "application/json", "x-dropbox-signature": signature}
        return await self._sender.post(address, headers, body)
