"""What is read of a place far away, on the disk of this machine while it is looked at."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import IO


def private_copy(write: Callable[[IO[bytes]], None]) -> IO[bytes]:
    """A file without a name, from its beginning; who gets it closes it."""
    copy = tempfile.TemporaryFile(prefix="livesync-")  # noqa: SIM115 - the caller reads it
    try:
        write(copy)
        copy.seek(0)
    except BaseException:
        copy.close()
        raise
    return copy
