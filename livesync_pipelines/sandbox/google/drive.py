"""The pretend Drive's state, and the only way to change it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from livesync_pipelines.sandbox.google.files import FOLDER, File, Revision, SharedDrive, with_role
from livesync_pipelines.sandbox.google.tree import Tree
from livesync_pipelines.sandbox.world import Person, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that was done. `before` is None for a new file, `after` for a deleted one;
    `told`: everybody (by e-mail) whose feed shows it."""

    at: datetime
    by: Person
    before: File | None
    after: File | None
    told: frozenset[str]

    @property
    def file(self) -> File:
        file = self.after or self.before
        assert file is not None
        return file


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a change feed; without `file_id`: of the shared drive itself."""

    at: datetime
    file_id: str | None
    drive_id: str | None


class Drive:
    """Files, shared drives, change feeds, and all that has ever happened.

    There is a feed for each person (`feed(email)`), which also has what happens in the shared
    drives that they see, and one for each shared drive (`feed(drive_id)`). A file to which
    something has happened twice is in it twice.

    `made_by_client`: the ids of what was made through the API, of which the sandbox has one client:
    all that the scope `drive.file` lets anybody see and write.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.tree = Tree()
        self.history: list[Event] = []
        self.generated: set[str] = set()
        self.made_by_client: set[str] = set()
        self.listeners: list[Callable[[Event], None]] = []
        self._feeds: defaultdict[str, list[Entry]] = defaultdict(list)
        for person in world.people:
            self._make_root(person)

    def feed(self, whose: str) -> list[Entry]:
        return self._feeds[whose]

    def generate_id(self) -> str:
        """For a file that somebody means to make."""
        self.generated.add(made := self.new_id())
        return made

    def new_id(self) -> str:
        return f"1{self.world.ids.new('google:file', 32)}"

    def revision(self, by: Person, content: bytes, mime_type: str, at: datetime) -> Revision:
        made = self.world.ids.new("google:revision", 40)
        return Revision(id=f"0B{made}", content=content, mime_type=mime_type, at=at, by=by)

    def save(self, by: Person, file: File) -> File:
        """A new file, or a new state of one; a known one gets its next version. Whoever gains or
        loses sight of what is below is told of each file there."""
        before = self.tree.files.get(file.id)
        after = file if before is None else replace(file, version=before.version + 1)
        at = self.world.clock.stamp()
        moved = before is not None and (before.parent, before.roles) != (after.parent, after.roles)
        below = self.tree.below(after) if moved else []
        saw = {
            known.id: self.tree.audience(known) for known in ([before] if before else []) + below
        }
        self.tree.put(after)
        self._tell(at, by, before, after, saw.get(after.id, frozenset()))
        for child in below:
            kept = replace(child, drive_id=after.drive_id)
            self.tree.put(kept)
            sees = self.tree.audience(kept)
            self._show(at, kept, sees, saw[child.id], told=sees ^ saw[child.id])
        return after

    def delete(self, by: Person, file: File) -> None:
        """For good, with everything below."""
        doomed = [file, *self.tree.below(file)]
        saw = {gone.id: self.tree.audience(gone) for gone in doomed}
        at = self.world.clock.stamp()
        for gone in reversed(doomed):
            self.tree.drop(gone)
            self._tell(at, by, gone, None, saw[gone.id])

    def share(self, by: Person, file: File, email: str, role: str | None) -> File:
        """None takes the role away."""
        return self.save(by, with_role(file, email, role))

    def make_shared_drive(self, by: Person, name: str, members: Mapping[str, str]) -> SharedDrive:
        at = self.world.clock.stamp()
        drive = SharedDrive(f"0A{self.world.ids.new('google:drive', 17)}", name, at, dict(members))
        self.tree.drives[drive.id] = drive
        self.tree.put(self._folder(drive.id, name, by=by, at=at, drive_id=drive.id))
        self._note(members, Entry(at, None, drive.id))
        return drive

    def set_member(self, drive_id: str, email: str, role: str | None) -> SharedDrive:
        """Let somebody into a shared drive, or out of it (None), with all that it holds."""
        before = self.tree.drives[drive_id]
        members = {name: kept for name, kept in before.members.items() if name != email}
        members |= {} if role is None else {email: role}
        after = replace(before, members=members)
        self.tree.drives[drive_id] = after
        at = self.world.clock.stamp()
        self._note([email], Entry(at, None, drive_id))
        for file in self.tree.below(self.tree.files[drive_id]):
            one = frozenset((email,))
            gained, lost = (one, frozenset[str]()) if role else (frozenset[str](), one)
            self.tree.show(file.id, gained, lost)
        return after

    def _make_root(self, person: Person) -> None:
        made = f"0A{self.world.ids.new('google:root', 15)}PVA"
        root = self._folder(made, "My Drive", by=person, at=self.world.clock.stamp())
        self.tree.put(replace(root, owner=person))
        self.tree.roots[person.email] = made

    def _folder(
        self, made: str, name: str, *, by: Person, at: datetime, drive_id: str | None = None
    ) -> File:
        return File(
            id=made,
            name=name,
            mime_type=FOLDER,
            parent=None,
            drive_id=drive_id,
            owner=None,
            created=at,
            modified=at,
            by=by,
        )

    def _tell(
        self,
        at: datetime,
        by: Person,
        before: File | None,
        after: File | None,
        saw: frozenset[str],
    ) -> None:
        sees = frozenset[str]() if after is None else self.tree.audience(after)
        file = after or before
        assert file is not None
        self._show(at, file, sees, saw, told=sees | saw)
        if before is not None and before.drive_id not in {None, file.drive_id}:
            self._note([before.drive_id], Entry(at, file.id, before.drive_id))
        event = Event(at=at, by=by, before=before, after=after, told=sees | saw)
        self.history.append(event)
        for listener in self.listeners:
            listener(event)

    def _show(
        self,
        at: datetime,
        file: File,
        sees: frozenset[str],
        saw: frozenset[str],
        told: frozenset[str],
    ) -> None:
        self.tree.show(file.id, sees - saw, saw - sees)
        drive = [] if file.drive_id is None else [file.drive_id]
        self._note([*sorted(told), *drive], Entry(at, file.id, file.drive_id))

    def _note(self, feeds: Iterable[str], entry: Entry) -> None:
        for whose in feeds:
            self._feeds[whose].append(entry)
