"""doctor: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from livesync_pipelines.cli.output import emit, say, table
from livesync_pipelines.cli.work import checks, rounds, subscriptions, telling, webhooks
from livesync_pipelines.cli.work.checks import Finding
from livesync_pipelines.engine.house import engine_on
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.settings import Settings
from livesync_pipelines.store.database import Database, answering


def examine(*, as_json: bool) -> int:
    """Ask everything and show the answers; returns the exit code."""
    found = list(_findings())
    bad = [finding for finding in found if finding.verdict == "failed"]
    if as_json:
        emit({"ok": not bad, "checks": [asdict(finding) for finding in found]})
        return 1 if bad else 0
    table(("CHECK", "IS", "FOUND"), ((f.check, f.verdict, f.message) for f in found))
    for finding in found:
        if finding.do:
            say(f"\n{finding.check}: {finding.do}")
    say("\nNothing fails." if not bad else f"\nWhat fails: {len(bad)}.")
    return 1 if bad else 0


def _findings() -> Iterator[Finding]:
    yield from checks.python()
    try:
        settings = Settings.load()
    except LiveSyncError as error:
        yield checks.failed("environment", error)
        return
    yield from checks.configuration(settings)
    yield from checks.home(settings)
    yield from checks.ports(settings)
    yield from checks.broker(settings)
    for found in checks.database(settings):
        if isinstance(found, Finding):
            yield found
        else:
            yield from _within(settings, found)


def _within(settings: Settings, database: Database) -> Iterator[Finding]:
    engine = engine_on(settings, database)
    with answering(database), database.connect() as connection:
        yield from checks.clock(engine.now, connection)
        yield from checks.files(settings, engine, connection)
        yield from checks.connections(engine, connection)
        yield from checks.accounts(engine, connection)
        yield from checks.call_budgets(engine, connection)
        yield from checks.waiting(engine, connection)
        yield from checks.syncs(engine, connection)
        yield from rounds.check(engine, connection)
        yield from telling.notifications(settings, engine, connection)
        yield from webhooks.check(settings, engine, connection)
        yield from subscriptions.check(engine, connection)
        yield from webhooks.queues(engine, connection)
