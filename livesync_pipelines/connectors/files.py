"""Platforms that files can be written to. Each file is written whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import IO, Protocol, runtime_checkable

from livesync_pipelines.model.errors import BadInput, Unavailable
from livesync_pipelines.model.records import Entry

PART = re.compile(r"\.livesync-[0-9a-f]{16}\.part")
"""What a file is called while it is written: hidden, and never listed."""

_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONE = re.compile(r"[\ud800-\udfff]")


class Moved(Unavailable):
    """The file is not as it was expected to be; it was left alone. List again and decide anew."""

    code = "moved"


@runtime_checkable
class WritesFiles(Protocol):
    """A connector whose files can be written.

    A file has the key under which it is listed, and a name: its path below the folder or the
    prefix, with slashes, which means the same on every platform.
    """

    def place(self) -> str:
        """What all its files lie below, as a URI that ends in a slash."""

    def name_of(self, key: str) -> str:
        """The name of a file that was listed."""

    def key_of(self, name: str) -> str:
        """The key under which a file of this name will be listed. Raises `BadInput` where there
        can be none: no safe path (see `safe`), or the selection would not show it."""

    def put(self, key: str, content: bytes | IO[bytes], *, expected_version: str | None) -> str:
        """Write a file, whole or not at all, with the folders that it lies in; `content` may be an
        open file, which is read from its beginning. It must have this version now, or not be there
        (None): else `Moved`. Returns the version under which it is listed from now on. Raises
        `BadInput` for a key that it cannot have, `Unavailable` where it may or may not have
        happened."""

    def remove(self, key: str, *, expected_version: str) -> None:
        """Take out a file of this version, and the folders that it leaves empty where nobody but
        their files would miss them. A file that is gone already is no error; one of another
        version is `Moved`."""


@runtime_checkable
class FoldsNames(Protocol):
    """A platform to which some names are one: those that differ in case alone, say."""

    def folded(self, name: str) -> str:
        """What all names have in common that are the same as this one."""


@runtime_checkable
class MovesFiles(Protocol):
    """A platform where a file stays itself under another name, with all that belongs to it."""

    def holds(self, entry: Entry, content: bytes) -> bool:
        """Whether a file that was listed has these bytes; no call is made for that."""

    def move(self, key: str, to: str, *, expected_version: str) -> str:
        """Give a file of this version another key, with the folders that it lies in. Returns the
        version under which it is listed from now on; raises as `put` does."""


@runtime_checkable
class RendersFiles(MovesFiles, Protocol):
    """A platform that holds documents in a form of its own, as pages, say: it can be written to
    and not be copied from. What is put, fetched and held is in that form."""

    def rendered(self, name: str, content: bytes) -> bytes:
        """A document of this name in that form. Raises `BadInput` for one that has none."""


@runtime_checkable
class ReservesFiles(Protocol):
    """A platform where a file has an identity before it is made, so that it is made once even if
    nobody hears of it."""

    def reserve(self, key: str, content: bytes) -> str:
        """The identity under which `put` will make a file of this key with these bytes."""

    def recall(self, reserved: Mapping[str, str]) -> None:
        """What was reserved before and not told of, by key; before anything is listed. Such a file
        is listed too, and none of its key is made beside it."""


def whole(content: bytes | IO[bytes]) -> bytes:
    """What `put` is given, in memory."""
    if isinstance(content, bytes):
        return content
    content.seek(0)
    return content.read()


def safe(name: str, where: str) -> str:
    """The name, where it is a path that stays below its root on every system; else `BadInput`."""
    why = _unsafe(name)
    if why is None:
        return name
    shown = name.encode("unicode_escape", "replace").decode()[:200]
    raise BadInput(
        f"{shown!r} cannot be the name of a file in {where}: {why}",
        hint="Rename it at its source, or leave it out with `exclude`.",
        where=where,
    )


def not_selected(name: str, where: str) -> BadInput:
    """A file of this name would not be seen again, so that it is not written."""
    return BadInput(
        f"{name} would not be listed in {where}: its selection leaves it out",
        hint="Widen `include`, `exclude` or `hidden` of the target.",
        where=where,
    )


_REFUSED: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda part: part in ("", ".", ".."), "it has an empty part, or one that means a folder"),
    (lambda part: _CONTROL.search(part) is not None, "it holds a control character"),
    (lambda part: _DEVICE.fullmatch(part.rstrip(" .")) is not None, "Windows has such a device"),
    (lambda part: part != part.rstrip(" ."), "a part of it ends in a dot or a space"),
    (lambda part: PART.fullmatch(part) is not None, "so is called what is being written"),
    (lambda part: len(part.encode()) > 255, "a part of it has more than 255 bytes"),
)


def _unsafe(name: str) -> str | None:
    """Why a path is refused."""
    if _LONE.search(name):
        return "it is not UTF-8"
    parts = name.split("/")
    told = (why for refused, why in _REFUSED if any(map(refused, parts)))
    return next(told, "it has more than 1,024 bytes" if len(name.encode()) > 1_024 else None)
