"""What is to become of each file of a copy, decided from three versions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple


class Step(StrEnum):
    """- `same`: nothing to do; `forget`: nothing is left that both could agree on.
    - `put`, `remove`: the source has changed, the target has not.
    - `move`: what the target has under a name that is gone from the source, and that it has not
      changed, is the source's file of this new name.
    - `compare`: both have the file and it is not known that they agree: equal contents do.
    - `keep`: the target has an edit of its own, or has lost the file (whether the source has
      edited it since or not), and so it stays until somebody decides."""

    SAME = "same"
    FORGET = "forget"
    PUT = "put"
    REMOVE = "remove"
    MOVE = "move"
    COMPARE = "compare"
    KEEP = "keep"


class Agreed(NamedTuple):
    """The versions at which both ends agreed last, None where one had no such file. `apart`: they
    agreed to differ: the target keeps its own until the source changes."""

    source: str | None
    target: str | None
    apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """What is about to be sent for a file. `expected`: the version that the target has of it now;
    `reserved`: the identity that a new one is made under, where the target has such; `digest`: of
    the bytes that it is to have, None where it is taken out."""

    name: str
    step: Step
    expected: str | None
    reserved: str | None = None
    digest: str | None = None


def digest_of(content: bytes) -> str:
    """By which the bytes of a file are known again."""
    return blake2b(content, digest_size=16).hexdigest()


def decide(source: str | None, target: str | None, known: Agreed | None) -> Step:
    """From the versions now (None: it is not there) and those at which both agreed last."""
    if known is not None and known.apart:
        return _apart(source, target, known)
    if source is None:
        return _gone(target, known)
    if target is None:
        return Step.PUT if known is None else Step.KEEP
    if known is None or (source != known.source and target != known.target):
        return Step.COMPARE
    if target != known.target:
        return Step.KEEP
    return Step.SAME if source == known.source else Step.PUT


def _gone(target: str | None, known: Agreed | None) -> Step:
    """The source has it no more: an edit at the target outlives that."""
    if known is None:
        return Step.SAME
    if target is None:
        return Step.FORGET
    return Step.REMOVE if target == known.target else Step.KEEP


def _apart(source: str | None, target: str | None, known: Agreed) -> Step:
    """What the target has is its own: nothing of it is written over or removed unasked."""
    if source == known.source:
        return Step.SAME
    if source is None:
        return Step.FORGET
    return Step.PUT if target is None else Step.COMPARE
