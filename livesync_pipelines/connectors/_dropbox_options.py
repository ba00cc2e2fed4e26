"""What a user says of Dropbox."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from livesync_pipelines.connectors._globs import Glob
from livesync_pipelines.connectors.base import Accounted, Options


def _folder(path: str) -> str:
    clean = path.strip().rstrip("/").lower()
    if clean and (not clean.startswith("/") or "//" in clean):
        raise ValueError("give the whole path of a folder, such as /Handbook")
    return clean


class DropboxConnection(Accounted):
    """Nothing but the account."""


class DropboxSelection(Options):
    """`folders`: whole paths; without any, everything. The globs are over paths from the chosen
    folder down, or whole ones without their first slash. Case does not count in either."""

    folders: list[Annotated[str, AfterValidator(_folder)]] = Field(default=[])
    include: list[Glob] = Field(default=["**/*"], min_length=1)
    exclude: list[Glob] = Field(default=[])


def outermost(folders: Iterable[str]) -> tuple[str, ...]:
    """Each folder once, without those that lie in another one; the root where there are none."""
    found: list[str] = []
    for folder in sorted(folders, key=len):
        if not any(f"{folder}/".startswith(f"{outer}/") for outer in found):
            found.append(folder)
    return tuple(found) or ("",)
