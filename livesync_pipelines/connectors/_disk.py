"""What the disk says of a file: its version, its time, its bytes."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, datetime, timedelta
from typing import IO

from livesync_pipelines.model.errors import ItemFailure

READS = 3
GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""What the kernel says when something is no longer there, or is suddenly a link."""

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_VERSION = "%x.%x.%x.%x"  # half the time of an f-string
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1_US, _YEAR_9999_US = -62_135_596_800 * 10**6, 253_402_300_799 * 10**6


def version(of: os.stat_result) -> str:
    """Changes with every write, replacement, rename and chmod; not with a reading."""
    return _VERSION % (of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns)


def version_of(file: IO[bytes]) -> str:
    """Of an open file, as it is now."""
    return version(os.fstat(file.fileno()))


def modified_us(of: os.stat_result) -> int | None:
    """Microseconds since 1970; None for a time that no calendar holds."""
    us = of.st_mtime_ns // 1000
    return us if _YEAR_1_US <= us <= _YEAR_9999_US else None


def modified_at(of: os.stat_result) -> datetime | None:
    us = modified_us(of)
    return None if us is None else _EPOCH + timedelta(microseconds=us)


def storable(key: str) -> bool:
    """Whether the name is UTF-8, so that it can be written down."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(key: str) -> str:
    """A name that is not UTF-8, with its odd bytes spelled out."""
    return os.fsencode(key).decode("utf-8", "backslashreplace")


class Below:
    """The files below one folder, until `close`. Where links are not followed, none on the
    way to a file is, not even one that was put there after the listing.

    The folder of the last file stays open: its neighbours come next.
    """

    def __init__(self, path: str, *, follow: bool) -> None:
        """Raises OSError."""
        self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._follow = follow
        self._folder, self._at = "", self._root

    def close(self) -> None:
        self._leave()
        os.close(self._root)

    def read(self, key: str, *, max_bytes: int) -> tuple[bytes, os.stat_result] | ItemFailure:
        """The bytes of one file and what the disk says of these very bytes.

        A file that changes while it is read is opened and read again, at most `READS` times.
        """
        for _ in range(READS):
            try:
                file = self._open(key)
                try:
                    answer = _read(file, key, max_bytes)
                finally:
                    os.close(file)
            except OSError as error:
                if error.errno in GONE:
                    return ItemFailure(key, "vanished", "it went away after it was listed")
                return ItemFailure(key, "unreadable", f"it cannot be read: {error.strerror}")
            if answer is not None:
                return answer
        return ItemFailure(key, "half_written", f"it changed during each of {READS} readings")

    def open(self, key: str) -> IO[bytes]:
        """The file, to be read piece by piece. Raises OSError."""
        return os.fdopen(self._open(key), "rb")

    def _open(self, key: str) -> int:
        if ".." in key.split("/"):
            raise FileNotFoundError(errno.ENOENT, "no listing holds such a key")
        if self._follow:
            return os.open(key, _READ, dir_fd=self._root)
        folder, _, name = key.rpartition("/")
        if folder != self._folder:
            self._enter(folder)
        return os.open(name, _READ | os.O_NOFOLLOW, dir_fd=self._at)

    def _enter(self, folder: str) -> None:
        self._leave()
        at = self._root
        try:
            for name in folder.split("/") if folder else ():
                inner = os.open(name, _READ | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
                self._close(at)
                at = inner
        except OSError:
            self._close(at)
            raise
        self._folder, self._at = folder, at

    def _leave(self) -> None:
        self._close(self._at)
        self._folder, self._at = "", self._root

    def _close(self, folder: int) -> None:
        if folder != self._root:
            os.close(folder)


def _read(file: int, key: str, max_bytes: int) -> tuple[bytes, os.stat_result] | ItemFailure | None:
    """None where the file changed meanwhile."""
    before = os.fstat(file)
    if not stat.S_ISREG(before.st_mode):
        return ItemFailure(key, "vanished", "it is not a file any more")
    if before.st_size > max_bytes:
        reason = f"it has {before.st_size} bytes, the limit is {max_bytes}"
        return ItemFailure(key, "too_large", reason)
    content = _bytes(file, before.st_size)
    after = os.fstat(file)
    same = len(content) == after.st_size and version(before) == version(after)
    return (content, after) if same else None


def _bytes(file: int, size: int) -> bytes:
    """The bytes of a file of this size, usually in a single call; one more if there are more."""
    content = os.read(file, size + 1)
    while 0 < len(content) < size and (more := os.read(file, size + 1 - len(content))):
        content += more
    return content
