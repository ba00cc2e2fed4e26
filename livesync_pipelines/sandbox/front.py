"""What every call passes on its way to a vendor: it is noted, faults are played on it, and its
answer bears the date of the sandbox's own clock and the vendor's name for the call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from email.utils import format_datetime

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livesync_pipelines.sandbox.calls import Call, without_secrets
from livesync_pipelines.sandbox.faults import Fault
from livesync_pipelines.sandbox.vendor import Vendor
from livesync_pipelines.sandbox.world import World

CUT = "sandbox.cut"
"""The ASGI extension by which a server lets a connection be cut: `close` after what was sent,
`reset` at once."""


class Front:
    """An ASGI application around the one with the routes."""

    def __init__(self, inner: ASGIApp, world: World, vendors: Mapping[str, Vendor]) -> None:
        self._inner = inner
        self._world = world
        self._vendors = vendors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        vendor = self._vendor(scope)
        if vendor is None:
            await self._inner(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        query = without_secrets(scope["query_string"].decode("latin-1"))
        fault = self._world.faults.take(method, path)
        status: int | None = None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *self._added(vendor)]}
            await send(message)

        try:
            await self._answered(vendor, fault, scope, receive, noting)
        except ClientDisconnect:
            status = None  # whoever has gone hears nothing
        finally:
            call = Call(
                at=self._world.clock.now(),
                method=method,
                path=path,
                query=query,
                status=status,
                person=scope["state"].get("person"),
                fault=None if fault is None else fault.kind,
            )
            self._world.calls.note(call)

    def _added(self, vendor: Vendor) -> Iterator[tuple[bytes, bytes]]:
        yield b"date", format_datetime(self._world.clock.now(), usegmt=True).encode()
        if vendor.names_calls:
            name = self._world.ids.new(f"{vendor.name}:call", 32)
            yield vendor.names_calls.encode(), name.encode()

    def _vendor(self, scope: Scope) -> Vendor | None:
        if scope["type"] != "http":
            return None
        return self._vendors.get(scope["path"].split("/", 2)[1])

    async def _answered(
        self, vendor: Vendor, fault: Fault | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        match fault:
            case None:
                await self._inner(scope, receive, send)
            case Fault(kind="slow"):
                await asyncio.sleep(fault.delay_s)
                await self._inner(scope, receive, send)
            case Fault(kind="reset"):
                scope["extensions"][CUT]["reset"]()
                await _gone(receive)
            case Fault(kind="truncated"):
                await self._inner(scope, receive, _Half(send))
                scope["extensions"][CUT]["close"]()
                await _gone(receive)
            case _:
                answer = vendor.refuse(fault.kind)
                if fault.retry_after_s is not None:
                    answer.headers["retry-after"] = str(fault.retry_after_s)
                await answer(scope, receive, send)


class _Half:
    """Sends the start as it is, and of the body the first half."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await self._send(message)


async def _gone(receive: Receive) -> None:
    """Wait until the server has noticed that the connection has ended."""
    while (await receive())["type"] != "http.disconnect":
        pass
