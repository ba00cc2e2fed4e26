"""Confluence for tests: a pretend site on loopback, and a connector that reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from pydantic import SecretStr

from livesync_pipelines.connectors.confluence import (
    Confluence,
    ConfluenceConnection,
    ConfluenceSelection,
)
from livesync_pipelines.model.records import Body
from livesync_pipelines.sandbox.confluence.site import API_TOKEN, Site, Space
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.sandbox.served import ADA, BEN, Sandbox, a_sandbox

from .read_world import ReadWorld

SITE = "https://garden.atlassian.net"
"""What the pretend site is called in a connection; it is found where the environment says."""


@dataclass(frozen=True, slots=True)
class Wiki(ReadWorld):
    """A served site with an empty space `GARDEN`."""

    site: Site
    sandbox: Sandbox
    garden: Space

    @property
    def endpoint(self) -> str:
        return f"{self.sandbox.address}/confluence"

    def page(self, title: str, storage: str = "<p>Words.</p>", **more: Any) -> str:
        """Its id. `more`: other fields, and the `space` where it is not the garden."""
        space = more.pop("space", self.garden)
        return self.site.create("page", space, title, storage=storage, **more).id

    @contextmanager
    def connector(self, token: str = API_TOKEN, **selection: Any) -> Iterator[Confluence]:
        connection = ConfluenceConnection(url=SITE, email=ADA, api_token=SecretStr(token))
        chosen = ConfluenceSelection.model_validate(selection)
        with closing(Confluence(connection, chosen, self.limits)) as connector:
            yield connector

    def text(self, storage: str, **more: Any) -> str:
        """What becomes of a page with this text."""
        content_id = self.page("A page", storage, **more)
        body = self.read()[f"GARDEN/{content_id}"]
        assert isinstance(body, Body)
        return body.content.decode()

    def truth(self, person: str = ADA) -> dict[str, Mapping[str, Any]]:
        """What the person sees and what is current, by key, told by the sandbox."""
        told = self.sandbox.control("GET", "/truth/confluence?content=true")["contents"]
        by_id = {one["id"]: one for one in told}
        seen = (one for one in told if person in one["seenBy"])
        return {
            f"{one['space']}/{one['id']}": one
            for one in seen
            if all(above["status"] == "current" for above in _with_container(by_id, one))
        }


def _with_container(
    by_id: Mapping[str, Mapping[str, Any]], one: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """A page is by itself; what hangs on something is there as long as that."""
    return [one] if one["type"] in {"page", "blogpost"} else [one, by_id[one["parent"]]]


@contextmanager
def a_wiki() -> Iterator[Wiki]:
    site = Site(World())
    garden = site.open_space("GARDEN", "Garden")
    with a_sandbox(site.world, site=site) as sandbox:
        yield Wiki(site, sandbox, garden)


class Gardener:
    """Does at random what people do in a wiki, in two spaces."""

    def __init__(self, wiki: Wiki, seed: int) -> None:
        self._wiki, self._site, self._chance = wiki, wiki.site, Random(seed)
        self._spaces = [wiki.garden, wiki.site.open_space("SHED", "Shed")]
        self._made: list[str] = []

    def step(self) -> None:
        acts = (self._write, self._write, self._post, self._attach, self._edit, self._edit)
        turns = (self._turn, self._turn, self._move, self._restrict, self._label, self._purge)
        if self._made:
            self._chance.choice((*acts, *turns))()
        else:
            self._write()

    def _write(self) -> None:
        title, space = f"Page {self._chance.random()}", self._chance.choice(self._spaces)
        self._made.append(self._wiki.page(title, self._words(), space=space))

    def _post(self) -> None:
        space = self._chance.choice(self._spaces)
        made = self._site.create("blogpost", space, "News", storage=self._words())
        self._made.append(made.id)

    def _attach(self) -> None:
        above = self._site.contents[self._one()]
        space, data = self._site.spaces[above.space_id], self._words().encode()
        kind = "text/plain"
        self._site.create(
            "attachment", space, "notes.txt", parent=above.id, data=data, media_type=kind
        )

    def _edit(self) -> None:
        self._site.edit(self._one(), storage=self._words())

    def _turn(self) -> None:
        content_id = self._one()
        is_page = self._site.contents[content_id].kind == "page"
        self._site.turn(
            content_id,
            self._chance.choice(["current", "trashed", "archived" if is_page else "trashed"]),
        )

    def _move(self) -> None:
        self._site.move(self._one(), self._chance.choice(self._spaces))

    def _restrict(self) -> None:
        readers = self._chance.choice([None, frozenset({BEN}), frozenset({ADA, BEN})])
        self._site.restrict(self._one(), readers)

    def _label(self) -> None:
        self._site.label(self._one(), self._chance.choice(["wet", "dry"]))

    def _purge(self) -> None:
        content_id = self._one()
        self._made.remove(content_id)
        self._site.purge(content_id)

    def _one(self) -> str:
        return self._chance.choice(self._made) if self._made else self._wiki.page("First")

    def _words(self) -> str:
        return f"<p>Fern {self._chance.randrange(1_000_000)} grows.</p>"
