"""One person's Dropbox: its state, everything that has happened to it, and the only way to change
it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from livesync_pipelines.sandbox.dropbox.errors import DropboxError
from livesync_pipelines.sandbox.dropbox.nodes import Event, Node, hash_of, lower, parent_of
from livesync_pipelines.sandbox.world import Person, World


class Box:
    """`log` is the change feed of everything; a folder that is deleted is one line of it, one that
    is moved a line for the old path and one for each thing that has come to a new one. A move makes
    new revisions and keeps ids."""

    def __init__(self, world: World, person: Person) -> None:
        self.person = person
        self.account_id = f"dbid:{world.ids.new('dropbox:account', 35)}"
        self.log: list[Event] = []
        self.listeners: list[Callable[[Box], None]] = []
        self.generation = 0
        self._world = world
        self._nodes: dict[str, Node] = {}
        self._ids: dict[str, str] = {}
        self._revs: dict[str, Node] = {}
        self._children: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def at(self, path: str) -> Node | None:
        return self._nodes.get(lower(path))

    def by_id(self, node_id: str) -> Node | None:
        return self._nodes.get(self._ids.get(node_id, ""))

    def by_rev(self, rev: str) -> Node | None:
        """A file as it was in this revision."""
        return self._revs.get(rev)

    def nodes(self) -> list[Node]:
        return [self._nodes[key] for key in sorted(self._nodes)]

    def below(self, key: str, *, deep: bool) -> Iterator[Node]:
        """What lies in a folder, each folder before what it holds."""
        for child in list(self._children.get(key, ())):
            yield self._nodes[child]
            if deep:
                yield from self.below(child, deep=True)

    def forget_cursors(self) -> None:
        """Whoever follows the changes must list again."""
        self.generation += 1

    def write(self, path: str, content: bytes, client_changed: datetime | None = None) -> Node:
        """A file at this path, with the folders that it needs; one that is there keeps its id."""
        self._make_parents(path)
        there = self.at(path)
        at = self._world.clock.stamp()
        node = Node(
            id=there.id if there is not None else self._new_id(),
            path=path if there is None else there.path,
            rev=self._new_rev(),
            content=content,
            content_hash=hash_of(content),
            changed=at,
            client_changed=client_changed or at,
        )
        self._put(node)
        self._tell()
        return node

    def make_folder(self, path: str, *, shared: bool = False) -> Node:
        """Where it is `shared`, others are in it too."""
        self._make_parents(path)
        made = f"{84_000_000 + len(self.log)}" if shared else ""
        node = Node(id=self._new_id(), path=path, shared_folder_id=made)
        self._put(node)
        self._tell()
        return node

    def delete(self, node: Node) -> None:
        """With all that is below it."""
        for gone in [*self.below(node.key, deep=True), node]:
            self._drop(gone)
        self.log.append(Event(node.path, None))
        self._tell()

    def move(self, node: Node, path: str) -> Node:
        """With all that is below it."""
        self._make_parents(path)
        moved = [node, *self.below(node.key, deep=True)]
        for gone in reversed(moved):
            self._drop(gone)
        self.log.append(Event(node.path, None))
        for one in moved:
            rev = one.rev and self._new_rev()
            self._put(replace(one, path=path + one.path[len(node.path) :], rev=rev))
        self._tell()
        return self._nodes[lower(path)]

    def _make_parents(self, path: str) -> None:
        """Raises DropboxError where one of them is a file."""
        parent = parent_of(path)
        there = self.at(parent)
        if not parent or (there is not None and there.is_folder):
            return
        if there is not None:
            raise DropboxError("conflict", "file_ancestor")
        self._make_parents(parent)
        self._put(Node(id=self._new_id(), path=parent))

    def _put(self, node: Node) -> None:
        self._nodes[node.key] = node
        self._ids[node.id] = node.key
        self._children[parent_of(node.key)][node.key] = None
        if node.rev:
            self._revs[node.rev] = node
        self.log.append(Event(node.path, node))

    def _drop(self, node: Node) -> None:
        del self._nodes[node.key]
        del self._ids[node.id]
        del self._children[parent_of(node.key)][node.key]

    def _tell(self) -> None:
        for listener in self.listeners:
            listener(self)

    def _new_id(self) -> str:
        return f"id:{self._world.ids.new('dropbox:file', 22)}"

    def _new_rev(self) -> str:
        return self._world.ids.new("dropbox:rev", 21)
