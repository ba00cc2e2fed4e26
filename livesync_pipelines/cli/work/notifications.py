"""notifications list, retry; sending what a run in this terminal has to tell."""

from __future__ import annotations

from livesync_pipelines.cli.output import ago, emit, note, say, table
from livesync_pipelines.cli.work.session import open_house
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.notify.relay import Relayed, relay
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import catalog, deliveries


def show_notifications(sync_id: str | None, limit: int, *, as_json: bool) -> None:
    """What was told to whom, and what became of it."""
    with open_house() as house:
        if sync_id is not None:
            catalog.sync(house.connection, sync_id)
        found = deliveries.listed(house.connection, sync_id=sync_id, limit=limit)
        now = house.engine.now()
    if as_json:
        emit({"notifications": found})
    elif found:
        names = ("sync_id", "kind", "address", "state", "tries", "error")
        rows = ((ago(row["at"], now), *(row[name] for name in names)) for row in found)
        table(("AT", "SYNC", "KIND", "TO", "STATE", "TRIES", "WHY NOT"), rows)
    else:
        say("Nobody has been told anything yet.")


def retry_notifications(sync_id: str | None, *, as_json: bool) -> int:
    """Give dead deliveries their tries anew and send what is due; returns the exit code."""
    with open_house() as house:
        if sync_id is not None:
            catalog.sync(house.connection, sync_id)
        revived = deliveries.retry(house.connection, sync_id=sync_id, now=house.engine.now())
        done = relay(house.engine, house.settings)
    if as_json:
        emit({"retried": revived, "sent": done.delivered, "failed": done.failed})
    else:
        say(f"{revived} to be sent again; sent {done.delivered}, failed {done.failed}.")
        _remark(done)
    return 1 if done.failed or done.unsendable else 0


def tell(engine: Engine, settings: Settings) -> None:
    """Send what is due; a person hears of what did not arrive."""
    _remark(relay(engine, settings))


def _remark(done: Relayed) -> None:
    for address, why in done.unsendable.items():
        note(f"Note: nobody is told at {address}: {why}.")
    if done.failed:
        note("Note: a notification did not arrive; see `livesync notifications list`.")
