"""`/sandbox`: faults, limits, clock, calls, truth, documents, secrets and grants, for whoever
controls the sandbox.

Every answer is JSON; what cannot be done is answered 400 with an `error` that says why.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from livesync_pipelines.sandbox.calls import Call
from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.faults import Fault
from livesync_pipelines.sandbox.limits import Limit
from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from livesync_pipelines.sandbox.vendor import Vendor
from livesync_pipelines.sandbox.workspace import TOKENS
from livesync_pipelines.sandbox.world import Json, World

_SHOWN_CALLS = 1_000

_Endpoint = Callable[[Request], Awaitable[Any]]


class Control:
    """The endpoints; each returns what is answered as JSON."""

    def __init__(self, world: World, vendors: Mapping[str, Vendor]) -> None:
        self._world = world
        self._vendors = vendors
        self._desks = {
            name: desk for vendor in vendors.values() for name, desk in vendor.desks.items()
        }

    def routes(self) -> list[Route]:
        served: list[tuple[str, str, _Endpoint]] = [
            ("GET", "/sandbox/faults", self.faults),
            ("POST", "/sandbox/faults", self.add_fault),
            ("DELETE", "/sandbox/faults", self.clear_faults),
            ("POST", "/sandbox/limits/{vendor}", self.limit),
            ("GET", "/sandbox/clock", self.clock),
            ("POST", "/sandbox/clock", self.advance),
            ("GET", "/sandbox/calls", self.calls),
            ("DELETE", "/sandbox/calls", self.clear_calls),
            ("GET", "/sandbox/truth/{vendor}", self.truth),
            ("GET", "/sandbox/documents", self.documents),
            ("POST", "/sandbox/documents/{desk}", self.add),
            ("GET", "/sandbox/secrets", self.secrets),
            ("POST", "/sandbox/oauth/{vendor}", self.rules),
            ("POST", "/sandbox/oauth/{vendor}/token", self.token),
            ("POST", "/sandbox/oauth/{vendor}/withdraw", self.withdraw),
            ("POST", "/sandbox/oauth/{vendor}/expire", self.expire),
        ]
        return [Route(path, _json(work), methods=[method]) for method, path, work in served]

    async def faults(self, request: Request) -> Json:
        return {"waiting": [asdict(fault) for fault in self._world.faults.waiting()]}

    async def add_fault(self, request: Request) -> Json:
        """The body has the fields of a Fault, or is a list of such."""
        asked = await _body(request)
        for fields in asked if isinstance(asked, list) else [asked]:
            self._world.faults.add(Fault(**fields))
        return await self.faults(request)

    async def clear_faults(self, request: Request) -> Json:
        self._world.faults.clear()
        return await self.faults(request)

    async def limit(self, request: Request) -> Json:
        """The body has the fields of a Limit, or is null to lift it."""
        name, asked = self._vendor(request).name, await _body(request)
        limit = Limit(**asked) if asked else None
        self._world.limits.set(name, limit)
        return {"vendor": name, "limit": limit and asdict(limit)}

    async def clock(self, request: Request) -> Json:
        return {"now": rfc3339(self._world.clock.now())}

    async def advance(self, request: Request) -> Json:
        self._world.clock.advance(float((await _body(request))["advance_s"]))
        return await self.clock(request)

    async def calls(self, request: Request) -> Json:
        """How many calls fit `match` (`METHOD /path`, with `*`), by status; the last of them."""
        found = self._world.calls.matching(request.query_params.get("match", "*"))
        return {
            "count": len(found),
            "by_status": dict(Counter(str(call.status) for call in found)),
            "calls": [_shown(call) for call in found[-_SHOWN_CALLS:]],
        }

    async def clear_calls(self, request: Request) -> Json:
        self._world.calls.clear()
        return await self.calls(request)

    async def truth(self, request: Request) -> Json:
        return self._vendor(request).truth(request.query_params.get("content") == "true")

    async def documents(self, request: Request) -> Json:
        """What can be written to, by where it is: names by id."""
        return {name: dict(desk.documents()) for name, desk in self._desks.items()}

    async def add(self, request: Request) -> Json:
        """A paragraph of `words` to the document `id`, as somebody types it there."""
        asked, where = await _body(request), request.path_params["desk"]
        if where not in self._desks:
            raise LookupError(f"nothing is written at {where}")
        name = self._desks[where].documents().get(asked["id"])
        if name is None:
            raise LookupError(f"there is no document {asked['id']}")
        self._desks[where].add(asked["id"], str(asked["words"]))
        return {"id": asked["id"], "name": name}

    async def secrets(self, request: Request) -> Json:
        """What opens the vendors here, and is printed nowhere."""
        return {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **TOKENS}

    async def rules(self, request: Request) -> Json:
        """The body has the fields of OAuth's Rules that change."""
        oauth = self._vendor(request).oauth
        oauth.change(**await _body(request))
        return asdict(oauth.rules)

    async def token(self, request: Request) -> Json:
        """Tokens of `person` with `scopes` (a list), without a page to agree on."""
        asked = await _body(request)
        person = self._world.person(asked["person"])
        return self._vendor(request).oauth.given(person, tuple(asked["scopes"]))

    async def withdraw(self, request: Request) -> Json:
        """`person` takes back what they have allowed, as on the vendor's account page."""
        person = self._world.person((await _body(request))["person"])
        self._vendor(request).oauth.withdraw(person)
        return {"withdrawn": person.email}

    async def expire(self, request: Request) -> Json:
        self._vendor(request).oauth.expire()
        return {"expired": "access tokens"}

    def _vendor(self, request: Request) -> Vendor:
        name = request.path_params["vendor"]
        if name not in self._vendors:
            raise LookupError(f"no vendor here is called {name}")
        return self._vendors[name]


def _json(work: _Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        try:
            return JSONResponse(await work(request))
        except (ValueError, TypeError, LookupError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return answered


async def _body(request: Request) -> Any:
    return json.loads(await request.body() or b"null")


def _shown(call: Call) -> Json:
    return asdict(call) | {"at": rfc3339(call.at)}
