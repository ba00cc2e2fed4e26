"""Rows of Notion and of a table of Postgres, kept in step both ways, of which some hold what the
other end has no place for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from livesync_pipelines.connectors import ROW_ENDS
from livesync_pipelines.connectors.notion import SPEC
from livesync_pipelines.connectors.notion_rows import NotionRows
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.engine.desired import asked
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import Desired, Trigger
from livesync_pipelines.sandbox.notion import shown
from livesync_pipelines.sandbox.notion.workspace import SECRET, Thing
from livesync_pipelines.store import catalog, row_apart
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.engine.house import a_house

from .notion_world import Desk, a_desk
from .sql_worlds import PostgresWorld

COLUMNS = {
    "Code": "text primary key",
    "Name": "text",
    "Height": "double precision",
    "Tags": "text[]",
    "Rel": "text[]",
    "Hardy": "boolean",
    "Day": "date",
    "At": "timestamptz",
    "Span": "text",
}
TYPES = {
    "Code": "rich_text",
    "Name": "title",
    "Height": "number",
    "Tags": "multi_select",
    "Hardy": "checkbox",
    "Day": "date",
    "At": "date",
    "Span": "date",
}
NEW_YORK = {"start": "2026-05-01T10:00:00.000", "time_zone": "America/New_York"}


class Unhurried(NotionRows):
    """As often as it likes."""

    spec = replace(SPEC, budgets=())


def words(text: str) -> list[dict[str, Any]]:
    return [{"text": {"content": text}}]


@dataclass(frozen=True, slots=True)
class Garden:
    """A database of Notion and a table of Postgres; `beds` is what relations lead to."""

    desk: Desk
    source: Thing
    beds: Thing
    postgres: PostgresWorld
    table: str
    engine: Engine

    def configure(self, *columns: str, mode: str = "bidirectional") -> None:
        """Keep these in step, beside the code and the name."""
        names = ("Code", "Name", *columns)
        key = {"key": ["code"]}
        data = {
            "project": "demo",
            "connections": {
                "notes": {"platform": "notion", "token": "${TOKEN}"},
                "crm": {"platform": "sql_table", "url": "${CRM_URL}"},
            },
            "syncs": {
                "plants": {
                    "connection": "notes",
                    "select": {"database": self.source.id, "key": ["Code"]},
                    "target": {"connection": "crm", "table": self.table, **key},
                    "mode": mode,
                    "schedule": "manual",
                    "mapping": [{"from": name, "to": name.lower()} for name in names],
                }
            },
        }
        wanted = asked("garden", data, {}, self.engine.environ, known=Desired())
        with self.engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def run(self) -> SyncResult:
        return run_sync(self.engine, "plants", trigger=Trigger.PERSON)

    def row(self, code: str, **values: Any) -> Thing:
        spelled = {"Code": {"rich_text": words(code)}, **values}
        return self.desk.space.row(self.source, spelled)

    def insert(self, code: str, column: str, value: str) -> None:
        """A row with one more column, `value` as SQL."""
        self.postgres.run(f"insert into {self.table} (code, {column}) values ('{code}', {value})")

    def set(self, code: str, column: str, value: str) -> None:
        self.postgres.run(f"update {self.table} set {column} = {value} where code = '{code}'")

    def at_table(self, column: str) -> dict[str, Any]:
        return dict(self.postgres.rows(f"select code, {column} from {self.table}"))

    def at_notion(self, name: str) -> dict[str, Any]:
        """The values of a property, as Notion shows them."""
        space = self.desk.space
        pages = [shown.properties(space, space.things[child]) for child in self.source.children]
        return {
            page["Code"]["rich_text"][0]["plain_text"]: page[name][page[name]["type"]]
            for page in pages
        }

    def failures(self) -> dict[str, str]:
        """Why rows failed, by key."""
        with self.engine.database.pooled() as connection:
            found = rows(connection, "select key, reason from livesync.item_failures", ())
        return {row["key"]: row["reason"] for row in found}


@pytest.fixture
def garden(engine: Engine, postgres: PostgresWorld) -> Iterator[Garden]:
    with a_desk() as desk, a_house(engine):
        known: dict[str, type[RowEnd]] = {**ROW_ENDS, "notion": Unhurried}
        environ = {"TOKEN": SECRET, "NOTION_API_URL": desk.endpoint, "CRM_URL": postgres.url}
        house = replace(engine, environ=environ, row_ends=known)
        beds = desk.space.database("Beds", {"Name": {"title": {}}}, parent=desk.home.id)
        schema: dict[str, Any] = {name: {kind: {}} for name, kind in TYPES.items()}
        schema["Rel"] = {"relation": {"data_source_id": beds.id}}
        source = desk.space.database("Plants", schema, parent=desk.home.id)
        columns = ", ".join(f"{name.lower()} {said}" for name, said in COLUMNS.items())
        yield Garden(desk, source, beds, postgres, postgres.new_table(columns), house)


@pytest.mark.parametrize(
    ("column", "odd", "good", "why"),
    [
        ("tags", "'{a,\"\",NULL}'", "'{a}'", "Tags: something in the list is empty"),
        ("rel", "'{NULL}'", "'{}'", "Rel: something in the list is empty"),
        ("rel", "'{nonsense}'", "'{}'", "relation.id should be a valid uuid"),
    ],
)
def test_a_row_that_notion_has_no_place_for_is_told_and_the_others_go_on(
    garden: Garden, column: str, odd: str, good: str, why: str
) -> None:
    garden.configure(column.title())
    garden.row("a")
    assert garden.run().status is Status.SUCCESS
    garden.insert("b", column, odd)
    garden.insert("c", "name", "'Moss'")
    garden.set("a", column, odd)
    result = garden.run()
    assert result.status is Status.PARTIAL
    told = garden.failures()
    assert told.keys() == {"a", "b"}
    assert all(why in reason for reason in told.values())
    assert garden.at_notion("Name").keys() == {"a", "c"}
    for code in ("a", "b"):
        garden.set(code, column, good)
    assert garden.run().status is Status.SUCCESS
    assert garden.failures() == {}
    assert garden.at_notion("Name").keys() == {"a", "b", "c"}
    assert garden.run().counts.synced_items == 0


@pytest.mark.parametrize("odd", ["'NaN'", "'-Infinity'"])
def test_a_number_that_notion_cannot_hold_stays_in_the_table_and_its_row_goes_on(
    garden: Garden, odd: str
) -> None:
    garden.configure("Height")
    garden.insert("a", "height", odd)
    for _ in range(2):
        assert garden.run().status is Status.SUCCESS
        assert garden.at_notion("Height") == {"a": None}
        assert str(garden.at_table("height")["a"]) in {"nan", "-inf"}
    garden.set("a", "height", "1.5")
    assert garden.run().status is Status.SUCCESS
    assert garden.at_notion("Height") == {"a": 1.5}


def test_a_range_among_days_waits_alone_and_its_page_is_named(garden: Garden) -> None:
    garden.configure("Day")
    first, second = (garden.row(code, Day={"date": {"start": "2026-03-01"}}) for code in "ab")
    assert garden.run().status is Status.SUCCESS
    before = garden.at_table("day")
    garden.desk.space.set(first, {"Day": {"date": {"start": "2026-03-02", "end": "2026-03-04"}}})
    garden.desk.space.set(second, {"Day": {"date": {"start": "2026-03-05"}}})
    garden.set("a", "name", "'Fern'")
    result = garden.run()
    assert (result.status, result.error) == (Status.PARTIAL, None)
    address = f"https://www.notion.so/{first.id.replace('-', '')}"
    assert garden.failures() == {"a": f"page {address}: column Day must hold date, and does not"}
    after = garden.at_table("day")
    assert (after["a"], str(after["b"])) == (before["a"], "2026-03-05")
    assert garden.at_notion("Day")["a"]["end"] == "2026-03-04"
    assert garden.run().status is Status.PARTIAL
    garden.desk.space.set(first, {"Day": {"date": {"start": "2026-03-06"}}})
    assert garden.run().status is Status.SUCCESS
    assert garden.failures() == {}
    assert str(garden.at_table("day")["a"]) == "2026-03-06"
    assert garden.at_table("name")["a"] == "Fern"


def test_a_time_of_a_zone_is_an_instant_and_keeps_its_zone_when_it_is_written(
    garden: Garden,
) -> None:
    garden.configure("At")
    garden.row("a", At={"date": NEW_YORK})
    second = garden.row("b", At={"date": NEW_YORK})
    assert garden.run().status is Status.SUCCESS
    at = datetime(2026, 5, 1, 14, tzinfo=UTC)
    assert garden.at_table("at") == {"a": at, "b": at}
    garden.set("a", "at", "'2026-12-01 17:30+00'")
    garden.desk.space.set(second, {"At": {"date": {**NEW_YORK, "time_zone": "Asia/Tokyo"}}})
    assert garden.run().counts.updated == 2
    shown = garden.at_notion("At")["a"]
    assert (shown["start"], shown["time_zone"]) == ("2026-12-01T12:30:00", "America/New_York")
    assert garden.at_table("at")["b"] == datetime(2026, 5, 1, 1, tzinfo=UTC)
    assert garden.run().counts.synced_items == 0
    garden.set("a", "at", "null")
    assert garden.run().status is Status.SUCCESS
    assert garden.at_notion("At")["a"] is None


def test_a_range_in_a_zone_comes_as_instants_and_keeps_its_zone(garden: Garden) -> None:
    garden.configure("Span")
    garden.row("a", Span={"date": {**NEW_YORK, "end": "2026-05-01T12:00:00.000"}})
    assert garden.run().status is Status.SUCCESS
    assert garden.at_table("span")["a"] == "2026-05-01T10:00:00-04:00/2026-05-01T12:00:00-04:00"
    garden.set("a", "span", "'2026-05-01T15:00Z/2026-05-01T12:00-04:00'")
    assert garden.run().status is Status.SUCCESS
    assert garden.at_notion("Span")["a"] == {
        "start": "2026-05-01T11:00:00",
        "end": "2026-05-01T12:00:00",
        "time_zone": "America/New_York",
    }
    garden.set("a", "span", "'2026-05-02'")
    assert garden.run().status is Status.SUCCESS
    assert garden.at_notion("Span")["a"]["time_zone"] is None


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("At", "2026-11-01 06:30+00", "time zone America/New_York show the time of .* twice"),
        (
            "Span",
            "2026-05-01T10:00",
            "no offset, and the page has the time zone America/New_York",
        ),
        ("Span", "noon-ish, or so", "is no time in the page's time zone America/New_York"),
    ],
)
def test_a_time_that_the_zone_of_its_page_cannot_show_is_refused_by_name(
    garden: Garden, column: str, value: str, why: str
) -> None:
    garden.configure(column)
    garden.row("a", **{column: {"date": NEW_YORK}})
    garden.row("b", Span={"date": {**NEW_YORK, "end": "2026-05-01T12:00:00.000"}})
    assert garden.run().status is Status.SUCCESS
    before = garden.at_notion(column)
    garden.set("a", column.lower(), f"'{value}'")
    assert garden.run().status is Status.PARTIAL
    (told,) = garden.failures().values()
    assert re.search(f"{column}: .*{why}", told)
    assert garden.at_notion(column) == before


@pytest.mark.parametrize("zone", ["America/New_York", "Nowhere/Town"])
def test_a_time_of_a_zone_is_of_another_form_than_a_day_or_of_an_unknown_zone(
    garden: Garden, zone: str
) -> None:
    column = "Day" if zone == "America/New_York" else "At"
    garden.configure(column)
    start = {"Day": "2026-03-01", "At": "2026-03-01T09:00:00.000Z"}[column]
    page = garden.row("a", **{column: {"date": {"start": start}}})
    assert garden.run().status is Status.SUCCESS
    before = garden.at_table(column.lower())
    garden.desk.space.set(page, {column: {"date": {**NEW_YORK, "time_zone": zone}}})
    assert garden.run().status is Status.PARTIAL
    assert f"column {column} must hold" in garden.failures()["a"]
    assert garden.at_table(column.lower()) == before


def test_a_box_that_is_neither_ticked_nor_not_is_unticked_at_notion_alone(garden: Garden) -> None:
    garden.configure("Hardy")
    garden.insert("a", "hardy", "null")
    assert garden.run().status is Status.SUCCESS
    assert (garden.at_table("hardy"), garden.at_notion("Hardy")) == ({"a": None}, {"a": False})
    assert garden.run().counts.synced_items == 0
    with garden.engine.database.pooled() as connection:
        (told,) = row_apart.named(connection, "plants", limit=9)
    assert (told["field"], told["normalises"]) == ("hardy", ["source"])
    page = garden.desk.space.things[garden.source.children[0]]
    for ticked in (True, False):
        garden.desk.space.set(page, {"Hardy": {"checkbox": ticked}})
        assert garden.run().status is Status.SUCCESS
        assert garden.at_table("hardy") == {"a": ticked}
