"""The steps of a run at which a process may die, by where the engine calls them."""

from __future__ import annotations

STEPS = {
    "an operation is opened": ("livesync_pipelines.store.tenure", "_enter"),
    "the sync is taken over": ("livesync_pipelines.store.tenure", "_take_over"),
    "a page is listed": ("livesync_pipelines.engine.listing", "screened"),
    "the shadow is read": ("livesync_pipelines.store.shadow", "versions_between"),
    "a file is read": ("livesync_pipelines.connectors._disk", "_read"),
    "a batch is taken in": ("livesync_pipelines.engine.page", "take_in"),
    "chunks are placed": ("livesync_pipelines.core.corridor", "place"),
    "the fence is checked": ("livesync_pipelines.store.tenure", "fence"),
    "old rows are taken out": ("livesync_pipelines.store.commit", "_clear"),
    "texts are written": ("livesync_pipelines.store.contents", "keep"),
    "rows are written": ("livesync_pipelines.store.commit", "_write_rows"),
    "chunks are written": ("livesync_pipelines.store.commit", "_write_chunks"),
    "failures are written": ("livesync_pipelines.store.commit", "_write_failures"),
    "absences are noted": ("livesync_pipelines.store.commit", "_write_unsettled"),
    "the ledger is written": ("livesync_pipelines.store.commit", "append"),
    "the cursor is moved": ("livesync_pipelines.store.tenure", "advance"),
    "a page is committed": ("livesync_pipelines.engine.intake", "write"),
    "renames are settled": ("livesync_pipelines.engine.settling", "bring_in"),
    "absences are settled": ("livesync_pipelines.engine.settling", "_settle_absences"),
    "the sync is left": ("livesync_pipelines.store.ending", "_leave"),
    "the outbox is written": ("livesync_pipelines.store.outbox", "write_event"),
    "the operation is closed": ("livesync_pipelines.engine.operating", "_close"),
}
"""Module and name of the function that does each step; dying is possible before and after it."""
