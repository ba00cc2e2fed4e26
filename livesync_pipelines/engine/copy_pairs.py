"""The files of both ends of a copy under one name each, where some names are one to the target."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from livesync_pipelines.connectors.files import FoldsNames
from livesync_pipelines.core.copy_names import pair
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.records import Entry


def paired(
    source: Collection[str], target: Mapping[str, Entry], known: Collection[str], end: object
) -> tuple[Mapping[str, Entry], Mapping[str, str], dict[str, ItemFailure]]:
    """The target's files under the source's names; the names under which some of them were known
    before; and why others of the source cannot be written. `end` is the target itself."""
    if not isinstance(end, FoldsNames):
        return target, {}, {}
    found = pair(source, target, known, end.folded)
    refused = {
        name: ItemFailure(name, BadInput.code, f"the target takes it for {other}: rename one")
        for name, other in found.shadowed.items()
    }
    entries = {name: target[theirs] for name, theirs in found.target.items()}
    return entries, found.before, refused
