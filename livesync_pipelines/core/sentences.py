"""What happened and what to do, one after the other, where both stand in one line."""

from __future__ import annotations

_ENDS = (".", "?", "!", ":", ";")


def sentences(*parts: str) -> str:
    """These as sentences, each with its end; empty ones are left out."""
    return " ".join(part if part.endswith(_ENDS) else f"{part}." for part in parts if part)
