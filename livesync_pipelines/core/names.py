"""What a person is told who names something that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Collection

_TOLD = 12
"""So many names are told at once."""
_NEAR = 5


def configured(word: str, names: Collection[str]) -> str:
    """A hint with the names that are there; of very many the nearest, and how many there are."""
    if len(names) <= _TOLD:
        return f"Configured: {', '.join(sorted(names)) or 'none yet'}."
    near = difflib.get_close_matches(word, names, n=_NEAR)
    if not near:
        return f"{len(names)} are configured, and none has a name like it."
    return f"Did you mean {' or '.join(near)}? {len(names)} are configured."
