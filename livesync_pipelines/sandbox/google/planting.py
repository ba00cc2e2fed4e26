"""What is in the pretend Drive before anybody comes: documents of every kind, the same for the same
seed."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.files import (
    DOCUMENT,
    FOLDER,
    PRESENTATION,
    SHORTCUT,
    SPREADSHEET,
    File,
)
from livesync_pipelines.sandbox.world import Person, World

_IN_A_FOLDER = 25
_KINDS = (
    *(("text/markdown", ".md"),) * 5,
    *((DOCUMENT, ""),) * 3,
    (SPREADSHEET, ""),
    (PRESENTATION, ""),
)
_PLANTS = """
acorn alder amber arbor aspen autumn bark basil beech birch bloom branch bud canopy
cedar clover compost cone cutting daisy dew drought elder elm fern field forest frond
fruit garden germination ginkgo graft grass grove harvest hazel heath hedge herb humus
iris ivy juniper kelp larch laurel leaf lichen lily linden loam maple meadow mint moss
mulch nectar nettle oak orchard orchid petal pine plum pollen poppy prune rain reed root
rose sage sapling season seed shade shoot shrub soil spore spring sprout stem summer sun
thistle thyme trellis trunk tulip twig vine violet walnut water weed willow winter wood
yarrow yew
"""
_WORDS = _PLANTS.split()


def planted(world: World, documents: int) -> Drive:
    """A Drive in which Ada has so many documents under `My Drive/Handbook`, in folders of 25, half
    of them Markdown files, the others native.

    Besides: a shared drive `Greenhouse` of Ada's and Ben's with one document, a shortcut, a file in
    the trash, and a file of Ben's that Ada may read.
    """
    drive, ada, ben = Drive(world), world.people[0], world.people[1]
    garden = _Garden(drive, world.seed)
    handbook = garden.folder(ada, "Handbook", drive.tree.root(ada))
    folder, first = handbook, None
    for number in range(documents):
        if number % _IN_A_FOLDER == 0:
            folder = garden.folder(ada, f"Chapter {number // _IN_A_FOLDER + 1}", handbook)
        made = garden.document(ada, number, folder)
        first = first or made
    _besides(drive, garden, ada, ben, first or handbook)
    return drive


def _besides(drive: Drive, garden: _Garden, ada: Person, ben: Person, first: File) -> None:
    members = {ada.email: "organizer", ben.email: "writer"}
    shared = drive.make_shared_drive(ada, "Greenhouse", members)
    garden.text(ada, "Opening hours.md", drive.tree.files[shared.id])
    garden.shortcut(ada, "Start here", drive.tree.root(ada), first)
    garden.text(ada, "Old plan.md", drive.tree.root(ada), trashed=True)
    notes = garden.text(ben, "Ben's notes.md", drive.tree.root(ben))
    drive.share(ben, notes, ada.email, "reader")


class _Garden:
    """Makes files in a Drive."""

    def __init__(self, drive: Drive, seed: int) -> None:
        self._drive = drive
        self._seed = seed

    def folder(self, by: Person, name: str, parent: File) -> File:
        return self._drive.save(by, self._new(by, name, FOLDER, parent))

    def shortcut(self, by: Person, name: str, parent: File, target: File) -> File:
        made = self._new(by, name, SHORTCUT, parent)
        leads = replace(made, target=target.id, target_mime_type=target.mime_type)
        return self._drive.save(by, leads)

    def text(self, by: Person, name: str, parent: File, *, trashed: bool = False) -> File:
        made = replace(self._new(by, name, "text/markdown", parent), trashed=trashed)
        return self._filled(made, f"# {name}\n\n{self._sentences(name)}\n")

    def document(self, by: Person, number: int, parent: File) -> File:
        """The kinds take turns."""
        kind, ending = _KINDS[number % len(_KINDS)]
        title = f"{self._words(f'title {number}')[0].capitalize()} {number + 1}"
        made = self._new(by, f"{title}{ending}", kind, parent)
        return self._filled(made, self._content(kind, title, number))

    def _content(self, kind: str, title: str, number: int) -> str:
        if kind == SPREADSHEET:
            words = self._words(f"rows {number}")
            rows = [f"{n + 1},{word},{len(word) * 3}" for n, word in enumerate(words)]
            return "\n".join(("number,plant,height", *rows, ""))
        parts = [self._sentences(f"{number} {part}") for part in range(3)]
        if kind == PRESENTATION:
            return "\n\n".join((title, *parts)) + "\n"
        headed = [f"## Part {n + 1}\n\n{part}" for n, part in enumerate(parts)]
        return "\n\n".join((f"# {title}", *headed)) + "\n"

    def _sentences(self, about: str) -> str:
        words = self._words(about)
        halves = (words[:16], words[16:])
        return " ".join(f"{' '.join(half).capitalize()}." for half in halves)

    def _words(self, about: str) -> list[str]:
        """Thirty-two of them."""
        digest = sha256(f"{self._seed}:{about}".encode()).digest()
        return [_WORDS[byte % len(_WORDS)] for byte in digest]

    def _new(self, by: Person, name: str, kind: str, parent: File) -> File:
        at = self._drive.world.clock.stamp()
        return File(
            id=self._drive.new_id(),
            name=name,
            mime_type=kind,
            parent=parent.id,
            drive_id=parent.drive_id,
            owner=None if parent.drive_id is not None else by,
            created=at,
            modified=at,
            by=by,
        )

    def _filled(self, file: File, content: str) -> File:
        head = self._drive.revision(file.by, content.encode(), file.mime_type, file.created)
        return self._drive.save(file.by, replace(file, revisions=(head,)))
