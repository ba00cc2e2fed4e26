"""What a pretend vendor must bring with it to be served."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livesync_pipelines.sandbox.faults import FaultKind
from livesync_pipelines.sandbox.oauth import OAuthServer
from livesync_pipelines.sandbox.world import Json

Work = TypeVar("Work")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where the first of the people writes, in a browser and not through the API.

    `documents` are the texts there that they may change: names by id. `add` puts a paragraph of
    plain words to the end of one of them.
    """

    documents: Callable[[], Mapping[str, str]]
    add: Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One pretend vendor, served under `/{name}`.

    `refuse` answers in the vendor's shape for a fault of that kind. `truth` is the whole present
    state as JSON, with the contents where it is called with True. `close` ends what the vendor has
    going when the server stops. `desks`: where documents are written there, by what the product is
    called. `names_calls` is the header by which every answer names its call; empty: there is none.
    """

    name: str
    routes: Sequence[BaseRoute]
    oauth: OAuthServer
    refuse: Callable[[FaultKind], Response]
    truth: Callable[[bool], Json]
    close: Callable[[], Awaitable[None]]
    desks: Mapping[str, Desk]
    names_calls: str = ""


def routes(
    root: str,
    guarded: Callable[[Work], Callable[[Request], Awaitable[Response]]],
    served: Iterable[tuple[str, str, Work]],
) -> list[Route]:
    """Of methods, paths below `root` and what is done there, once `guarded` has let it in."""
    return [
        Route(f"{root}{path}", guarded(work), methods=[method]) for method, path, work in served
    ]
