"""clean."""

from __future__ import annotations

from dataclasses import asdict

from livesync_pipelines.cli.output import emit, note, say, table
from livesync_pipelines.cli.runs import forget_runs, opened
from livesync_pipelines.engine.cleaning import clean
from livesync_pipelines.settings import Settings
from livesync_pipelines.store.database import answering


def clean_now(*, dry_run: bool, as_json: bool) -> None:
    """Take away what is old, or only tell what would go."""
    settings = Settings.load()
    days = settings.keep.dagster
    with opened(settings) as engine, answering(engine.database):
        cleaned = clean(engine, settings.keep, dry_run=dry_run)
        runs = forget_runs(engine, days=days, dry_run=dry_run) if days is not None else 0
    if as_json:
        syncs = [asdict(done) for done in cleaned]
        emit({"dry_run": dry_run, "syncs": syncs, "dagster_runs": runs})
        return
    if cleaned:
        lines = (
            (d.sync_id, d.operations, d.events, d.ledger_entries, d.row_versions, d.contents)
            for d in cleaned
        )
        names = ("SYNC", "OPERATIONS", "EVENTS", "LEDGER ENTRIES", "ROW VERSIONS", "TEXTS")
        table(names, lines)
    say(f"Dagster: {runs} runs with their logs {'would go' if dry_run else 'are gone'}.")
    for done in cleaned:
        if done.busy:
            note(f"{done.sync_id} is being worked on: what is left of it goes next time.")
        if done.refused:
            note(done.refused)
