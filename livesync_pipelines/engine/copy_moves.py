"""Which files of a copy have only got another name: told by their bytes, whatever the source is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from livesync_pipelines.connectors.files import MovesFiles, RendersFiles
from livesync_pipelines.core.copying import Step, digest_of
from livesync_pipelines.engine.copying import CopyPlan, Renamed
from livesync_pipelines.engine.file_end import FileEnd, as_held
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.records import Entry


def with_moves(plan: CopyPlan, source: FileEnd, target: FileEnd) -> CopyPlan:
    """The plan with moves where a file would be put under a new name and the same bytes removed
    under an old one, at a target that knows moves. New files of the size of one that goes (all,
    where sizes tell nothing) are read for that."""
    if not isinstance(target, MovesFiles):
        return plan
    sized = not isinstance(target, RendersFiles)
    going = defaultdict[int | None, list[str]](list)
    for name in plan.names(Step.REMOVE):
        going[plan.target.entries[name].size if sized else None].append(name)
    new = _new(plan, source, target)
    wanted = [entry for entry in new if (entry.size if sized else None) in going]
    renamed: dict[str, Renamed] = {}
    for body in source.fetch(wanted) if wanted else ():
        if isinstance(body, ItemFailure):
            continue  # it is read again as the new file that it is, and told of then
        name = source.name_of(body.key)
        held = _as_held(target, name, body.content)
        same = going[len(body.content) if sized else None]
        old = None if held is None else _same(plan, target, same, held)
        if held is not None and old is not None:
            same.remove(old)
            renamed[name] = Renamed(old, body.version, digest_of(held))
    steps = {**plan.steps, **dict.fromkeys(renamed, Step.MOVE)}
    for one in renamed.values():
        del steps[one.name]
    return replace(plan, steps=steps, renamed=renamed)


def _new(plan: CopyPlan, source: FileEnd, target: FileEnd) -> list[Entry]:
    """The files that the target is to get and can have."""
    names = (name for name in plan.names(Step.PUT) if name not in plan.target.entries)
    return [plan.source.entries[name] for name in names if _may_have(target, name)]


def _may_have(target: FileEnd, name: str) -> bool:
    try:
        target.key_of(name)
    except BadInput:
        return False
    return True


def _as_held(target: FileEnd, name: str, content: bytes) -> bytes | None:
    """None where the target cannot have it; that is told when it is written."""
    try:
        return as_held(target, name, content)
    except BadInput:
        return None


def _same(plan: CopyPlan, target: MovesFiles, names: list[str], content: bytes) -> str | None:
    entries = plan.target.entries
    return next((name for name in names if target.holds(entries[name], content)), None)
