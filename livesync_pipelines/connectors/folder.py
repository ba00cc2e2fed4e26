"""A folder on disk.

Linux manual pages stat(2) and stat(3type), read 2026-11-21.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

import pyarrow as pa
from pydantic import Field

from livesync_pipelines.connectors import _disk as disk
from livesync_pipelines.connectors._globs import Glob, Globs
from livesync_pipelines.connectors._placing import Placing
from livesync_pipelines.connectors._walk import Found, Walk
from livesync_pipelines.connectors._watch import Watch
from livesync_pipelines.connectors.base import (
    PAGE_ITEMS,
    FetchLimits,
    Listed,
    Memory,
    Options,
)
from livesync_pipelines.connectors.files import not_selected, safe
from livesync_pipelines.model.errors import BadInput, ItemFailure, LiveSyncError, Unavailable
from livesync_pipelines.model.records import LISTING, Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec


class FolderConnection(Options):
    """`path`: the folder; relative to the current directory, `~` is the home."""

    path: str = Field(min_length=1)


class FolderSelection(Options):
    """Globs over the path below the folder. Names that begin with a dot are left out unless
    `hidden`; symbolic links are left out unless `follow_symlinks`."""

    include: list[Glob] = Field(default=["**/*"], min_length=1)
    exclude: list[Glob] = Field(default=[])
    follow_symlinks: bool = False
    hidden: bool = False


class Folder(Listed):
    """Files below one folder. A key is the path below it, with slashes."""

    spec = PlatformSpec(
        name="folder",
        title="Folder",
        clock=Clock(granularity_s=0.01),
        absence=Absence.DELETED,
        ordered=True,
        identity=True,
        identity_reused=True,
        docs=(
            "https://manpages.debian.org/stretch/manpages-dev/stat.2 (2026-11-21)",
            "https://manpages.ubuntu.com/manpages/noble/man3/stat.3type.html (2026-11-21)",
        ),
        quirks=(
            "version is inode, size, mtime and ctime: chmod and rename change it too",
            "two writes of the same size within one clock tick (up to 10 ms) look the same",
            "an inode number may be used again, so identity holds between two listings only",
            "names that are not UTF-8 cannot be stored: one failure each, never listed",
            "an empty folder on another device than last time is taken for an unmounted disk",
        ),
    )
    Connection = FolderConnection
    Selection = FolderSelection

    def __init__(
        self, connection: FolderConnection, selection: FolderSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._path = os.path.abspath(os.path.expanduser(connection.path))
        self._uri = Path(self._path).as_uri().rstrip("/")
        self._follow = selection.follow_symlinks
        self._walk = Walk(
            root=self._path,
            globs=Globs(selection.include, selection.exclude),
            follow=selection.follow_symlinks,
            hidden=selection.hidden,
        )
        self._watch = Watch(self._path, self._concerns)

    @property
    def path(self) -> str:
        """The folder, absolute."""
        return self._path

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        root = self._root(memory)
        page = _Page()
        for found in self._found(resume or ""):
            page.add(found)
            if isinstance(found, tuple) and page.size >= PAGE_ITEMS:
                self._check_same(root, memory)
                yield page.closed(resume=page.files[-1][0])
                page = _Page()
        self._check_same(root, memory)
        yield page.closed(complete=True, note=f"{root.st_dev}")

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        try:
            below = disk.Below(self._path, follow=self._follow)
        except OSError as error:
            raise self._unavailable(f"cannot be opened: {error.strerror}") from error
        with closing(below):
            for entry in entries:
                yield self._body(below, entry.key)

    def place(self) -> str:
        return f"{Path(os.path.realpath(self._path)).as_uri().rstrip('/')}/"

    def name_of(self, key: str) -> str:
        return key

    def key_of(self, name: str) -> str:
        hidden = any(part.startswith(".") for part in name.split("/"))
        if not self._walk.globs.keeps(safe(name, f"folder {self._path}")) or (
            hidden and not self._walk.hidden
        ):
            raise not_selected(name, f"folder {self._path}")
        return name

    def put(self, key: str, content: bytes | IO[bytes], *, expected_version: str | None) -> str:
        placing = Placing(self._path, f"folder {self._path}")
        return placing.put(self.key_of(key), content, expected_version=expected_version)

    def remove(self, key: str, *, expected_version: str) -> None:
        placing = Placing(self._path, f"folder {self._path}")
        placing.remove(self.key_of(key), expected_version=expected_version)

    def wait(self, timeout_s: float) -> bool:
        return self._watch.wait(timeout_s)

    def _concerns(self, path: str) -> bool:
        """Whether a change of this path may show. A folder, or what is gone, may have held
        anything."""
        name = os.path.relpath(path, self._path).replace(os.sep, "/")
        if not self._walk.hidden and any(part.startswith(".") for part in name.split("/")):
            return False
        return self._walk.globs.keeps(name) or not os.path.isfile(path)

    def _root(self, memory: Memory) -> os.stat_result:
        """The folder as it is now. A folder that was there before and is not, or is suddenly
        empty and on another device, is a disk that is away and no deletion."""
        try:
            root = os.stat(self._path)
            with os.scandir(self._path) as names:
                empty = next(names, None) is None
        except OSError as error:
            raise self._root_error(error, memory) from error
        moved = memory.note is not None and memory.note != f"{root.st_dev}"
        if empty and moved and _knows_items(memory):
            raise self._unavailable(
                "is empty and on another device than before",
                hint="Mount its disk. If it is meant to be empty, put any file into it.",
            )
        return root

    def _root_error(self, error: OSError, memory: Memory) -> LiveSyncError:
        absent = isinstance(error, FileNotFoundError)
        if isinstance(error, NotADirectoryError):
            return BadInput(
                f"{self._path} is a file, not a folder",
                hint="Name its folder in `path`, and the file under `select: include:`.",
                where=f"folder {self._path}",
            )
        if absent and not _knows_items(memory):
            return BadInput(
                f"there is no folder {self._path}",
                hint="Create it, or mend `path` (a relative one begins where the command runs).",
                where=f"folder {self._path}",
            )
        return self._unavailable(
            "is not there any more" if absent else f"cannot be read: {error.strerror}"
        )

    def _check_same(self, root: os.stat_result, memory: Memory) -> None:
        """A disk that goes away while it is listed must not look like a deletion."""
        now = self._root(memory)
        if (now.st_dev, now.st_ino) != (root.st_dev, root.st_ino):
            raise self._unavailable("was replaced while it was listed")

    def _found(self, resume: str) -> Iterator[Found]:
        try:
            yield from self._walk.after(resume)
        except OSError as error:
            raise self._unavailable(f"cannot be read: {error.strerror}") from error

    def _body(self, below: disk.Below, key: str) -> Body | ItemFailure:
        read = below.read(key, max_bytes=self.limits.max_bytes)
        if isinstance(read, ItemFailure):
            return read
        content, found = read
        return Body(
            key=key,
            version=disk.version(found),
            content=content,
            name=key.rpartition("/")[2],
            url=f"{self._uri}/{quote(key)}",
            modified_at=disk.modified_at(found),
        )

    def _unavailable(self, what: str, *, hint: str = "") -> Unavailable:
        return Unavailable(
            f"the folder {self._path} {what}",
            hint=hint or "Mount or restore it; nothing was taken for deleted.",
            where=f"folder {self._path}",
        )


@dataclass(slots=True)
class _Page:
    """A page while it fills. It ends with a file: so what failed lies in the page's own range."""

    files: list[tuple[str, os.stat_result]] = field(default_factory=list)
    failures: list[ItemFailure] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.files) + len(self.failures)

    def add(self, found: Found) -> None:
        if isinstance(found, tuple):
            self.files.append(found)
        elif isinstance(found, str):
            self.blind.append(found)
        else:
            self.failures.append(found)

    def closed(
        self, *, resume: str | None = None, complete: bool = False, note: str | None = None
    ) -> ListingPage:
        return ListingPage(
            entries=_table(self.files),
            failures=tuple(self.failures),
            blind=tuple(self.blind),
            resume=resume,
            complete=complete,
            note=note,
        )


def _table(files: Sequence[tuple[str, os.stat_result]]) -> pa.Table:
    """A table of schema `LISTING`, column by column: no object is made per file."""
    stats = [found for _, found in files]
    columns: list[list[object]] = [
        [key for key, _ in files],
        [disk.version(found) for found in stats],
        [f"{found.st_dev:x}.{found.st_ino:x}" for found in stats],
        [found.st_size for found in stats],
        [disk.modified_us(found) for found in stats],
        [None] * len(files),
    ]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, LISTING, strict=True)]
    return pa.table(arrays, schema=LISTING)


def _knows_items(memory: Memory) -> bool:
    return next(memory.keys(), None) is not None
