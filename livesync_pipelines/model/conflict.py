"""What both ends of a sync say differently of one row, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .merge import Side

LOOP = "loop"
"""The policy of a row that is frozen, because its two ends kept rewriting it."""
RESTORE = "restore"
"""The policy of a conflict in which a person brings back what lost in another."""
NEITHER = "neither"
"""The winner where nothing was brought back."""
AGREED = "agreed"
"""The winner where both ends have come to say the same by themselves."""


class ConflictState(StrEnum):
    """`answered`: a person has chosen, and the next run carries it out."""

    OPEN = "open"
    ANSWERED = "answered"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What one end says: a JSON value, None where it has none; by whom and when, where it tells."""

    value: Any
    actor: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """`field` is None where one end deleted the row that the other edited. `winner` is the end
    whose value was taken, `merged`, or None: nobody has decided yet. `unfit`: why the target cannot
    hold what the source says; None: it can."""

    key: str
    field: str | None
    policy: str
    reason: str
    base: Any
    source: Version
    target: Version
    winner: str | None = None
    unfit: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person (or the deadline) chose for a field, or for a row: an end, or a value.

    `seen` is what both ends said when the person chose; None: it holds whatever they say now.
    `restores`: the value is what lost before, and both ends get it back; `seen` is then what they
    said when it lost.
    """

    side: Side | None = None
    value: Any = None
    seen: tuple[Any, Any] | None = None
    restores: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a person wanted to have back of a field, or of a row, or had answered, and why it was
    not carried out. `winner`: what stands instead; `by`: what came first, where it was an edit."""

    key: str
    field: str | None
    why: str
    winner: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadCell:
    """A value that does not go over to the other end, kept apart. `side`: the end that has it."""

    key: str
    field: str
    value: str | None
    reason: str
    side: Side = Side.SOURCE
