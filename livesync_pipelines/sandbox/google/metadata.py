"""What a write says about a file, as changes of it. What cannot be said raises GoogleError."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from livesync_pipelines.sandbox.google.errors import GoogleError, invalid
from livesync_pipelines.sandbox.google.files import File
from livesync_pipelines.sandbox.world import Json, Person

_IGNORED = frozenset(("kind", "contentHints", "copyRequiresWriterPermission", "writersCanShare"))
_WRITABLE = frozenset(
    [
        "name",
        "description",
        "mimeType",
        "starred",
        "trashed",
        "modifiedTime",
        "properties",
        "appProperties",
    ]
)
_WRITABLE_ONCE = frozenset(("id", "parents", "createdTime", "shortcutDetails", "originalFilename"))


def check_new(said: Json) -> None:
    """Of a file that is made."""
    _check(said, _WRITABLE | _WRITABLE_ONCE | _IGNORED)
    if len(_parents(said)) > 1:
        why = "A shared drive item must have exactly one parent, and so must every other."
        raise GoogleError(400, "invalid", why, where="parents")


def check_update(said: Json) -> None:
    """Of a file that is there."""
    if "parents" in said:
        why = (
            "The parents field is not directly writable in update requests."
            " Use the addParents and removeParents parameters instead."
        )
        raise GoogleError(403, "fieldNotWritable", why)
    _check(said, _WRITABLE | _IGNORED | {"originalFilename"})


def parent_of(said: Json) -> str | None:
    """The folder that a new file is to be in, if it says."""
    parents = _parents(said)
    return parents[0] if parents else None


def applied(file: File, said: Json, by: Person, at: datetime) -> File:
    """The file as it is said to be from now on. Without `modifiedTime` it is changed now, unless
    all that is said is whether it has a star or is in the trash."""
    changed: dict[str, Any] = {"by": by}
    for name in ("name", "description"):
        if name in said:
            changed[name] = _of(said, name, str)
    for name in ("starred", "trashed"):
        if name in said:
            changed[name] = _of(said, name, bool)
    if "trashed" in changed:
        changed["trashed_at"] = at if changed["trashed"] else None
    for name, ours in (("properties", "properties"), ("appProperties", "app_properties")):
        if name in said:
            changed[ours] = _merged(getattr(file, ours), _of(said, name, dict))
    if "modifiedTime" in said:
        changed["modified"] = time_of(said, "modifiedTime")
    elif said.keys() - {"starred", "trashed"}:
        changed["modified"] = at
    return replace(file, **changed)


def time_of(said: Json, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(_of(said, name, str))
    except ValueError as error:
        raise invalid(name) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _check(said: Json, writable: frozenset[str]) -> None:
    for name in said:
        if name not in writable:
            why = f"The resource body includes fields which are not directly writable: {name}."
            raise GoogleError(403, "fieldNotWritable", why)


def _parents(said: Json) -> list[str]:
    found = said.get("parents") or []
    if not isinstance(found, list) or not all(isinstance(parent, str) for parent in found):
        raise invalid("parents")
    return found


def _of(said: Json, name: str, kind: type) -> Any:
    if not isinstance(said[name], kind):
        raise invalid(name)
    return said[name]


def _merged(before: Mapping[str, str], said: Mapping[str, str | None]) -> dict[str, str]:
    """A null takes a property away; what is not named stays."""
    merged = {**before, **said}
    return {name: value for name, value in merged.items() if value is not None}
