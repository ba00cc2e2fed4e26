"""What the disk says of a file: its version, its time, its bytes."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from livesync_pipelines.model.errors import ItemFailure

READS = 3
GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""What the kernel says when something is no longer there, or is suddenly a link."""

_VERSION = "%x.%x.%x.%x"  # half the time of an f-string
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1_US, _YEAR_9999_US = -62_135_596_800 * 10**6, 253_402_300_799 * 10**6


def version(of: os.stat_result) -> str:
    """Changes with every write, replacement, rename and chmod; not with a reading."""
    return _VERSION % (of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns)


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


def open_below(root: int, key: str, *, follow: bool) -> int:
    """A file descriptor for `key` below the folder `root`; where links are not followed, none
    on the way is, not even one that was put there after the listing. Raises OSError."""
    if ".." in key.split("/"):
        raise FileNotFoundError(errno.ENOENT, "no listing holds such a key")
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    if follow:
        return os.open(key, flags, dir_fd=root)
    *folders, name = key.split("/")
    with ExitStack() as held:
        at = root
        for folder in folders:
            at = os.open(folder, flags | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            held.callback(os.close, at)
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=at)


def read_below(
    root: int, key: str, *, follow: bool, max_bytes: int
) -> tuple[bytes, os.stat_result] | ItemFailure:
    """The bytes of one file and what the disk says of these very bytes.

    A file that changes while it is read is opened and read again, at most `READS` times.
    """
    for _ in range(READS):
        try:
            file = open_below(root, key, follow=follow)
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


def _read(file: int, key: str, max_bytes: int) -> tuple[bytes, os.stat_result] | ItemFailure | None:
    """None where the file changed meanwhile."""
    before = os.fstat(file)
    if not stat.S_ISREG(before.st_mode):
        return ItemFailure(key, "vanished", "it is not a file any more")
    if before.st_size > max_bytes:
        reason = f"it has {before.st_size} bytes, the limit is {max_bytes}"
        return ItemFailure(key, "too_large", reason)
    with os.fdopen(file, "rb", closefd=False) as reader:
        content = reader.read(before.st_size + 1)
    after = os.fstat(file)
    same = len(content) == after.st_size and version(before) == version(after)
    return (content, after) if same else None
