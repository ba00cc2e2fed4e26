"""Notion for tests: a pretend workspace on loopback, and a connector that reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from pydantic import SecretStr

from livesync_pipelines.connectors.notion import Notion, NotionConnection, NotionSelection
from livesync_pipelines.model.records import Body
from livesync_pipelines.sandbox.notion.planting import text
from livesync_pipelines.sandbox.notion.workspace import SECRET, Thing, Workspace
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.sandbox.served import Sandbox, a_sandbox

from .read_world import ReadWorld

PLANTS: dict[str, Any] = {"Name": {"title": {}}, "Height": {"number": {}}}


@dataclass(frozen=True, slots=True)
class Desk(ReadWorld):
    """A served workspace with one empty page, `home`."""

    space: Workspace
    sandbox: Sandbox
    home: Thing

    @property
    def endpoint(self) -> str:
        return f"{self.sandbox.address}/notion"

    def page(self, title: str, *words: str, parent: str | None = None) -> str:
        """Its id: below `home`, with a paragraph for each of the words."""
        blocks = [text(one) for one in words]
        return self.space.page(title, parent=parent or self.home.id, blocks=blocks).id

    def write(self, page_id: str, words: str) -> None:
        """A paragraph more."""
        self.space.append(page_id, [text(words)])

    def later(self, minutes: int = 3) -> None:
        self.sandbox.control("POST", "/clock", {"advance_s": 60 * minutes})

    @contextmanager
    def connector(self, token: str = SECRET, **selection: Any) -> Iterator[Notion]:
        connection = NotionConnection(token=SecretStr(token))
        chosen = NotionSelection.model_validate(selection)
        with closing(Notion(connection, chosen, self.limits)) as connector:
            yield connector

    def text(self, blocks: Sequence[Mapping[str, Any]]) -> str:
        """What becomes of a page with these blocks."""
        made = self.space.page("A page", parent=self.home.id, blocks=[dict(b) for b in blocks])
        body = self.read()[made.id]
        assert isinstance(body, Body)
        return body.content.decode()

    def truth(self) -> dict[str, Mapping[str, Any]]:
        """What the connection sees and nobody has thrown away, by id."""
        told = self.sandbox.control("GET", "/truth/notion?content=true")["pages"]
        return {one["id"]: one for one in told if one["seen"] and not one["in_trash"]}


@contextmanager
def a_desk() -> Iterator[Desk]:
    space = Workspace(World())
    home = space.page("Home")
    with a_sandbox(space.world, space=space) as sandbox:
        yield Desk(space, sandbox, home)


class Gardener:
    """Somebody who does whatever can be done to pages and rows, by chance."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self._desk = desk
        self._space = desk.space
        self._chance = Random(seed)
        self._count = 0
        self.source = desk.space.database("Plants", PLANTS, parent=desk.home.id)

    def step(self) -> None:
        deeds = (
            (self._write, 4),
            (self._add, 4),
            (self._add_row, 3),
            (self._set, 3),
            (self._cut, 2),
            (self._move, 1),
            (self._trash, 2),
            (self._restore, 2),
            (self._hide, 1),
            (self._share, 1),
            (self._purge, 1),
            (self._wait, 3),
        )
        names, weights = zip(*deeds, strict=True)
        self._chance.choices(names, weights)[0]()

    def _words(self) -> str:
        self._count += 1
        return f"{self._chance.choice(('Ferns', 'Moss', 'Roses'))} {self._count}"

    def _pages(self, *, rows: bool = False, trashed: bool = False) -> list[Thing]:
        """Those that can be worked on: neither they nor what is above them thrown away."""
        found = [one for one in self._space.things.values() if one.kind == "page"]
        found = [one for one in found if rows or one.parent != self.source.id]
        if trashed:
            return [one for one in found if one.in_trash]
        return [one for one in found if not self._space.is_out(one)]

    def _one(self, pages: list[Thing]) -> Thing | None:
        others = [one for one in pages if one is not self._desk.home]
        return self._chance.choice(others) if others else None

    def _write(self) -> None:
        page = self._one(self._pages(rows=True)) or self._desk.home
        inside = [one for one in page.children if self._space.things[one].type == "toggle"]
        above = inside[0] if inside and self._chance.random() < 0.5 else page.id
        kind = self._chance.choice(("paragraph", "toggle", "bulleted_list_item"))
        self._space.append(above, [text(self._words(), kind)])

    def _add(self) -> None:
        above = self._one(self._pages(rows=True)) or self._desk.home
        made = self._space.page(self._words(), parent=above.id, blocks=[text(self._words())])
        if self._chance.random() < 0.3:
            self._space.unindexed.add(made.id)

    def _add_row(self) -> None:
        if not self._space.is_out(self.source):
            self._space.row(self.source, self._values())

    def _set(self) -> None:
        rows = [one for one in self._pages(rows=True) if one.parent == self.source.id]
        if rows:
            self._space.set(self._chance.choice(rows), self._values())

    def _values(self) -> dict[str, Any]:
        title = [{"text": {"content": self._words()}}]
        return {"Name": {"title": title}, "Height": {"number": self._chance.randrange(9)}}

    def _cut(self) -> None:
        page = self._one(self._pages(rows=True))
        blocks = [self._space.things[one] for one in page.children] if page else []
        kept = [one for one in blocks if one.kind == "block" and not one.in_trash]
        if kept:
            self._space.trash(self._chance.choice(kept))

    def _move(self) -> None:
        page, above = self._one(self._pages()), self._one(self._pages())
        if page and above and page not in self._space.above(above):
            self._space.move(page, above.id)

    def _trash(self) -> None:
        page = self._one(self._pages(rows=True))
        if page:
            self._space.trash(page)

    def _restore(self) -> None:
        page = self._one(self._pages(rows=True, trashed=True))
        if page:
            self._space.trash(page, back=True)

    def _hide(self) -> None:
        """All that lies below the first page is shared no more."""
        self._space.shared.discard(self._desk.home.id)

    def _share(self) -> None:
        page = self._one(self._pages())
        self._space.shared.add(self._desk.home.id if page is None else page.id)
        self._space.shared.add(self._desk.home.id)

    def _purge(self) -> None:
        page = self._one(self._pages(rows=True, trashed=True))
        if page:
            self._space.purge(page)

    def _wait(self) -> None:
        self._space.world.clock.advance(self._chance.choice((20.0, 90.0, 600.0)))
