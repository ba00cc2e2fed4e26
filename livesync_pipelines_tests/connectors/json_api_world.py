"""A JSON API on loopback, and connectors that read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.json_api import JsonApi, JsonApiConnection, JsonApiSelection
from livesync_pipelines.connectors.json_api_rows import JsonApiRows, JsonApiRowsSelection
from livesync_pipelines.model.records import Body, ListingPage
from livesync_pipelines_tests.contracts.memory import FakeMemory
from livesync_pipelines_tests.net.site import Site

TOKEN = "hunter2-the-token"


class Served:
    """What the tests say of `/api/...` is answered there."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def says(self, target: str, answer: Any, *, link: str = "", status: int = 200) -> None:
        """`target` below `/api/`; `answer` as JSON, or as it is where it is bytes."""
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = {"content-type": "application/json", **({"link": link} if link else {})}
        self.site.put(f"/api/{target}", content, status=status, headers=headers)

    def asked(self) -> list[str]:
        """What was asked for below `/api/`."""
        return [call.target.removeprefix("/api/") for call in self.site.calls]

    def connection(self, **said: Any) -> JsonApiConnection:
        known = {"url": self.site.url("/api"), "token": TOKEN, "allow_private": True}
        return JsonApiConnection.model_validate({**known, **said})

    @contextmanager
    def documents(self, path: str = "items", **select: Any) -> Iterator[JsonApi]:
        chosen = JsonApiSelection.model_validate({"path": path, **select})
        limits = FetchLimits(max_bytes=10_000, timeout_s=5.0)
        with closing(JsonApi(self.connection(), chosen, limits)) as connector:
            yield connector

    @contextmanager
    def rows(self, key: Sequence[str] = ("id",), **select: Any) -> Iterator[JsonApiRows]:
        said = {"rows": "items", "key": list(key), **select}
        chosen = JsonApiRowsSelection.model_validate(said)
        with closing(JsonApiRows(self.connection(), chosen, FetchLimits(timeout_s=5.0))) as end:
            yield end

    def listed(self, memory: FakeMemory | None = None, **select: Any) -> list[ListingPage]:
        """One run: list everything, and keep it."""
        memory = memory or FakeMemory()
        with self.documents(**select) as connector:
            pages = list(connector.listing(memory))
        memory.keep(pages)
        return pages

    def bodies(self, **select: Any) -> Mapping[str, Body]:
        return {key: body for page in self.listed(**select) for key, body in page.bodies.items()}

    def keys(self, **select: Any) -> list[str]:
        return list(self.bodies(**select))


def things(*ids: int | str) -> list[dict[str, Any]]:
    return [{"id": one, "name": f"thing {one}"} for one in ids]
