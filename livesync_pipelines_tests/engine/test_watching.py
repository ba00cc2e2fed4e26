"""A source that says by itself that it has changed is not waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest

from livesync_pipelines.engine import watching
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.engine.two_ends import SYNC, two_ends

COLUMNS = {"id": "integer", "name": "text"}
ASKED = "select from livesync.syncs where next_due_at is not null"


@pytest.fixture
def docs(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(watching, "ARRANGED_EVERY_S", 0.2)
    monkeypatch.setattr(watching, "_AGAIN_S", 0.2)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "leave.md").write_text("Ask early.")
    configure(engine, docs)
    return docs


def configure(engine: Engine, docs: Path, schedule: str = "realtime") -> None:
    sync = SyncConfig(
        sync_id="docs",
        project_id="demo",
        connection="files",
        capsule="handbook",
        schedule=schedule,
        select={"include": ["**/*.md"]},
    )
    source = Connection(
        name="files", project_id="demo", platform="folder", options={"path": str(docs)}
    )
    capsule = Capsule(name="handbook", project_id="demo")
    with engine.database.connect() as connection:
        catalog.apply(
            connection, Desired(connections=(source,), capsules=(capsule,), syncs=(sync,))
        )


def ask(engine: Engine, query: str) -> list[dict[str, Any]]:
    with engine.database.pooled() as connection:
        return rows(connection, query)


@contextmanager
def watched(engine: Engine) -> Iterator[None]:
    """While somebody waits; from when the source has been asked, so that nothing is missed."""
    over = Event()
    thread = Thread(target=watching.watch, args=(engine, over))
    forget_due(engine)
    thread.start()
    try:
        until(engine, ASKED)
        yield
    finally:
        over.set()
        thread.join()


def forget_due(engine: Engine) -> None:
    with engine.database.pooled() as connection:
        connection.execute("update livesync.syncs set next_due_at = null")


def until(engine: Engine, query: str) -> list[dict[str, Any]]:
    limit = monotonic() + 60
    while not (found := ask(engine, query)):
        assert monotonic() < limit, query
        sleep(0.05)
    return found


def queued(engine: Engine) -> dict[str, Any]:
    return until(engine, "select sync_id, trigger, hints from livesync.queue")[0]


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda docs: (docs / "travel.md").write_text("Book trains."),
        lambda docs: (docs / "leave.md").write_text("Ask late."),
        lambda docs: (docs / "leave.md").unlink(),
        lambda docs: (docs / "leave.md").rename(docs / "holidays.md"),
        lambda docs: (docs.parent / "more").rename(docs / "more"),
    ],
    ids=["a file comes", "a file changes", "a file goes", "a file moves", "a folder comes"],
)
def test_what_happens_in_a_folder_is_queued_by_itself(
    docs: Path, engine: Engine, change: Change
) -> None:
    (docs.parent / "more").mkdir()
    (docs.parent / "more" / "pay.md").write_text("Monthly.")
    with watched(engine):
        change(docs)
        found = queued(engine)
    assert (found["sync_id"], found["trigger"]) == ("docs", "watch")


def test_what_is_not_selected_wakes_nobody(docs: Path, engine: Engine) -> None:
    with watched(engine):
        (docs / "notes.txt").write_text("Not selected.")
        (docs / ".hidden.md").write_text("Not selected.")
        sleep(1)
        assert not ask(engine, "select from livesync.queue")
        (docs / "travel.md").write_text("Selected.")
        assert queued(engine)["sync_id"] == "docs"


def test_a_watched_source_is_asked_less_often(docs: Path, engine: Engine) -> None:
    seconds = (
        "select extract(epoch from next_due_at - now()) as seconds from livesync.syncs"
        " where next_due_at > now()"
    )
    with watched(engine):
        sweep(engine, realtime=True)
        found = until(engine, seconds)
    assert found[0]["seconds"] > 30


def test_a_sync_that_is_not_realtime_any_more_is_left_alone(docs: Path, engine: Engine) -> None:
    with watched(engine):
        configure(engine, docs, schedule="hourly")
        until(engine, "select from livesync.syncs where watched_until < now()")


def test_a_folder_that_was_away_is_watched_again(docs: Path, engine: Engine) -> None:
    away = docs.with_name("away")
    docs.rename(away)
    over = Event()
    thread = Thread(target=watching.watch, args=(engine, over))
    thread.start()
    try:
        sleep(0.5)
        forget_due(engine)
        away.rename(docs)
        until(engine, ASKED)
        (docs / "travel.md").write_text("Book trains.")
        assert queued(engine)["trigger"] == "watch"
    finally:
        over.set()
        thread.join()


def test_a_table_with_a_feed_is_queued_when_it_is_written_to(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "ARRANGED_EVERY_S", 0.2)
    with two_ends(engine, "postgres", tmp_path) as ends:
        for table in (ends.source, ends.target):
            table.create(COLUMNS, ["id"], {})
        ends.configure({"mode": "pull", "schedule": "realtime"}, {"source": {"feed": "trigger"}})
        ends.run()
        with watched(ends.engine):
            ends.source.insert({"id": 1, "name": "Ada"})
            assert queued(ends.engine)["sync_id"] == SYNC
