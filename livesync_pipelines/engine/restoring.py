"""A removed item comes back from the ledger, and stays until its source shows it again."""

from __future__ import annotations

from livesync_pipelines.core import corridor
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.logged import logged_record, logged_texts
from livesync_pipelines.engine.operating import Errand, operate
from livesync_pipelines.model.conflict import ConflictState
from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.records import Record
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import catalog, conflicts, kept, ledger
from livesync_pipelines.store.commit import Batch, write
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation, Outcome


def restore(engine: Engine, sync_id: str, item_id: str) -> SyncResult:
    """Put a removed item back as it last was.

    Raises `NotFound` for an item that the ledger does not know or of which the text is gone,
    `BadInput` for one that has not been removed; else as `operating.operate`.
    """

    def work(operation: Operation) -> Outcome:
        change = corridor.carried(record, None, fields=operation.sync.mapping, scope=sync_id)
        now = engine.now()
        with connection.transaction():
            write(
                connection,
                operation,
                Batch(changes=[change]),
                now=now,
                place=operation.place,
            )
            kept.keep(connection, sync_id, item_id, record.key, now)
        return Outcome(Status.SUCCESS)

    with engine.database.connect() as connection:
        record = _removed(connection, sync_id, item_id)
        errand = Errand(sync_id=sync_id, trigger=Trigger.RESTORE)
        return operate(engine, connection, errand, work)


def let_go(connection: Connection, sync_id: str, item_id: str) -> None:
    """A restored item is to follow its source again: the next complete listing that does not
    show it removes it. Raises `NotFound` for an item that is not kept."""
    catalog.sync(connection, sync_id)
    if not kept.release(connection, sync_id, [item_id]):
        raise NotFound(f"'{item_id}' is no restored item of sync '{sync_id}'.")


def _removed(connection: Connection, sync_id: str, item_id: str) -> Record:
    sync = catalog.sync(connection, sync_id)
    if sync.copies:
        raise _of_a_file(connection, sync_id, item_id)
    if sync.target is not None:
        raise BadInput(
            f"Sync '{sync_id}' keeps two ends in step, and restores what one lost to the other.",
            hint="See `livesync conflicts list --all`, and `livesync conflicts restore`.",
        )
    entries = ledger.entries(connection, sync_id, item_id=item_id, limit=1)
    if not entries:
        raise NotFound(
            f"The ledger of sync '{sync_id}' knows no item '{item_id}'.",
            hint=f"See `livesync ledger {sync_id}`.",
        )
    (last,) = entries
    if last["op"] != "removed":
        raise BadInput(f"'{item_id}' of sync '{sync_id}' is there: it was {last['op']} last.")
    described = last["before"]
    text = None
    if described is not None:
        texts = logged_texts(connection, sync_id, [described])
        text = texts.get(described["content_hash"])
    if text is None:
        raise NotFound(
            f"The text of '{item_id}' is kept no longer: it was removed on {last['at']:%Y-%m-%d}.",
            hint="LIVESYNC_KEEP_LEDGER_DAYS says how long deletions can be undone.",
        )
    return logged_record(item_id, described, text, last["at"])


def _of_a_file(connection: Connection, sync_id: str, name: str) -> BadInput:
    """What a copy has lost of a file hangs on the conflict in which it was lost."""
    lost = [
        each["conflict_id"]
        for each in conflicts.of_key(connection, sync_id, name, limit=100)
        if each["state"] == ConflictState.SETTLED and each["winner"] in {*Side}
    ]
    hint = "Put it back at the end that is copied; the next run copies it."
    if lost:
        hint = f"`livesync conflicts restore {lost[0]}`; see `livesync explain {sync_id}:{name}`."
    return BadInput(
        f"Sync '{sync_id}' copies files: of '{name}', "
        + ("what gave way last is kept." if lost else "nothing has given way, so nothing is kept."),
        hint=hint,
    )
