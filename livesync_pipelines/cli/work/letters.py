"""dead-letters list, save, replay; restore."""

from __future__ import annotations

from typing import IO

from livesync_pipelines.cli.output import ago, emit, say, table
from livesync_pipelines.cli.work.session import open_house
from livesync_pipelines.cli.work.syncs import run_now
from livesync_pipelines.engine.restoring import let_go, restore
from livesync_pipelines.engine.triggers import refuse_idle
from livesync_pipelines.model.errors import NotFound
from livesync_pipelines.store import catalog, letters, row_names
from livesync_pipelines.store.row_names import RowNames


def show_letters(sync_id: str | None, limit: int, *, as_json: bool) -> None:
    """The dead letters of a sync or of all."""
    with open_house() as house:
        if sync_id is not None:
            catalog.sync(house.connection, sync_id)
        found = letters.listed(house.connection, sync_id=sync_id, limit=limit)
        found = row_names.told(house.connection, found)
        now = house.engine.now()
    if as_json:
        emit({"dead_letters": found})
    elif found:
        shown = ("sync_id", "key", "code", "tries")
        rows = ([*(r[n] for n in shown), ago(r["failed_at"], now), r["reason"]] for r in found)
        table(("SYNC", "ITEM", "CODE", "TRIES", "FAILED", "WHY"), rows)
    else:
        say("There are no dead letters.")


def save_letter(sync_id: str, key: str, file: IO[bytes]) -> None:
    """Write what could not be read into a file."""
    with open_house() as house:
        catalog.sync(house.connection, sync_id)
        file.write(letters.content(house.connection, sync_id, key))


def restore_item(sync_id: str, item_id: str, *, undo: bool, as_json: bool) -> None:
    """Bring a removed item back, or let it go again."""
    with open_house() as house:
        if undo:
            let_go(house.connection, sync_id, item_id)
        else:
            restore(house.engine, sync_id, item_id)
    if as_json:
        emit({"sync_id": sync_id, "item_id": item_id, "kept": not undo})
    elif undo:
        say(f"{item_id} follows its source again; if it is gone there, the next run removes it.")
    else:
        say(f"{item_id} is back, and stays until its source shows it again.")


def replay_letters(sync_id: str, key: str | None, *, as_json: bool) -> int:
    """Release dead letters and run their sync; returns the exit code of the run."""
    with open_house() as house:
        refuse_idle(house.engine, house.connection, sync_id)
        keys = None if key is None else RowNames(house.connection).meant(sync_id, key)
        released = letters.release(house.connection, sync_id, keys)
    if not released and key is not None:
        raise NotFound(
            f"'{key}' is no dead letter of sync '{sync_id}'.",
            hint=f"See `livesync dead-letters list {sync_id}`.",
        )
    return run_now(sync_id, full=False, plan=None, as_json=as_json)
