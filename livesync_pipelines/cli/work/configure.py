"""apply, sync add: what is configured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_origin

import yaml

from livesync_pipelines.cli.output import emit, note, say
from livesync_pipelines.cli.work import rounds, webhooks
from livesync_pipelines.cli.work.session import House, open_house
from livesync_pipelines.cli.work.telling import notifications
from livesync_pipelines.connectors.base import Options
from livesync_pipelines.core.sentences import sentences
from livesync_pipelines.engine.callers import is_table, selection
from livesync_pipelines.engine.desired import PROJECT, asked, load
from livesync_pipelines.engine.difference import Change, changed, difference, named
from livesync_pipelines.engine.row_looking import vet
from livesync_pipelines.engine.wish import end
from livesync_pipelines.model.errors import BadInput, LiveSyncError, NotFound
from livesync_pipelines.model.sync import Connection, Desired, SyncConfig
from livesync_pipelines.store import catalog

Pairs = Iterable[tuple[str, str]]

_SIGNS = {"added": "+", "changed": "~", "removed": "-", "unchanged": "="}


def apply_files(files: Sequence[Path], *, dry_run: bool, as_json: bool) -> None:
    """Show the difference between what is stored and what the files say, and apply it."""
    with open_house() as house:
        engine = house.engine
        known = catalog.stored(house.connection)
        wanted = load(files, engine.registry, engine.environ, known=known)
        changes = difference(known, wanted)
        _vet(house, changed(wanted, changes).syncs, [*known.connections, *wanted.connections])
        write(house, changed(wanted, changes), dry_run=dry_run)
        warnings = _warnings(house, wanted)
        if as_json:
            told = [asdict(change) for change in changes]
            emit({"applied": not dry_run, "changes": told, "warnings": warnings})
            return
        _show_changes(changes, dry_run=dry_run)
        _show_warnings(warnings)
        house.remark()
        for finding in notifications(house.settings, engine, house.connection):
            if finding.verdict == "failed":
                note(f"Note: {finding.check}: {sentences(finding.message, finding.do)}")
        names = [one.name for one in wanted.connections]
        webhooks.remark(house.settings, engine, house.connection, names)


def _vet(house: House, syncs: Iterable[SyncConfig], connections: Iterable[Connection]) -> None:
    """Look at the ends of syncs of rows and files. What cannot work is refused; an end that is not
    there, or does not answer, may come, and is told of."""
    by_name = {one.name: one for one in connections}
    for sync in syncs:
        if sync.target is None or not house.engine.enabled:
            continue
        ends = by_name[sync.connection], by_name[sync.target.connection]
        where = f"sync {sync.sync_id}"
        try:
            for remark in vet(house.engine, ends, sync, where):
                note(f"Note: {where}: {remark}")
        except LiveSyncError as error:
            if isinstance(error, BadInput) and not isinstance(error, NotFound):
                raise BadInput(error.message, hint=error.hint, where=where) from error
            note(f"Note: {where}: {sentences(error.message, error.hint)}")


def write(house: House, wanted: Desired, *, dry_run: bool) -> None:
    """A dry run writes too, and takes it back: what the database refuses shows then already."""
    with house.connection.transaction(force_rollback=dry_run):
        catalog.apply(house.connection, wanted)


def _warnings(house: House, wanted: Desired) -> list[dict[str, Any]]:
    among = [sync.sync_id for sync in wanted.syncs]
    return [one._asdict() for one in rounds.told(house.engine, house.connection, wanted, among)]


def _show_warnings(warnings: Sequence[Mapping[str, Any]]) -> None:
    for one in warnings:
        note(f"Note: {sentences(one['message'], one['hint'])}")


def _show_changes(changes: Sequence[Change], *, dry_run: bool) -> None:
    for change in changes:
        say(f"{_SIGNS[change.action]} {change.kind} {change.name}")
        for detail in change.details:
            say(f"    {detail}")
    counts = Counter(change.action for change in changes)
    told = ", ".join(f"{count} {action}" for action, count in counts.items()) or "nothing named"
    say(f"{told}." + (" Nothing was changed: this was a dry run." if dry_run else ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSync:
    """What `sync add` was told; None and empty where it was told nothing."""

    name: str
    connection: str | None
    capsule: str | None
    target: str | None
    mode: str | None
    key: tuple[str, ...]
    language: str | None
    schedule: str | None
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    select: tuple[tuple[str, str], ...]
    priority: str | None
    project: str | None


def make_sync(new: NewSync, *, as_json: bool) -> None:
    """Save a new sync, and its capsule where that is not there yet."""
    if not new.connection or bool(new.capsule) == bool(new.target):
        raise BadInput(
            "A sync needs --connection, and either --capsule or --target.",
            hint="--capsule NAME for documents, --target CONNECTION/TABLE for rows.",
        )
    with open_house() as house:
        known = catalog.stored(house.connection)
        if new.name in named(known.syncs):
            raise BadInput(
                f"There is a sync '{new.name}' already.",
                hint="Choose another name, change it with `livesync apply FILE`, or remove it with "
                f"`livesync sync remove {new.name}`.",
            )
        registry, environ = house.engine.registry, house.engine.environ
        wanted = asked("sync add", _as_file(house, new, known), registry, environ, known=known)
        changes = difference(known, wanted)
        _vet(house, wanted.syncs, [*known.connections, *wanted.connections])
        write(house, changed(wanted, changes), dry_run=False)
        warnings = _warnings(house, wanted)
        if as_json:
            told = [asdict(change) for change in changes]
            emit({"applied": True, "changes": told, "warnings": warnings})
            return
        _show_changes(changes, dry_run=False)
        _show_warnings(warnings)
        say(f"Run it now with `livesync sync run {new.name}`.")
        house.remark()


def _as_file(house: House, new: NewSync, known: Desired) -> dict[str, Any]:
    """The same words in the form of a configuration file."""
    connections = {one.name: one for one in known.connections}
    place = end(new.connection, "--connection")
    source = connections.get(place.connection)
    kinds = house.engine.row_ends if new.target else house.engine.registry
    kind = kinds.get(source.platform) if source else None
    far = end(new.target, "--target") if new.target else None
    there = connections.get(far.connection) if far else None
    of_rows = far is not None and there is not None and is_table(house.engine, there, far)
    select = selection(house.engine, source, place, of_rows=of_rows) if source else {}
    select |= valued(new.select, kind.Selection if kind else None)
    lists = {"include": new.include, "exclude": new.exclude, "key": new.key}
    select |= {name: list(values) for name, values in lists.items() if values}
    said = {
        "schedule": new.schedule,
        "priority": new.priority,
        "mode": new.mode,
        "select": select or None,
    }
    target: dict[str, Any] = {"capsule": new.capsule}
    if far is not None:
        of_rows = source is not None and is_table(house.engine, source, place)
        chosen = selection(house.engine, there, far, of_rows=of_rows) if there else {}
        target = {**chosen, "connection": far.connection}
    return {
        "project": new.project or (source.project_id if source else PROJECT),
        "capsules": _new_capsule(new, known),
        "syncs": {
            new.name: {
                "connection": place.connection,
                "target": target,
                **{key: value for key, value in said.items() if value is not None},
            }
        },
    }


def _new_capsule(new: NewSync, known: Desired) -> dict[str, Any]:
    capsule = {"language": new.language} if new.language else {}
    if not new.capsule or (new.capsule in named(known.capsules) and not capsule):
        return {}
    return {new.capsule: capsule}


def valued(pairs: Pairs, model: type[Options] | None) -> dict[str, Any]:
    """Options from a command line: what begins with a bracket is read as YAML, and a field
    that holds a list may be given once for each member."""
    collected: dict[str, list[Any]] = {}
    for key, text in pairs:
        collected.setdefault(key, []).append(_value(key, text))
    lists = _list_fields(model) if model else set()
    return {
        key: values if len(values) > 1 or (key in lists and isinstance(values[0], str)) else value
        for key, values in collected.items()
        for value in values[:1]
    }


def _value(key: str, text: str) -> Any:
    if not text.startswith(("[", "{")):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInput(
            f"{key}: what begins with {text[0]} must be a list or a mapping, as in YAML.",
            hint="For example -o 'start=[\"https://example.com/\"]'.",
        ) from error


def _list_fields(model: type[Options]) -> set[str]:
    fields: Mapping[str, Any] = model.model_fields
    return {name for name, info in fields.items() if get_origin(info.annotation) in {list, tuple}}
