"""What a person chooses from who has connected an account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from livesync_pipelines.connectors.base import FetchLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A part of what an account sees: what it is called, what it is (a folder, a shared drive), and
    the `option` of a selection that chooses it with these `values`."""

    title: str
    kind: str
    option: str
    values: Sequence[str]


@runtime_checkable
class Chooses(Protocol):
    """A connector that tells what there is to choose from."""

    @staticmethod
    def choices(connection: Any, limits: FetchLimits) -> Iterator[Choice]:
        """The top levels of what such a connection sees, the broadest first; whoever asks stops
        where he has enough."""
