"""Webhooks: which page or data source has changed, aggregated, signed with the verification token.

https://developers.notion.com/reference/webhooks and /webhooks-events-delivery, as others tell it
(2026-11-22). Changes of one kind to one thing that come while a call is under way are told by one
more call.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass, field
from hashlib import sha256

import orjson

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.notion.door import VERSION
from livesync_pipelines.sandbox.notion.workspace import Thing, Workspace
from livesync_pipelines.sandbox.webhooks import Sender
from livesync_pipelines.sandbox.world import Json


@dataclass(slots=True)
class Hook:
    """One address. It is told of nothing before its token was confirmed; `due` are the events that
    it has not heard of, by kind and thing."""

    id: str
    address: str
    token: str
    confirmed: bool = False
    delivered: int = 0
    failed: int = 0
    due: dict[tuple[str, str], Json] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None


class Hooks:
    """All subscriptions of the connection, and the calls that are under way."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._hooks: dict[str, Hook] = {}
        self._sender = Sender(taken=range(200, 300))
        space.listeners.append(self._heard)

    async def add(self, address: str) -> bool:
        """Send the address its token; whether it was taken."""
        token = f"secret_{self._space.world.ids.new('notion:verification', 43)}"
        hook = Hook(self._space.new_id("subscription"), address, token)
        self._hooks[hook.id] = hook
        return await self._called(hook, orjson.dumps({"verification_token": token}))

    def confirm(self, token: str) -> bool:
        """Somebody has typed the token in; whether it is one."""
        found = [one for one in self._hooks.values() if one.token == token]
        for hook in found:
            hook.confirmed = True
        return bool(found)

    def shown(self) -> list[Json]:
        return [
            {
                "address": hook.address,
                "confirmed": hook.confirmed,
                "delivered": hook.delivered,
                "failed": hook.failed,
            }
            for hook in self._hooks.values()
        ]

    async def close(self) -> None:
        """Calls that are under way are given up."""
        await self._sender.close()

    def _heard(self, event: str, thing: Thing, data: Json) -> None:
        if not self._space.sees(thing):
            return
        for hook in self._hooks.values():
            if not hook.confirmed:
                continue
            hook.due[event, thing.id] = self._told(hook, event, thing, data)
            if hook.task is None or hook.task.done():
                hook.task = self._sender.start(self._deliver(hook))

    def _told(self, hook: Hook, event: str, thing: Thing, data: Json) -> Json:
        kind = "database" if thing.kind == "data_source" else thing.kind
        return {
            "id": self._space.new_id("event"),
            "timestamp": rfc3339(self._space.world.clock.now()),
            "workspace_id": self._space.id,
            "workspace_name": "Garden",
            "subscription_id": hook.id,
            "integration_id": self._space.bot,
            "authors": [{"id": thing.edited_by, "type": "person"}],
            "attempt_number": 1,
            "api_version": VERSION,
            "entity": {"id": thing.id, "type": kind},
            "type": event,
            "data": {"parent": self._parent(thing), **data},
        }

    def _parent(self, thing: Thing) -> Json:
        if thing.parent is None:
            return {"id": self._space.id, "type": "space"}
        above = self._space.things[thing.parent]
        if above.kind == "data_source":
            return {"id": above.parent, "type": "database", "data_source_id": above.id}
        return {"id": above.id, "type": above.kind}

    async def _deliver(self, hook: Hook) -> None:
        while hook.due:
            events, hook.due = list(hook.due.values()), {}
            for event in events:
                if await self._called(hook, orjson.dumps(event)):
                    hook.delivered += 1
                else:
                    hook.failed += 1

    async def _called(self, hook: Hook, body: bytes) -> bool:
        signature = hmac.new(hook.token.encode(), body, sha256).hexdigest()
        headers = {"content-type": "application/json"}
        headers["x-notion-signature"] = f"sha256={signature}"
        return await self._sender.post(hook.address, headers, body)
