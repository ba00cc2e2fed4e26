"""The walk over a folder: keys in code-point order, without a list of everything."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from livesync_pipelines.connectors import _disk as disk
from livesync_pipelines.connectors._globs import Globs
from livesync_pipelines.connectors.files import PART
from livesync_pipelines.model.errors import ItemFailure

Found = tuple[str, os.stat_result] | ItemFailure | str
"""A file with its key, an item that cannot be seen, or a prefix below which nothing can."""


_Named = tuple[str, os.DirEntry[str]]


@dataclass(frozen=True, slots=True)
class _Level:
    """One open folder: the names still to come; its device and inode where links are followed."""

    names: Iterator[_Named]
    mark: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """`follow`: symbolic links too; a link to a folder that it lies in is left out.
    `hidden`: names that begin with a dot too, but for files that we are writing."""

    root: str
    globs: Globs
    follow: bool
    hidden: bool

    def after(self, resume: str) -> Iterator[Found]:
        """What comes after the key `resume`, in key order; the names of one folder per level
        are held. Raises OSError where the root itself cannot be read."""
        levels = [_Level(self._names("", self.root, resume), _mark(os.stat(self.root)))]
        while levels:
            for key, entry in levels[-1].names:
                if not key.isascii() and not disk.storable(key):
                    yield ItemFailure(disk.printable(key), "bad_name", "its name is not UTF-8")
                elif key[-1] != "/":
                    try:
                        yield key, entry.stat(follow_symlinks=self.follow)
                    except OSError as error:
                        yield from _unseen(key, entry, error)
                else:
                    below = self._below(key, entry, levels, resume)
                    if isinstance(below, _Level):
                        levels.append(below)
                        break
                    yield from below
            else:
                levels.pop()

    def _names(self, prefix: str, path: str, resume: str) -> Iterator[_Named]:
        """The keys in one folder that the selection means, in order; a folder's ends in a slash."""
        found = []
        with os.scandir(path) as names:
            for entry in names:
                key = prefix + entry.name
                if entry.name[0] == "." and (not self.hidden or PART.fullmatch(entry.name)):
                    continue
                try:
                    if entry.is_dir(follow_symlinks=self.follow):
                        key += "/"
                        wanted = self.globs.enters(key) and _ahead(key, resume)
                    else:
                        wanted = key > resume and self.globs.keeps(key)
                        wanted = wanted and entry.is_file(follow_symlinks=self.follow)
                except OSError:
                    wanted = key > resume
                if wanted:
                    found.append((key, entry))
        found.sort(key=itemgetter(0))
        return iter(found)

    def _below(
        self, key: str, entry: os.DirEntry[str], levels: Sequence[_Level], resume: str
    ) -> _Level | tuple[Found, ...]:
        """The folder at `key`, opened; or nothing (gone, a loop), or why it is not seen."""
        try:
            mark = _mark(entry.stat()) if self.follow else None
            if mark and any(level.mark == mark for level in levels):
                return ()
            return _Level(self._names(key, entry.path, resume), mark)
        except OSError as error:
            if error.errno in disk.GONE:
                return ()
            reason = f"the folder cannot be read: {error.strerror}"
            return ItemFailure(key, "unreadable", reason), key


def _ahead(folder: str, resume: str) -> bool:
    """Whether any key below the folder comes after `resume`."""
    return folder > resume or resume.startswith(folder)


def _unseen(key: str, entry: os.DirEntry[str], error: OSError) -> tuple[Found, ...]:
    """Nothing where the file is gone; else why, and for a link also that it may hide a folder."""
    if error.errno in disk.GONE:
        return ()
    failure = ItemFailure(key, "unreadable", f"it cannot be seen: {error.strerror}")
    return (failure, f"{key}/") if entry.is_symlink() else (failure,)


def _mark(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
