"""How the pretend vendors call other people's addresses.

How long they wait for an answer, and how often they send again, is the sandbox's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Coroutine, Mapping

import httpx

ANY = range(1_000)
"""Every status."""

_PATIENCE_S = 10.0
_WAITS_S = (0.1, 0.4, 1.6)
_ONE_CALL = httpx.Limits(max_keepalive_connections=0)
"""A connection carries one call, so that nobody's server waits for another."""


class Sender:
    """What is sent is taken where the status is one of `taken`, and sent again where it is another
    one of `again` or there is no answer."""

    def __init__(self, *, taken: Container[int], again: Container[int] = ANY) -> None:
        self._taken, self._again = taken, again
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Goes on until its end or `close`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Calls that are under way are given up."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def get(self, address: str, params: Mapping[str, str]) -> httpx.Response:
        """Asked once. Raises `httpx.HTTPError` where nobody answers."""
        return await self._http().get(address, params=params)

    async def post(self, address: str, headers: Mapping[str, str], body: bytes = b"") -> bool:
        """Whether it was taken, at once or when it was sent again."""
        for wait_s in (*_WAITS_S, None):
            try:
                said = await self._http().post(address, content=body, headers=headers)
            except httpx.HTTPError:
                is_over = False
            else:
                if said.status_code in self._taken:
                    return True
                is_over = said.status_code not in self._again
            if is_over or wait_s is None:
                break
            await asyncio.sleep(wait_s)
        return False

    def _http(self) -> httpx.AsyncClient:
        self._client = self._client or httpx.AsyncClient(timeout=_PATIENCE_S, limits=_ONE_CALL)
        return self._client
