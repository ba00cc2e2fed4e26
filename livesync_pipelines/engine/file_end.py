"""Either end of a copy of files, and what it is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from livesync_pipelines.connectors.base import Memory
from livesync_pipelines.connectors.files import RendersFiles, ReservesFiles, WritesFiles
from livesync_pipelines.core.copying import Intended, Step, digest_of
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Entry, ListingPage


class FileEnd(WritesFiles, Protocol):
    """A connector whose files have names; either end of a copy is one."""

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        """As of a `Connector`."""

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        """As of a `Connector`."""


def as_held(target: FileEnd, name: str, content: bytes) -> bytes:
    """The bytes of the source as the target holds them. Raises `BadInput` where it cannot."""
    return target.rendered(name, content) if isinstance(target, RendersFiles) else content


def is_held(target: FileEnd, entry: Entry, held: bytes) -> bool:
    """Whether it is known without a look that the target has what it was given: a platform with a
    form of its own may spell that anew."""
    return isinstance(target, RendersFiles) and target.holds(entry, held)


def to_put(target: FileEnd, name: str, step: Step, expected: str | None, held: bytes) -> Intended:
    """With an identity, where a file is to be made. Raises `BadInput` as `key_of` does."""
    reserved = None
    if expected is None and isinstance(target, ReservesFiles):
        reserved = target.reserve(target.key_of(name), held)
    digest = digest_of(held)
    return Intended(name=name, step=step, expected=expected, reserved=reserved, digest=digest)
