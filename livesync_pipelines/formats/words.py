"""Sets of names, written as a line of words."""

from __future__ import annotations


def words(line: str) -> frozenset[str]:
    return frozenset(line.split())
