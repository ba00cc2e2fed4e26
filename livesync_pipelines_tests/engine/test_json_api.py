"""A JSON API kept in step: its items as documents of a capsule, and as rows of a table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.callers import found_or_made
from livesync_pipelines.engine.desired import asked
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import Desired, Trigger
from livesync_pipelines.store import catalog
from livesync_pipelines.store.capsules import search
from livesync_pipelines_tests.connectors.json_api_world import TOKEN, Served
from livesync_pipelines_tests.engine.house import looked_at_now
from livesync_pipelines_tests.net.site import Site

TICKETS: list[dict[str, Any]] = [
    {"id": 1, "subject": "Ferns wilt", "body": "They want shade.", "by": {"name": "Ada"}},
    {"id": 2, "subject": "Moss spreads", "body": "It likes rain.", "by": {"name": "Ben"}},
]


class Desk:
    """An API of tickets; `docs` brings them into a capsule, `rows` into a table of SQLite."""

    def __init__(self, engine: Engine, site: Site, folder: Path) -> None:
        self.engine = replace(engine, registry=REGISTRY, environ={"TOKEN": TOKEN})
        self.served = Served(site)
        self.file = folder / "crm.db"
        with closing(sqlite3.connect(self.file)) as crm:
            crm.execute("vacuum")

    def document(self, **said: Any) -> dict[str, Any]:
        options = {"url": self.served.site.url("/api"), "token": "${TOKEN}", "allow_private": True}
        return {
            "project": "demo",
            "connections": {
                "desk": {"platform": "json_api", **options},
                "crm": {"platform": "sql_table", "url": f"sqlite:///{self.file}"},
            },
            "capsules": {"help": {"language": "english"}},
            "syncs": {
                "docs": {
                    "connection": "desk",
                    "select": {
                        "path": "tickets",
                        "items": "data",
                        "title": "subject",
                        "text": "[subject, body]",
                        "attributes": {"by": "by.name"},
                    },
                    "target": {"capsule": "help"},
                    "schedule": "every_15_minutes",
                },
                "rows": {
                    "connection": "desk",
                    "select": {"rows": "tickets", "items": "data", "key": ["id"]},
                    "target": {"connection": "crm", "table": "tickets"},
                    "mapping": [
                        {"from": "id", "to": "id"},
                        {"from": "subject", "to": "title"},
                        {"from": "by", "path": "name", "to": "who"},
                    ],
                    "schedule": "every_15_minutes",
                    **said,
                },
            },
        }

    def configure(self, **said: Any) -> None:
        wanted = asked(
            "desk.yaml", self.document(**said), REGISTRY, {"TOKEN": TOKEN}, known=Desired()
        )
        with self.engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def show(self, *tickets: dict[str, Any]) -> None:
        self.served.says("tickets", {"data": list(tickets)})

    def run(self, sync_id: str, trigger: Trigger = Trigger.PERSON) -> SyncResult:
        return run_sync(self.engine, sync_id, trigger=trigger)

    def found(self, words: str) -> list[str]:
        with self.engine.database.pooled() as connection:
            return [hit["title"] for hit in search(connection, "help", words)]

    def table(self) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.file)) as crm:
            return crm.execute("select id, title, who from tickets order by id").fetchall()


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Iterator[Desk]:
    with Site() as site:
        made = Desk(engine, site, tmp_path)
        made.show(*TICKETS)
        made.configure()
        yield made


def test_items_are_found_by_their_words_and_follow_the_api(desk: Desk) -> None:
    assert desk.run("docs").counts.added == 2
    assert desk.found("shade") == ["Ferns wilt"]
    desk.show({**TICKETS[0], "body": "They want mist."})
    result = desk.run("docs")
    assert (result.counts.updated, result.counts.removed) == (1, 1)
    assert (desk.found("shade"), desk.found("mist")) == ([], ["Ferns wilt"])


def test_items_are_rows_of_a_table_and_follow_the_api(desk: Desk) -> None:
    assert desk.run("rows").status is Status.SUCCESS
    assert desk.table() == [(1, "Ferns wilt", "Ada"), (2, "Moss spreads", "Ben")]
    desk.show({**TICKETS[1], "by": {"name": "Cy"}}, {"id": 3, "subject": "New", "by": None})
    desk.run("rows")
    assert desk.table() == [(2, "Moss spreads", "Cy"), (3, "New", None)]


@pytest.mark.parametrize("trigger", [Trigger.PERSON, Trigger.WEBHOOK, Trigger.POLL])
def test_an_api_that_says_the_same_costs_no_run(desk: Desk, trigger: Trigger) -> None:
    for sync_id in ("docs", "rows"):
        desk.run(sync_id, trigger)
    assert looked_at_now(desk.engine) == []
    desk.show(*TICKETS, {"id": 3, "subject": "New", "body": "", "by": None})
    assert sorted(looked_at_now(desk.engine)) == ["docs", "rows"]


def test_an_api_that_is_away_takes_nothing_away(desk: Desk) -> None:
    desk.run("docs")
    desk.run("rows")
    desk.served.says("tickets", {"error": "maintenance"})
    for sync_id in ("docs", "rows"):
        result = desk.run(sync_id)
        assert result.status is Status.FAILED
        assert "has no list at `items: data` (it has error)" in f"{result.error}"
        assert TOKEN not in f"{result.error}"
    assert (len(desk.table()), desk.found("shade")) == (2, ["Ferns wilt"])


@pytest.mark.parametrize("mode", ["push", "bidirectional"])
def test_a_mode_that_would_write_to_it_is_refused(desk: Desk, mode: str) -> None:
    with pytest.raises(BadInput, match="json_api can only be read"):
        desk.configure(mode=mode)


def test_a_program_names_the_listing_behind_a_slash(desk: Desk) -> None:
    asked_for = {"project_id": "demo", "sync_type": "pull", "source": "desk/tickets"}
    with desk.engine.database.pooled() as connection:
        docs = found_or_made(desk.engine, connection, {**asked_for, "target": "help"})
        other = {**asked_for, "source": "desk/people", "target": "help"}
        people = found_or_made(desk.engine, connection, other)
        table = {"connection": "desk", "rows": "tickets", "items": "data", "key": ["id"]}
        rows = found_or_made(
            desk.engine, connection, {**asked_for, "source": table, "target": "crm/copy"}
        )
    assert (docs.sync_id, people.select) == ("docs", {"path": "people"})
    assert desk.run(rows.sync_id).counts.added == 2
