"""Which files of two ends are the same, where one end takes some names for one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """All by the names of the source.

    - `target`: what the target calls each of its files; those that nobody else has keep theirs.
    - `before`: under which name a file was known whose spelling has changed.
    - `shadowed`: names that cannot be written, each with the one that takes their place.
    """

    target: Mapping[str, str]
    before: Mapping[str, str]
    shadowed: Mapping[str, str]


def pair(
    source: Collection[str],
    target: Collection[str],
    known: Collection[str],
    folded: Callable[[str], str],
) -> Paired:
    """`folded`: what all names have in common that are one to the target. Of several names of the
    source that are one there, that which is known already stands, else the first one."""
    standing: dict[str, str] = {}
    shadowed: dict[str, str] = {}
    for name in sorted(source, key=lambda name: (name not in known, name)):
        first = standing.setdefault(folded(name), name)
        if first != name:
            shadowed[name] = first
    before = {
        standing[fold]: name
        for name in sorted(known)
        if (fold := folded(name)) in standing and standing[fold] not in known
    }
    ours = {folded(name): name for name in known} | standing
    return Paired(
        target={ours.get(folded(name), name): name for name in sorted(target)},
        before=before,
        shadowed=shadowed,
    )
