"""What a Notion workspace holds, and how it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from livesync_pipelines.sandbox.notion.blocks import CHILDLESS, check, content_of, kind_of
from livesync_pipelines.sandbox.notion.errors import invalid, not_found
from livesync_pipelines.sandbox.notion.texts import rich
from livesync_pipelines.sandbox.notion.values import (
    Property,
    properties_of,
    property_of,
    uuid_of,
    value_of,
    values_of,
)
from livesync_pipelines.sandbox.world import Json, Person, World

SECRET = "ntn_sandbox-secret"  # noqa: S105 - it opens nothing but the sandbox

Kind = Literal["page", "database", "data_source", "block"]
Heard = Callable[[str, "Thing", Json], None]
"""Hears the type of an event, what it is about, and the event's data."""


@dataclass(slots=True, kw_only=True)
class Thing:
    """A page, a database, a data source or a block.

    - `parent`: None where it lies in the workspace itself.
    - `content` is of a block, `title` of a database and its data sources.
    - `values` are a page's by the ids of its properties; `schema` is a data source's.
    - `edits`: when it was edited, oldest first.
    """

    id: str
    kind: Kind
    parent: str | None
    made_at: datetime
    edited_at: datetime
    made_by: str
    edited_by: str
    type: str = ""
    content: Json = field(default_factory=dict)
    title: list[Json] = field(default_factory=list)
    values: Json = field(default_factory=dict)
    schema: dict[str, Property] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    number: int = 0
    in_trash: bool = False
    edits: list[datetime] = field(default_factory=list)


class Workspace:
    """Everything by id. `secret`: the token of the internal connection. `shared`: what its people
    have shared with the connection, with all that lies below. `unindexed`: what search does not
    show though it is there. `index_lag_s`: how long it takes until search shows what is new.
    `result_limit`: how many results a query shows in all."""

    def __init__(self, world: World, secret: str = SECRET) -> None:
        self.world = world
        self.secret = secret
        self.id = self.new_id("workspace")
        self.bot = self.new_id("bot")
        self.users = {self.new_id("user"): person for person in world.people}
        self.things: dict[str, Thing] = {}
        self.shared: set[str] = set()
        self.unindexed: set[str] = set()
        self.index_lag_s = 0.0
        self.result_limit = 10_000
        self.listeners: list[Heard] = []

    def page(
        self, title: str, *, parent: str | None = None, blocks: Sequence[Json] = (), by: str = ""
    ) -> Thing:
        """A page that is no row. One in the workspace itself is shared with the connection."""
        made = self._new("page", parent, by)
        made.values["title"] = rich(title)
        self._lay(made, parent, by)
        if blocks:
            self.append(made.id, blocks, by=by)
        self.tell("page.created", made)
        return made

    def database(self, title: str, schema: Json, *, parent: str | None = None) -> Thing:
        """Its one data source. `schema`: the settings of its properties by name. Raises
        `NotionError` for one that cannot be, and nothing has changed then."""
        properties = self._properties(schema)
        made = self._new("database", parent, "")
        made.title = rich(title)
        self._lay(made, parent, "")
        return self._source(made.id, title, properties)

    def data_source(self, database: str, title: str, schema: Json) -> Thing:
        return self._source(database, title, self._properties(schema))

    def new_property(self, name: str, said: Any) -> Property:
        """One to be added to a data source. Raises `NotionError`."""
        return property_of(name, said, self.world.ids, lambda one: self.named(one, "data_source"))

    def _properties(self, schema: Json) -> dict[str, Property]:
        return properties_of([self.new_property(name, said) for name, said in schema.items()])

    def _source(self, database: str, title: str, properties: dict[str, Property]) -> Thing:
        source = self._new("data_source", database, "")
        source.title = rich(title)
        source.schema = properties
        self.things[database].children.append(source.id)
        self.tell("data_source.created", source)
        return source

    def row(self, source: Thing, properties: Json, *, by: str = "") -> Thing:
        """A page in a data source, with these properties by name or id, as they are written."""
        values = self._values(source, properties)
        made = self._new("page", source.id, by)
        source.number += 1
        made.number = source.number
        made.values |= values
        source.children.append(made.id)
        self.tell("page.created", made)
        return made

    def set(self, page: Thing, properties: Json, *, by: str = "") -> None:
        """Write these properties of a page."""
        source = self.things.get(page.parent or "")
        if source is not None and source.kind == "data_source":
            values = self._values(source, properties)
            page.values |= values
            changed = list(values)
        else:
            unknown = [name for name in properties if name != "title"]
            if unknown:
                raise invalid(f"{unknown[0]} is not a property that exists.")
            page.values |= {"title": value_of("title", properties["title"])}
            changed = ["title"]
        self.touch(page, by)
        self.tell("page.properties_updated", page, updated_properties=changed)

    def append(
        self, parent: str, blocks: Sequence[Json], *, after: str | None = None, by: str = ""
    ) -> list[Thing]:
        """Blocks with all that is in them, at the end or after a block."""
        above = self.things[parent]
        check(blocks)
        if above.type in CHILDLESS:
            raise invalid(f"Block of type {above.type} does not support children.")
        made = [self._block(above, written, by) for written in blocks]
        for block in made:
            self._place(block, above, after)
            after = block.id if after is not None else None
        self.edited(above, made, by)
        return made

    def rewrite(self, block: Thing, written: Json, *, by: str = "") -> None:
        """Other content of a block of the same type."""
        if block.type not in written:
            raise invalid(f"body.{block.type} should be defined.")
        block.content = content_of(block.type, written[block.type], block.content)
        self.edited(block, [block], by)

    def trash(self, thing: Thing, *, back: bool = False, by: str = "") -> None:
        """Into the trash, or back."""
        if thing.in_trash is not back:
            return
        thing.in_trash = not back
        above = self.things.get(thing.parent or "")
        if thing.kind == "block":
            self.edited(thing, [thing], by)
            return
        self.touch(thing, by)
        if above is not None and above.kind in ("page", "block"):
            self.edited(above, [thing], by)
        self.tell(f"{thing.kind}.{'undeleted' if back else 'deleted'}", thing)

    def purge(self, thing: Thing) -> None:
        """For good, with all that is below it."""
        for child in list(thing.children):
            self.purge(self.things[child])
        above = self.things.get(thing.parent or "")
        if above is not None:
            above.children.remove(thing.id)
        self.shared.discard(thing.id)
        del self.things[thing.id]

    def move(self, page: Thing, parent: str) -> None:
        """Under another page; who may see it is then as there."""
        above, old = self.things[parent], self.things.get(page.parent or "")
        if old is not None:
            old.children.remove(page.id)
            self.edited(old, [page], "")
        self._place(page, above, None)
        page.parent = parent
        self.shared.discard(page.id)
        self.edited(above, [page], "")
        self.tell("page.moved", page)

    def edited(self, thing: Thing, blocks: Sequence[Thing], by: str) -> None:
        """Something in `thing` has changed: it and all up to its page bear the time of it."""
        at: Thing | None = thing
        while at is not None and at.kind == "block":
            self.touch(at, by)
            at = self.things.get(at.parent or "")
        if at is not None and at.kind == "page":
            self.touch(at, by)
            told = [{"id": one.id, "type": one.kind} for one in blocks]
            self.tell("page.content_updated", at, updated_blocks=told)

    def touch(self, thing: Thing, by: str) -> None:
        thing.edited_at, thing.edited_by = self.world.clock.stamp(), by or self.somebody
        thing.edits.append(thing.edited_at)

    def tell(self, event: str, thing: Thing, **data: Any) -> None:
        for listener in self.listeners:
            listener(event, thing, data)

    def above(self, thing: Thing) -> list[Thing]:
        """The thing itself and all it lies in, from within."""
        found = [thing]
        while found[-1].parent is not None:
            found.append(self.things[found[-1].parent])
        return found

    def named(self, said: Any, *kinds: str) -> Thing:
        """What bears this id, with dashes or without, of one of these kinds, as far as the
        connection sees. Raises `NotionError`."""
        thing = self.things.get(uuid_of(said, f"{kinds[0]}_id"))
        if thing is None or thing.kind not in kinds or not self.sees(thing):
            raise not_found(kinds[0], said)
        return thing

    def sees(self, thing: Thing) -> bool:
        """Whether the connection may know of it."""
        return any(one.id in self.shared for one in self.above(thing))

    def is_out(self, thing: Thing) -> bool:
        """Whether it, or anything it lies in, is in the trash, as far as the connection sees."""
        return any(one.in_trash and self.sees(one) for one in self.above(thing))

    @property
    def somebody(self) -> str:
        """The first of the people, who does what nobody else is said to do."""
        return next(iter(self.users))

    def user(self, person: Person) -> str:
        return next(user_id for user_id, one in self.users.items() if one == person)

    def new_id(self, kind: str) -> str:
        return str(UUID(hex=self.world.ids.new(f"notion:{kind}", 32), version=4))

    def _new(self, kind: Kind, parent: str | None, by: str) -> Thing:
        at, who = self.world.clock.stamp(), by or self.somebody
        made = Thing(
            id=self.new_id(kind),
            kind=kind,
            parent=parent,
            made_at=at,
            edited_at=at,
            made_by=who,
            edited_by=who,
            edits=[at],
        )
        self.things[made.id] = made
        return made

    def _block(self, above: Thing, written: Json, by: str) -> Thing:
        kind = kind_of(written)
        said = written.get(kind) or {}
        block = self._new("block", above.id, by)
        block.type = kind
        block.content = content_of(kind, said)
        for child in said.get("children") or written.get("children") or ():
            inner = self._block(block, child, by)
            block.children.append(inner.id)
        return block

    def _lay(self, made: Thing, parent: str | None, by: str) -> None:
        """Into the workspace itself, or as the last block of another page."""
        if parent is None:
            self.shared.add(made.id)
            return
        self._place(made, self.things[parent], None)
        self.edited(self.things[parent], [made], by)

    def _place(self, made: Thing, above: Thing, after: str | None) -> None:
        place = above.children.index(after) + 1 if after in above.children else None
        above.children.insert(len(above.children) if place is None else place, made.id)

    def _values(self, source: Thing, properties: Json) -> Json:
        ids = self.world.ids
        return values_of(source.schema, properties, ids, lambda one: self.named(one, "page"))
