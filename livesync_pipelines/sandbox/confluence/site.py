"""What a Confluence site holds, and how it changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from livesync_pipelines.sandbox.confluence.index import Index
from livesync_pipelines.sandbox.world import Person, World

Kind = Literal["page", "blogpost", "attachment", "comment"]
Status = Literal["current", "archived", "trashed"]

API_TOKEN = "sandbox-api-token"  # noqa: S105 - it opens nothing but the sandbox

READING_TOKEN = "sandbox-reading-token"  # noqa: S105 - the same
"""One with the scopes for reading and no others."""

_FIRST_ID = 65_537


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """`homepage`: the id of the page that is its root; None where it has none."""

    id: str
    key: str
    name: str
    homepage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    number: int
    at: datetime
    by: Person
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A page, a blog post, an attachment (`data`, `media_type`) or a footer comment.

    `parent`: the page above a page, the container of an attachment or a comment. `storage` and
    `adf` are its text in either format, empty where it is kept in the other one. `readers`: the
    e-mails of those who may see it; None for everybody.
    """

    id: str
    kind: Kind
    space_id: str
    title: str
    versions: tuple[Version, ...]
    parent: str | None = None
    status: Status = "current"
    storage: str = ""
    adf: str = ""
    data: bytes = b""
    media_type: str = ""
    labels: tuple[str, ...] = ()
    readers: frozenset[str] | None = None

    @property
    def head(self) -> Version:
        return self.versions[-1]


class Site:
    """Everything by id. Ids are numbers that nothing else ever has; attachments have `att` before
    them. `api_token`: the token of all its people; `index`: what its search knows."""

    def __init__(self, world: World, api_token: str = API_TOKEN) -> None:
        self.world = world
        self.api_token = api_token
        self.spaces: dict[str, Space] = {}
        self.contents: dict[str, Content] = {}
        self.labels: dict[str, str] = {}
        self.index: Index[Content] = Index(world.clock)
        self._next_id = _FIRST_ID

    def open_space(self, key: str, name: str, *, home: bool = False) -> Space:
        space = Space(id=self._new_id(), key=key, name=name)
        if home:
            space = replace(space, homepage=self.create("page", space, name).id)
        self.spaces[space.id] = space
        return space

    def close_space(self, space_id: str) -> None:
        """With all that is in it, at once and for good."""
        del self.spaces[space_id]
        gone = [one.id for one in self.contents.values() if one.space_id == space_id]
        for content_id in gone:
            self._drop(content_id)

    def create(
        self, kind: Kind, space: Space, title: str, *, by: Person | None = None, **more: Any
    ) -> Content:
        """`more`: further fields of the content."""
        prefix = "att" if kind == "attachment" else ""
        first = Version(number=1, at=self.world.clock.stamp(), by=by or self.world.people[0])
        made = Content(
            id=f"{prefix}{self._new_id()}",
            kind=kind,
            space_id=space.id,
            title=title,
            versions=(first,),
        )
        return self.keep(replace(made, **more))

    def edit(
        self, content_id: str, *, by: Person | None = None, message: str = "", **fields: Any
    ) -> Content:
        """Another version with these fields."""
        content = self.contents[content_id]
        version = Version(
            number=content.head.number + 1,
            at=self.world.clock.stamp(),
            by=by or self.world.people[0],
            message=message,
        )
        changed = replace(content, **fields)
        return self.keep(replace(changed, versions=(*content.versions, version)))

    def turn(self, content_id: str, status: Status) -> None:
        """Into the trash, the archive or back. No version is made."""
        self.keep(replace(self.contents[content_id], status=status))

    def trash(self, content_id: str) -> None:
        """The pages below move up to its parent. No version is made."""
        self.turn(content_id, "trashed")
        for child in self.children(content_id):
            if child.kind == "page":
                self.keep(replace(child, parent=self.contents[content_id].parent))

    def purge(self, content_id: str) -> None:
        """For good, with what hangs on it; the pages below move up to its parent."""
        self.trash(content_id)
        self._drop(content_id)
        for child in self.children(content_id):
            self._drop(child.id)

    def move(self, content_id: str, space: Space, parent: str | None = None) -> None:
        """With all below it, into a space and under a page of it. No version is made."""
        content = self.contents[content_id]
        self.keep(replace(content, space_id=space.id, parent=parent))
        for child in self.children(content_id):
            self.move(child.id, space, content_id)

    def restrict(self, content_id: str, readers: frozenset[str] | None) -> None:
        self.keep(replace(self.contents[content_id], readers=readers))

    def label(self, content_id: str, *names: str) -> None:
        """These labels and no others. No version is made."""
        for name in names:
            if name not in self.labels:
                self.labels[name] = self._new_id()
        self.keep(replace(self.contents[content_id], labels=names))

    def keep(self, content: Content) -> Content:
        self.contents[content.id] = content
        self.index.note(content.id, content)
        return content

    def _drop(self, content_id: str) -> None:
        del self.contents[content_id]
        self.index.note(content_id, None)

    def children(self, content_id: str) -> list[Content]:
        return [one for one in self.contents.values() if one.parent == content_id]

    def sees(self, person: Person, content: Content) -> bool:
        """A restriction holds for all that lies below."""
        if content.readers is not None and person.email not in content.readers:
            return False
        above = self.contents.get(content.parent or "")
        return above is None or self.sees(person, above)

    def seen_by(self, person: Person) -> list[Content]:
        """In the order of their ids."""
        seen = (one for one in self.contents.values() if self.sees(person, one))
        return sorted(seen, key=lambda one: number(one.id))

    def _new_id(self) -> str:
        self._next_id += 1
        return str(self._next_id)


def number(content_id: str) -> int:
    """What an id counts as when things are put in order."""
    return int(content_id.removeprefix("att"))
