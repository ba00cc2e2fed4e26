"""Files put into a folder: beside their place first, then into it in one step.

Linux manual pages link(2), rename(2), fsync(2), read 2026-11-22. No step follows a symbolic link.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import IO
from unicodedata import normalize

from livesync_pipelines.connectors import _disk as disk
from livesync_pipelines.connectors.files import Moved
from livesync_pipelines.model.errors import BadInput, LiveSyncError, Reauthorise, Unavailable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Placing:
    """`root` is absolute. Keys have been checked: no part of one leaves its folder."""

    root: str
    where: str

    def put(self, key: str, content: bytes | IO[bytes], *, expected_version: str | None) -> str:
        *folders, name = key.split("/")
        with self._told(key), ExitStack() as stack:
            made: list[tuple[int, str]] = []
            try:
                at = self._enter(folders, stack, made)
                return self._written(at, name, key, content, expected_version)
            except BaseException:
                for parent, folder in reversed(made):
                    with suppress(OSError):  # somebody else has put something into it
                        os.rmdir(folder, dir_fd=parent)
                raise

    def remove(self, key: str, *, expected_version: str) -> None:
        *folders, name = key.split("/")
        with self._told(key), ExitStack() as stack:
            try:
                levels = self._levels(folders, stack)
            except FileNotFoundError:
                return
            found = _stat(name, levels[-1])
            if found is None:
                return
            self._check(found, key, expected_version)
            os.unlink(name, dir_fd=levels[-1])
            os.fsync(levels[-1])
            for parent, folder in zip(reversed(levels[:-1]), reversed(folders), strict=True):
                try:
                    os.rmdir(folder, dir_fd=parent)
                except OSError:
                    return  # not empty: so the ones above are not either

    def _levels(self, folders: Sequence[str], stack: ExitStack) -> list[int]:
        levels = [self._opened(self.root, None, stack)]
        for folder in folders:
            levels.append(self._opened(folder, levels[-1], stack))
        return levels

    def _enter(self, folders: Sequence[str], stack: ExitStack, made: list[tuple[int, str]]) -> int:
        """The folder that the file is to lie in, made where it was not there."""
        at = self._opened(self.root, None, stack)
        for folder in folders:
            try:
                os.mkdir(folder, dir_fd=at)
            except FileExistsError:
                self._check_spelling(at, folder)
            else:
                made.append((at, folder))
                os.fsync(at)
            at = self._opened(folder, at, stack)
        return at

    def _opened(self, folder: str, at: int | None, stack: ExitStack) -> int:
        flags = _FOLDER if at is not None else _FOLDER & ~os.O_NOFOLLOW
        opened = os.open(folder, flags, dir_fd=at)
        stack.callback(os.close, opened)
        return opened

    def _check_spelling(self, at: int, name: str) -> None:
        """Raises where what is there has another spelling of the name (case, or accents), which
        some disks take for the same."""
        here = _stat(name, at)
        others = {name.swapcase(), *(normalize(form, name) for form in ("NFC", "NFD"))} - {name}
        if here is None or not any(_same(here, _stat(other, at)) for other in others):
            return
        names = os.listdir(at)
        if name not in names:
            other = next((n for n in names if n.casefold() == name.casefold()), "another")
            raise BadInput(
                f"{name} cannot be made in {self.where}: this disk takes it for {other}",
                hint="Rename one of the two at their source.",
                where=self.where,
            )

    def _written(
        self, at: int, name: str, key: str, content: bytes | IO[bytes], expected: str | None
    ) -> str:
        part = f".livesync-{secrets.token_hex(8)}.part"
        file = os.fdopen(os.open(part, _NEW, 0o666, dir_fd=at), "wb")
        with file:
            try:
                _copy(content, file)
                before = _stat(name, at)
                if before is not None:
                    self._check_spelling(at, name)
                self._check(before, key, expected)
                if before is not None:
                    os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
                file.flush()
                os.fsync(file.fileno())
                self._place(part, name, at, new=before is None)
            except FileExistsError as error:
                self._check_spelling(at, name)
                raise self._moved(key, "was made meanwhile") from error
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(part, dir_fd=at)
            os.fsync(at)
            return disk.version(os.fstat(file.fileno()))

    def _place(self, part: str, name: str, at: int, *, new: bool) -> None:
        """A new file never replaces one; where the disk has no hard links, one that is made at
        the very same moment could be."""
        if new:
            try:
                os.link(part, name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
            else:
                return
        os.replace(part, name, src_dir_fd=at, dst_dir_fd=at)

    def _check(self, found: os.stat_result | None, key: str, expected: str | None) -> None:
        if found is not None and not stat.S_ISREG(found.st_mode):
            raise BadInput(
                f"{key} in {self.where} is no file (a folder, a link, a device)",
                hint="Rename it or the file at the source.",
                where=self.where,
            )
        now = None if found is None else disk.version(found)
        if now != expected:
            raise self._moved(key, "is gone" if now is None else "is another than it was")

    def _moved(self, key: str, what: str) -> Moved:
        return Moved(f"{key} in {self.where} {what}; it was left alone", where=self.where)

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._named(error, key) from error

    def _named(self, error: OSError, key: str) -> LiveSyncError:
        said = f"{key} cannot be written in {self.where}: {error.strerror}"
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            hint = "Let the user that LiveSync runs as write there."
            return Reauthorise(said, hint=hint, where=self.where)
        if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EISDIR):
            hint = "A part of its path is a file or a symbolic link: rename one of them."
            return BadInput(said, hint=hint, where=self.where)
        if error.errno in (errno.EILSEQ, errno.EINVAL, errno.ENAMETOOLONG):
            return BadInput(said, hint="This disk has no such names.", where=self.where)
        return Unavailable(said, hint="Is the disk there, and not full?", where=self.where)


def _same(one: os.stat_result, other: os.stat_result | None) -> bool:
    return other is not None and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _stat(name: str, at: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _copy(content: bytes | IO[bytes], into: IO[bytes]) -> None:
    source = BytesIO(content) if isinstance(content, bytes) else content
    source.seek(0)
    shutil.copyfileobj(source, into, _PIECE)
