"""Files put below one folder of Google Drive, by their paths.

Drive knows no condition on a write: a file is looked at before, and what came of it after. An edit
that somebody makes in between is found among the file's revisions, and given back.
Google's discovery document of 2026-11-06, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import md5
from io import BytesIO

from livesync_pipelines.connectors._google_drive_api import DriveApi
from livesync_pipelines.connectors._google_drive_tree import Tree
from livesync_pipelines.connectors._google_drive_writer import DriveWriter
from livesync_pipelines.connectors._google_files import DriveFile, version_of, versioned
from livesync_pipelines.connectors.files import Moved
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.net.verdict import BadAnswer, Gone

_IDS_AT_ONCE = 100


class Placing:
    """`root` is the folder; keys have been checked: each is a path that stays below it."""

    def __init__(
        self, drive: DriveApi, writer: DriveWriter, root: DriveFile, where: str, max_bytes: int
    ) -> None:
        self._drive = drive
        self._writer = writer
        self._root = root
        self._where = where
        self._max_bytes = max_bytes
        self._folders: dict[str, str] = {"": root.id}
        self._ids: list[str] = []
        self._reserved: dict[str, str] = {}

    def looked(self) -> Tree:
        """All that lies below the folder now."""
        root = self._root
        found = self._below(root)
        for path, file_id in list(self._reserved.items()):
            made = self._drive.file(file_id)
            if made is None:
                continue
            del self._reserved[path]
            if not made.trashed and file_id not in found:
                found |= {file_id: made} | (self._below(made) if made.is_folder else {})
        tree = Tree.of(root.id, found.values())
        self._folders = dict(tree.folders)
        return tree

    def put(self, key: str, content: bytes, expected: str | None) -> str:
        with self._told(key):
            if expected is None:
                made = self._create(key, content)
            else:
                made = self._replace(self._expected(key, expected), key, content)
            return versioned(made.id, made.md5)

    def remove(self, key: str, expected: str) -> None:
        """Its folder stays, even if it is empty now: it may be shared with people."""
        with self._told(key):
            file_id, digest = version_of(expected)
            file = self._drive.file(file_id)
            if file is None or file.trashed or not self._lies_at(file, key):
                return
            self._check(key, file, digest)
            after = self._writer.trash(file)
            if after.md5 != digest:
                self._writer.restore(after)
                raise self._moved(key, "was edited meanwhile")

    def move(self, key: str, to: str, expected: str) -> str:
        with self._told(to):
            file = self._expected(key, expected)
            parent, name = self._free(to)
            after = self._writer.move(file, name, parent)
            self._check(to, after, file.md5)
            if (after.parent, after.name) != (parent, name):
                raise self._moved(to, "is elsewhere now")
            return versioned(after.id, after.md5)

    def reserve(self, key: str) -> dict[str, str]:
        """Ids for a new file and the folders that it will need, by path; those of folders end in a
        slash."""
        parts = key.split("/")
        paths = ["/".join(parts[:end]) for end in range(1, len(parts))]
        wanted = [f"{path}/" for path in paths if path not in self._folders]
        for path in (*wanted, key):
            if path not in self._reserved:
                self._reserved[path] = self._new_id()
        return {path: self._reserved[path] for path in (*wanted, key)}

    def recall(self, reserved: Mapping[str, str]) -> None:
        self._reserved.update(reserved)

    def _below(self, folder: DriveFile) -> dict[str, DriveFile]:
        pages = self._drive.below(folder.id, self._root.drive_id, trashed=False)
        return {file.id: file for page in pages for file in page}

    def _create(self, key: str, content: bytes) -> DriveFile:
        parent, name = self._free(key)
        made = self._writer.create(self._id_of(key), name, parent, content)
        if made.trashed or (made.parent, made.name) != (parent, name):
            raise self._moved(key, "is elsewhere by now")
        self._check(key, made, _digest(content))
        return made

    def _replace(self, file: DriveFile, key: str, content: bytes) -> DriveFile:
        if file.md5 == _digest(content):
            return file
        after = self._writer.replace(file, content)
        self._check(key, after, _digest(content))
        theirs = self._slipped_in(file, after)
        if theirs is not None:
            into = BytesIO()
            self._drive.revision(file.id, theirs, into, self._max_bytes)
            self._writer.replace(after, into.getvalue())
            raise self._moved(key, "was edited meanwhile")
        return after

    def _slipped_in(self, before: DriveFile, after: DriveFile) -> str | None:
        """The revision that somebody has made between these two, where there is one."""
        states = self._drive.revisions(after.id)
        names = [name for name, _ in states]
        if before.head not in names or after.head not in names:
            return None
        between = states[names.index(before.head) + 1 : names.index(after.head)]
        others = [name for name, digest in between if digest != after.md5]
        return others[-1] if others else None

    def _expected(self, key: str, expected: str) -> DriveFile:
        """The file that was listed under this key, if it still is that. Raises `Moved`."""
        file_id, digest = version_of(expected)
        file = self._drive.file(file_id)
        if file is None or file.trashed:
            raise self._moved(key, "is gone")
        if not self._lies_at(file, key):
            raise self._moved(key, "is elsewhere now")
        self._check(key, file, digest)
        return file

    def _check(self, key: str, file: DriveFile, digest: str) -> None:
        if file.md5 != digest:
            raise self._moved(key, "is another than it was")

    def _lies_at(self, file: DriveFile, key: str) -> bool:
        *folders, name = key.split("/")
        return file.name == name and file.parent == self._entered(folders, make=False)

    def _free(self, key: str) -> tuple[str, str]:
        """The folder in which a new file is to lie, made where it was not there, and its name.
        Raises `Moved` where that has one of this name."""
        *folders, name = key.split("/")
        parent = self._entered(folders, make=True)
        assert parent is not None
        if any(file.kind == "file" for file in self._called(name, parent)):
            raise self._moved(key, "was made meanwhile")
        return parent, name

    def _entered(self, folders: Sequence[str], *, make: bool) -> str | None:
        """The id of a folder by its path; None where it is not there and not to be made."""
        path, at = "", self._root.id
        for name in folders:
            path = f"{path}/{name}" if path else name
            found = self._folders.get(path) or self._folder(path, name, at, make=make)
            if found is None:
                return None
            self._folders[path] = at = found
        return at

    def _folder(self, path: str, name: str, parent: str, *, make: bool) -> str | None:
        same = [file for file in self._called(name, parent) if file.is_folder]
        if len(same) > 1:
            raise BadInput(
                f"{self._where} has {len(same)} folders {path}",
                hint="Rename all but one of them.",
                where=self._where,
            )
        if same or not make:
            return same[0].id if same else None
        return self._writer.folder(self._id_of(f"{path}/"), name, parent).id

    def _called(self, name: str, parent: str) -> list[DriveFile]:
        return self._drive.called(name, parent, self._root.drive_id)

    def _id_of(self, path: str) -> str:
        return self._reserved.pop(path, None) or self._new_id()

    def _new_id(self) -> str:
        if not self._ids:
            self._ids = self._writer.new_ids(_IDS_AT_ONCE)
        return self._ids.pop()

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """What concerns one file alone, as such."""
        try:
            yield
        except Gone as error:
            raise self._moved(key, "or a folder above it is gone") from error
        except BadAnswer as error:
            raise BadInput(
                f"{key} cannot be written in {self._where}: {error.message}",
                hint="May the account edit what is there, and the folder that it lies in?",
                where=self._where,
            ) from error

    def _moved(self, key: str, what: str) -> Moved:
        return Moved(f"{key} in {self._where} {what}; it was left alone", where=self._where)


def _digest(content: bytes) -> str:
    return md5(content, usedforsecurity=False).hexdigest()
