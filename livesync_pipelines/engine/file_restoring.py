"""What lost in a copy is brought back to the end that it was lost at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livesync_pipelines.connectors.files import Moved
from livesync_pipelines.core.copying import Agreed, Intended, Step
from livesync_pipelines.engine.file_end import as_held, to_put
from livesync_pipelines.engine.file_pass import FilePass
from livesync_pipelines.model.conflict import RESTORE
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.operation import Op
from livesync_pipelines.store import copied_files


def bring_back(this: FilePass, name: str, value: Mapping[str, Any] | None) -> None:
    """Give the goal this version again (None: no such file). It stays until the origin's file
    changes. What the goal has of its own by now is kept like every other loser."""
    wanted = value["version"] if value else None
    try:
        content = _content(this, name, wanted) if wanted is not None else None
        if content is None and wanted is not None:
            this.fails(name, "not_kept", f"of version {wanted} no bytes are kept")
            return
        kept = _keep_own(this, name)
        version = _written(this, name, content)
    except (Moved, BadInput) as error:
        this.fails(name, error.code, error.message)
        return
    here, there = this.versions(name)
    apart = wanted is None or wanted != here
    after = None if here is version is None else Agreed(here, version, apart)
    op = Op.REMOVED if version is None else Op.UPDATED if there else Op.ADDED
    if kept:
        told = this.conflict(name, "an earlier version was brought back", this.side)
        this.piece.conflicts.append(told)
    this.moves(name, op, after, written=True, policy=RESTORE)


def _content(this: FilePass, name: str, version: str) -> bytes | None:
    here = this.plan.source.entries.get(name)
    if here is not None and here.version == version:
        body = next(iter(this.origin.fetch([here])))
        return None if isinstance(body, ItemFailure) else as_held(this.goal, name, body.content)
    return copied_files.lost(this.connection, this.sync_id, name, version)


def _keep_own(this: FilePass, name: str) -> bool:
    """Whether the goal has an edit of its own, which is kept. Raises `BadInput` where it cannot be
    read."""
    entry, known = this.plan.target.entries.get(name), this.known.get(name)
    if entry is None or (known is not None and entry.version == known.target and not known.apart):
        return False
    body = next(iter(this.goal.fetch([entry])))
    if isinstance(body, ItemFailure):
        raise BadInput(f"what is there now cannot be read: {body.reason}")
    this.keep(name, body)
    return True


def _written(this: FilePass, name: str, content: bytes | None) -> str | None:
    entry = this.plan.target.entries.get(name)
    expected = entry.version if entry else None
    if content is not None:
        key = entry.key if entry else this.goal.key_of(name)
        this.note(to_put(this.goal, name, Step.PUT, expected, content))
        return this.goal.put(key, content, expected_version=expected)
    if entry is not None:
        this.note(Intended(name=name, step=Step.REMOVE, expected=expected))
        this.goal.remove(entry.key, expected_version=entry.version)
    return None
