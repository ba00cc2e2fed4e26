"""Where files are, and who sees them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from livesync_pipelines.sandbox.google.files import File, SharedDrive, higher
from livesync_pipelines.sandbox.world import Person


class Tree:
    """All files by id, by folder, and by who sees them; each look costs what it finds."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.drives: dict[str, SharedDrive] = {}
        self.roots: dict[str, str] = {}
        self._children: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._seen: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def put(self, file: File) -> None:
        """A new file, or what has become of one. Who sees it is `show`n besides."""
        before = self.files.get(file.id)
        if before is not None and before.parent not in {None, file.parent}:
            self._children[before.parent].pop(file.id, None)
        self.files[file.id] = file
        if file.parent is not None:
            self._children[file.parent][file.id] = None

    def drop(self, file: File) -> None:
        del self.files[file.id]
        self._children.pop(file.id, None)
        if file.parent is not None:
            self._children[file.parent].pop(file.id, None)

    def show(self, file_id: str, gained: frozenset[str], lost: frozenset[str]) -> None:
        """Who (by e-mail) sees the file from now on, and who no longer."""
        for email in gained:
            self._seen[email][file_id] = None
        for email in lost:
            self._seen[email].pop(file_id, None)

    def seen_by(self, email: str) -> Iterator[File]:
        return (self.files[file_id] for file_id in self._seen[email])

    def children(self, folder_id: str) -> Iterator[File]:
        return (self.files[file_id] for file_id in self._children.get(folder_id, ()))

    def below(self, file: File) -> list[File]:
        """Everything under it, each folder before what is in it."""
        found, open_folders = [], [file.id]
        while open_folders:
            inside = list(self.children(open_folders.pop()))
            found += inside
            open_folders += [child.id for child in inside]
        return found

    def chain(self, file: File) -> Iterator[File]:
        """The file, its folder, and so on up to the root."""
        here: File | None = file
        while here is not None:
            yield here
            here = self.files.get(here.parent) if here.parent is not None else None

    def in_trash(self, file: File) -> bool:
        return any(above.trashed for above in self.chain(file))

    def path(self, file: File) -> str:
        names = [above.name for above in self.chain(file)]
        return "/".join(reversed(names))

    def role(self, email: str, file: File) -> str | None:
        """What the person may do with it, by its own roles and those of all folders above."""
        if file.drive_id is not None:
            return self.drives[file.drive_id].members.get(email)
        if file.owner is not None and file.owner.email == email:
            return "owner"
        role: str | None = None
        for above in self.chain(file):
            role = higher(role, above.roles.get(email))
            if above.owner is not None and above.owner.email == email:
                role = higher(role, "writer")
        return role

    def audience(self, file: File) -> frozenset[str]:
        """Everybody who sees it, by e-mail."""
        if file.drive_id is not None:
            return frozenset(self.drives[file.drive_id].members)
        emails: set[str] = set()
        for above in self.chain(file):
            emails |= above.roles.keys()
            emails |= {above.owner.email} if above.owner is not None else set()
        return frozenset(emails)

    def root(self, person: Person) -> File:
        return self.files[self.roots[person.email]]
