"""Asking for a run: what a door may put into the queue."""

from __future__ import annotations

from livesync_pipelines.engine.accounts import refuse_without
from livesync_pipelines.engine.house import Disabled, Engine
from livesync_pipelines.engine.operating import refuse_paused
from livesync_pipelines.model.sync import SyncConfig, SyncState, Trigger
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import catalog, queue
from livesync_pipelines.store.database import Connection


def ask_for(
    engine: Engine,
    connection: Connection,
    sync_id: str,
    *,
    full: bool = False,
    trigger: Trigger = Trigger.PERSON,
) -> None:
    """Queue a run of a sync. Raises what `refuse_idle` raises."""
    sync = refuse_idle(engine, connection, sync_id)
    queue.put(connection, sync_id, trigger=trigger, priority=sync.priority, full=full)


def ask_to_carry_out(engine: Engine, connection: Connection, sync_id: str) -> str:
    """Queue a run that carries an answer out; one that is paused does so when it is resumed.
    Returns when it will be, in words. Raises `Disabled`, `NotFound`."""
    if catalog.state(connection, sync_id)[0] is SyncState.PAUSED:
        return (
            f"{sync_id} is paused, and writes it when it is resumed: "
            f"`livesync sync resume {sync_id}`"
        )
    ask_for(engine, connection, sync_id)
    return f"the next run of {sync_id} writes it"


def refuse_idle(engine: Engine, connection: Connection, sync_id: str) -> SyncConfig:
    """The sync, if it may run. Raises `Disabled`, `NotFound`; for a paused one `Reauthorise` where
    an account is to be connected first, else `NeedsPerson`."""
    if not engine.enabled:
        raise Disabled(DISABLED_REASON)
    sync = catalog.sync(connection, sync_id)
    if catalog.state(connection, sync_id)[0] is SyncState.PAUSED:
        refuse_without(connection, sync)
    refuse_paused(connection, sync)
    return sync
