"""The end of a listing: renames are told from arrivals, and only then is anything removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from livesync_pipelines.core import guard
from livesync_pipelines.engine.intake import Pass, begin, take_in
from livesync_pipelines.engine.reading import BATCH_ITEMS, batches
from livesync_pipelines.model.records import Entry, Known
from livesync_pipelines.store import approvals, shadow, unsettled
from livesync_pipelines.store.commit import Batch


def settle(this: Pass, *, complete: bool) -> str | None:
    """Settle what the listing left; returns why removals must wait for a person, or None.

    Without a complete listing only what the source itself called gone is removed.
    """
    if not complete:
        unsettled.forget(this.connection, this.sync_id, reason=unsettled.NOT_LISTED)
    elif this.unsettled and (this.blind or this.still_failing):
        unsettled.forget_unseen(
            this.connection, this.sync_id, keys=list(this.still_failing), below=list(this.blind)
        )
    while arrived := unsettled.arrivals(this.connection, this.sync_id, limit=BATCH_ITEMS):
        bring_in(this, arrived)
    stay = unsettled.absent_and_unread(
        this.connection,
        this.sync_id,
        this.unread,
        identity_reused=this.connector.spec.identity_reused,
    )
    removals = unsettled.count_absent(this.connection, this.sync_id, but=stay)
    refusal = None
    many = removals > this.operation.sync.limits.delete_items
    if many and not approvals.cover_all(this.connection, this.sync_id):
        refusal = _refusal(this, stay)
    if refusal is None and removals:
        _settle_absences(this, stay)
    return refusal


def _refusal(this: Pass, stay: Sequence[str]) -> str | None:
    root = this.connector.root
    before = shadow.keys_before(this.connection, this.sync_id, this.operation.operation_id)
    absent = unsettled.absent(this.connection, this.sync_id, but=stay)
    return guard.refusal(
        removals=Counter(map(root, absent)),
        totals=Counter(map(root, before)),
        limits=this.operation.sync.limits,
        waited=approvals.waited(this.connection, this.sync_id),
    )


def bring_in(this: Pass, arrived: Sequence[Entry]) -> None:
    """Read new keys and commit them: as what an absent item is called now, where identity and
    words agree."""
    identities = [entry.identity for entry in arrived if entry.identity is not None]
    old_keys = unsettled.absent_by_identity(this.connection, this.sync_id, identities)
    known = shadow.known_by_key(this.connection, this.sync_id, list(old_keys.values()))
    renamed: dict[str, Known] = {}
    for entry in arrived:
        old = known.pop(old_keys.get(entry.identity or "", ""), None)
        if old is not None:
            renamed[entry.key] = old
    for piece in batches(this.read(arrived)):
        batch = Batch()
        take_in(this, begin(this, piece, renamed=renamed), batch)
        batch.settled = [r.entry.key for r in piece.good]
        batch.settled += [failed.failure.key for failed in piece.bad]
        batch.settled += [
            change.known.key
            for change in batch.changes
            if change.known and change.known.key != change.record.key
        ]
        this.commit(batch, this.place)
    this.writer.wait()


def _settle_absences(this: Pass, stay: Sequence[str]) -> None:
    while reasons := unsettled.first_absent(
        this.connection, this.sync_id, but=stay, limit=BATCH_ITEMS
    ):
        known = shadow.known_by_key(this.connection, this.sync_id, list(reasons))
        removed = [(item, reasons[key]) for key, item in known.items()]
        this.commit(Batch(removed=removed, settled=list(reasons)), this.place)
        this.writer.wait()
