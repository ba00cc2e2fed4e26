"""What is wrong with a sync that copies files, as a user has written it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from posixpath import normpath
from typing import Any

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.connectors.files import RendersFiles, WritesFiles
from livesync_pipelines.engine._checked import Trouble
from livesync_pipelines.engine._doors import SyncDoor
from livesync_pipelines.engine.options import check_options, expand
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import OnDelete, Policy, Side
from livesync_pipelines.model.sync import Connection, Mode, OnDrift, SyncConfig

Registry = Mapping[str, type[Connector]]

POLICIES = (Policy.ASK_PERSON, Policy.SOURCE_WINS, Policy.TARGET_WINS)
"""Those that mean something for a whole file; the first is the default."""

_ROWS = "rows"
_WHERE = ("path", "bucket", "prefix", "endpoint_url", "account", "folder", "folders")
_SAID = {Side.SOURCE: "select", Side.TARGET: "target"}


def is_copy(sync: SyncConfig, ends: Mapping[Side, Connection], registry: Registry) -> bool:
    """Whether a sync is between two platforms of documents, one of which can be written to, and
    selects rows of neither."""
    selects = (sync.select, sync.target.select if sync.target else {})
    kinds = [registry.get(connection.platform) for connection in ends.values()]
    if None in kinds or any(_ROWS in select for select in selects):
        return False
    return any(kind is not None and issubclass(kind, WritesFiles) for kind in kinds)


def as_copy(sync: SyncConfig, door: SyncDoor) -> SyncConfig:
    """The noun of such a sync; where the door says no policy, a person is asked."""
    policy = sync.policy
    if "default" not in door.policy.model_fields_set:
        policy = replace(policy, default=POLICIES[0])
    return replace(sync, copies=True, policy=policy)


def copy_troubles(
    sync: SyncConfig,
    ends: Mapping[Side, Connection],
    registry: Registry,
    environ: Mapping[str, str],
) -> Iterator[Trouble]:
    """Everything that can be known without asking either end."""
    selects = {Side.SOURCE: sync.select, Side.TARGET: sync.target.select if sync.target else {}}
    for side, connection in ends.items():
        kind = registry[connection.platform]
        where = ("connection",) if side is Side.SOURCE else ("target", "connection")
        if not issubclass(kind, WritesFiles):
            have = [name for name, one in registry.items() if _can_be(one, side is _origin(sync))]
            said = f"{connection.platform} has neither rows nor files that can be copied"
            yield Trouble(where, said, f"Have files: {', '.join(have)}.")
            continue
        if not _can_be(kind, side is _origin(sync)):
            said = f"{connection.platform} holds pages, which files become and not the other way"
            yield Trouble(where, said, "Write target: {capsule: NAME} to search them.")
            continue
        for wrong in check_options(kind.Selection, selects[side], environ):
            yield Trouble((_SAID[side], *wrong.path), wrong.message, wrong.hint)
    if _is_one_place(ends, selects, environ):
        said = "the source and the target are the same"
        yield Trouble(("target",), said, "Name another folder or bucket: nothing copies to itself.")
    yield from _meaningless(sync)


def _can_be(kind: type[Connector], origin: bool) -> bool:
    return issubclass(kind, WritesFiles) and not (origin and issubclass(kind, RendersFiles))


def _origin(sync: SyncConfig) -> Side:
    return Side.TARGET if sync.mode is Mode.PUSH else Side.SOURCE


def _is_one_place(
    ends: Mapping[Side, Connection],
    selects: Mapping[Side, Mapping[str, Any]],
    environ: Mapping[str, str],
) -> bool:
    """Whether both ends hold the same files, as far as their settings tell."""
    try:
        source, target = (
            _place(end.platform, expand({**end.options, **selects[side]}, environ))
            for side, end in ends.items()
        )
    except BadInput:  # a variable is not set: that is said where it is named
        return False
    return source == target


def _place(platform: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What tells where files are, and nothing of which of them are meant."""
    where = {name: said[name] for name in _WHERE if said.get(name)}
    if "folder" in where:
        where["folders"] = [where.pop("folder")]
    if "path" in where:
        where["path"] = normpath(str(where["path"]))
    return platform, where


def _meaningless(sync: SyncConfig) -> Iterator[Trouble]:
    if sync.mode is Mode.BIDIRECTIONAL:
        said = "files are copied one way; rows can go both ways"
        yield Trouble(("mode",), said, "Allowed: pull (to the target), push (to the source).")
    if sync.schedule == "realtime":
        said = "two folders or buckets are compared now and then, not in real time"
        yield Trouble(("schedule",), said, "Write every_15_minutes, or less often.")
    if sync.fields:
        yield Trouble(("mapping",), "files are copied as they are: there is nothing to map")
    if sync.policy.fields:
        yield Trouble(("policy", "fields"), "files have no fields", "Write policy: {default: ...}.")
    if sync.policy.default not in POLICIES:
        said = f"{sync.policy.default} says nothing of whole files"
        yield Trouble(("policy", "default"), said, f"Allowed: {', '.join(POLICIES)}.")
    if sync.policy.on_delete is not OnDelete.EDIT_SURVIVES:
        said = "of a file, a deletion against an edit is decided as an edit against an edit"
        yield Trouble(("policy", "on_delete"), said, "Write policy: {default: ...}.")
    if sync.drift is not OnDrift.PROPAGATE:
        yield Trouble(("drift",), "files have no columns", "Leave drift out.")
