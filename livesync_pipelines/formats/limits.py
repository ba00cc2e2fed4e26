"""How much one file may cost, and how a reader says that it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractLimits:
    """`max_bytes` is of the file, `max_chars` of the Markdown, `max_cells` of all its tables;
    `memory_bytes` is the address space of a child and holds its libraries too (some 400 MB)."""

    max_bytes: int = 50_000_000
    max_chars: int = 20_000_000
    max_cells: int = 500_000
    memory_bytes: int = 1_500_000_000
    timeout_s: float = 30.0


class Unreadable(Exception):
    """What is wrong with a file: a code of this room, and one sentence for a person."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file on its way to a reader. `charset` is what the source says of its encoding."""

    content: bytes
    family: str
    media_type: str
    limits: ExtractLimits
    name: str = ""
    url: str = ""
    language: str = ""
    charset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reader made of a file; the child's side of `Extracted`."""

    text: str
    title: str | None = None
    attributes: dict[str, str]
    media_type: str | None = None


def too_many_chars(limits: ExtractLimits) -> Unreadable:
    return Unreadable("too_large", f"Its text has more than {limits.max_chars} characters.")


def too_many_cells(limits: ExtractLimits) -> Unreadable:
    return Unreadable("too_large", f"It has more than {limits.max_cells} table cells.")
