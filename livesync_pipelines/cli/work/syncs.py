"""sync list, run, pause, resume, approve, remove."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from livesync_pipelines.cli.failures import INTERRUPTED
from livesync_pipelines.cli.output import emit, note, say, table
from livesync_pipelines.cli.work.session import open_house
from livesync_pipelines.engine import report
from livesync_pipelines.engine.accounts import refuse_without
from livesync_pipelines.engine.triggers import refuse_idle
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import SyncState
from livesync_pipelines.store import approvals, catalog, conflict_counts
from livesync_pipelines.store.row_history import count_bad_cells

EXITS = {
    Status.SUCCESS: 0,
    Status.PARTIAL: 0,
    Status.WAITING: 3,
    Status.REFUSED: 3,
    Status.CANCELLED: INTERRUPTED,
}
_COLUMNS = ("sync_id", "platform", "connection", "capsule", "schedule", "state", "project_id")


def listed(*, as_json: bool) -> None:
    """The configured syncs."""
    with open_house() as house:
        found = report.status(house.engine, house.connection)["syncs"]
        if as_json:
            emit({"syncs": [{name: row[name] for name in _COLUMNS} for row in found]})
        elif found:
            headers = ("SYNC", "PLATFORM", "CONNECTION", "CAPSULE", "SCHEDULE", "STATE", "PROJECT")
            table(headers, ([row[name] for name in _COLUMNS] for row in found))
        else:
            say("There is no sync yet. Make one with `livesync apply FILE` or `livesync sync add`.")


def run_now(sync_id: str, *, full: bool, plan: str | None, as_json: bool) -> int:
    """Carry out one sync; returns the exit code of its status."""
    from livesync_pipelines.cli.runs import run

    with open_house() as house:
        refuse_idle(house.engine, house.connection, sync_id)
    result = run(house.settings, sync_id, full=full, plan=plan)
    if as_json:
        emit(result)
    else:
        with open_house() as house:
            left = conflict_counts.after(house.connection, sync_id, result["operation_id"])
            misfits = count_bad_cells(house.connection, sync_id, result["operation_id"])
        _show_result(result, left, misfits)
    return EXITS.get(Status(result["status"]), 1)


def show_counts(result: Mapping[str, Any]) -> str:
    """What was or would be done to items and chunks, in one line."""
    shown = ("added", "updated", "moved", "removed", "unchanged", "skipped", "failed")
    counts = [f"{result[name]} {name}" for name in shown if result[name]] or ["nothing changed"]
    told = [result[f"chunks_{name}"] for name in ("written", "kept", "removed")]
    if not any(told):
        return ", ".join(counts)
    return f"{', '.join(counts)}; {told[0]} chunks written, {told[1]} kept, {told[2]} removed"


def show_conflicts(sync_id: str, waiting: int, settled: int) -> list[str]:
    """What a person is told of conflicts."""
    said = []
    if waiting:
        wait = "waits" if waiting == 1 else "wait"
        said.append(f"{waiting} {wait} for an answer: livesync conflicts list {sync_id}")
    if settled:
        said.append(f"{settled} settled by policy: livesync conflicts list {sync_id} --all")
    return said


def _show_result(result: Mapping[str, Any], left: tuple[int, int], misfits: int) -> None:
    say(f"{result['sync_id']}: {result['status']} in {result['duration_s']:.1f} s")
    say(f"  {show_counts(result)}")
    for line in show_conflicts(result["sync_id"], *left):
        say(f"  {line}")
    if misfits:
        fits = "cell does" if misfits == 1 else "cells do"
        say(f"  {misfits} {fits} not fit: livesync mapping cells {result['sync_id']}")
    say(f"  operation {result['operation_id']}, run {result['run_id'] or '-'}")
    error = result.get("error")
    if error:
        note(error["message"])
        note(error.get("hint") or f"See `livesync history {result['sync_id']}`.")
    note_failed(result)


def note_failed(result: Mapping[str, Any]) -> None:
    """Say where a person finds what failed."""
    if result["failed"]:
        note(f"`livesync status {result['sync_id']}` lists the items that failed.")


def pause(sync_id: str, reason: str | None, *, as_json: bool) -> None:
    """Let a sync rest."""
    _set_state(sync_id, SyncState.PAUSED, reason, as_json=as_json)


def resume(sync_id: str, *, as_json: bool) -> None:
    """Let it run again. Raises `Reauthorise` where that would only pause it once more."""
    with open_house() as house:
        refuse_without(house.connection, catalog.sync(house.connection, sync_id))
    _set_state(sync_id, SyncState.ACTIVE, None, as_json=as_json)


def _set_state(sync_id: str, state: SyncState, reason: str | None, *, as_json: bool) -> None:
    with open_house() as house:
        catalog.sync(house.connection, sync_id)
        catalog.set_state(house.connection, sync_id, state, reason)
        if as_json:
            emit({"sync_id": sync_id, "state": state, "reason": reason})
        else:
            say(f"{sync_id} is {state}.")


def approve(sync_id: str, *, as_json: bool) -> None:
    """Allow what a sync waits for: removals, or rows of a first link that are doubtful."""
    with open_house() as house:
        catalog.sync(house.connection, sync_id)
        count = approvals.give(house.connection, sync_id)
        if as_json:
            emit({"sync_id": sync_id, "approved": count})
        elif count:
            say(f"{sync_id} may go on with {count} items: `livesync sync run {sync_id}`.")
        else:
            say(f"{sync_id} waits for no approval; nothing was changed.")


def remove(sync_id: str, *, yes: bool, as_json: bool) -> None:
    """Remove a sync and what it brought in, after a person has confirmed it."""
    with open_house() as house:
        (row,) = report.status(house.engine, house.connection, sync_id=sync_id)["syncs"]
        if not yes:
            _confirm(row, as_json=as_json)
        catalog.remove_sync(house.connection, sync_id)
        if as_json:
            emit({"removed": sync_id, "items": row["items"], "chunks": row["chunks"]})
        else:
            say(f"Removed {sync_id}: {row['items']} items and {row['chunks']} chunks.")


def _confirm(row: Mapping[str, Any], *, as_json: bool) -> None:
    sync_id = row["sync_id"]
    if as_json or not sys.stdin.isatty():
        raise BadInput(
            f"Removing {sync_id} takes {row['items']} items and {row['chunks']} chunks with it.",
            hint="Say --yes to do that without being asked.",
        )
    told = f"Remove {sync_id} with {row['items']} items, {row['chunks']} chunks and its history?"
    if not click.confirm(told, err=True):
        raise BadInput("Nothing was removed.")
