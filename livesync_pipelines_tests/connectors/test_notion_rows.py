"""Databases of Notion as typed rows: read, written with what was expected, and kept in step with a
table of SQLite through the engine."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr

from livesync_pipelines.connectors import ROW_ENDS
from livesync_pipelines.connectors._notion_table import Loaded
from livesync_pipelines.connectors.notion import SPEC, NotionConnection
from livesync_pipelines.connectors.notion_rows import NotionRows, NotionRowsSelection
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import BadInput, LiveSyncError, NotFound, Unavailable
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.row_map import FieldMap
from livesync_pipelines.model.rows import CLOCK, Column, RowPage, RowWrites, Shape
from livesync_pipelines.model.sync import (
    Connection,
    Desired,
    Limits,
    Mode,
    RowTarget,
    SyncConfig,
    Trigger,
)
from livesync_pipelines.sandbox.notion.workspace import SECRET, Thing
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.house import a_house
from livesync_pipelines_tests.sandbox.served import ADA

from .notion_world import Desk, a_desk

SCHEMA: dict[str, Any] = {
    "Name": {"title": {}},
    "Code": {"rich_text": {}},
    "Height": {"number": {}},
    "Kind": {"select": {}},
    "State": {"status": {"options": [{"name": "Seed"}, {"name": "Grown"}]}},
    "Tags": {"multi_select": {}},
    "Sown": {"date": {}},
    "Seen": {"date": {}},
    "Mixed": {"date": {}},
    "Who": {"people": {}},
    "Files": {"files": {}},
    "Hardy": {"checkbox": {}},
    "Url": {"url": {}},
    "Mail": {"email": {}},
    "Phone": {"phone_number": {}},
    "Twice": {"formula": {"expression": 'prop("Height") * 2'}},
    "Tall": {"formula": {"expression": 'prop("Height") > 2'}},
    "When": {"formula": {"expression": 'prop("Sown")'}},
    "Made": {"created_time": {}},
    "Editor": {"last_edited_by": {}},
    "No": {"unique_id": {"prefix": "P"}},
    "Press": {"button": {}},
    "page_id": {"rich_text": {}},
}
NONE = pa.table({"page_id": pa.array([], pa.string())})


def words(text: str) -> list[dict[str, Any]]:
    return [{"text": {"content": text}}] if text else []


def fern(space_user: str) -> dict[str, Any]:
    return {
        "Name": {"title": words("Fern")},
        "Code": {"rich_text": words("F-1")},
        "Height": {"number": 3},
        "Kind": {"select": {"name": "Green"}},
        "State": {"status": {"name": "Seed"}},
        "Tags": {"multi_select": [{"name": "wet"}, {"name": "tall"}]},
        "Sown": {"date": {"start": "2026-03-01"}},
        "Seen": {"date": {"start": "2026-03-01T09:00:00.000+01:00"}},
        "Mixed": {"date": {"start": "2026-03-01", "end": "2026-03-07"}},
        "Who": {"people": [{"id": space_user}]},
        "Files": {"files": [{"type": "external", "name": "a", "external": {"url": "https://a.b"}}]},
        "Hardy": {"checkbox": True},
        "Url": {"url": "https://a.b/c"},
        "Mail": {"email": "a@b.c"},
        "Phone": {"phone_number": "1"},
        "page_id": {"rich_text": words("mine")},
    }


@dataclass(frozen=True, slots=True)
class Plants:
    """A desk with a database of plants."""

    desk: Desk
    source: Thing

    @contextmanager
    def end(
        self, database: str | None = None, kind: type[NotionRows] = NotionRows, **more: Any
    ) -> Iterator[NotionRows]:
        connection = NotionConnection(token=SecretStr(SECRET))
        said = {"database": database or self.source.id, **more}
        chosen = NotionRowsSelection.model_validate(said)
        with closing(kind(connection, chosen, self.desk.limits)) as end:
            yield end

    def row(self, **values: Any) -> Thing:
        return self.desk.space.row(self.source, values)


@pytest.fixture
def plants() -> Iterator[Plants]:
    with a_desk() as desk:
        yield Plants(desk, desk.space.database("Plants", SCHEMA, parent=desk.home.id))


def scanned(end: NotionRows) -> list[dict[str, Any]]:
    shape = end.shape()
    assert shape is not None
    pages = list(end.scan([column.name for column in shape.columns], None))
    assert pages[-1].last
    assert not any(page.failures for page in pages)
    return [row for page in pages for row in page.rows.to_pylist()]


def rows_of(page: RowPage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.rows.to_pylist()
    return found


def test_every_property_is_a_column_of_its_type(plants: Plants) -> None:
    row = plants.row(**fern(plants.desk.space.somebody))
    bare = plants.row(Sown={"date": {"start": "2026-03-02"}}, Mixed={"date": {"start": "2026-04"}})
    with plants.end() as end:
        by_id = {one["page_id"]: one for one in scanned(end)}
        shape = end.shape()
    assert shape is not None
    found = by_id[row.id]
    assert found.pop("page_url").startswith("https://www.notion.so/")
    assert found == {
        "page_id": row.id,
        "edited_at": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "Name": "Fern",
        "Code": "F-1",
        "Height": 3.0,
        "Kind": "Green",
        "State": "Seed",
        "Tags": ["wet", "tall"],
        "Sown": date(2026, 3, 1),
        "Seen": datetime(2026, 3, 1, 8, tzinfo=UTC),
        "Mixed": "2026-03-01/2026-03-07",
        "Who": [ADA],
        "Files": ["https://a.b"],
        "Hardy": True,
        "Url": "https://a.b/c",
        "Mail": "a@b.c",
        "Phone": "1",
        "Twice": 6,
        "Tall": True,
        "When": date(2026, 3, 1),
        "Made": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "Editor": ADA,
        "No": "P-1",
        "page_id (property)": "mine",
    }
    empty = by_id[bare.id]
    assert (empty["Name"], empty["Height"], empty["Tags"], empty["Hardy"]) == (
        None,
        None,
        [],
        False,
    )
    assert (shape.key, shape.modified) == (("page_id",), "edited_at")
    readonly = {column.name for column in shape.columns if not column.writable}
    computed = {"Twice", "Tall", "When", "Made", "Editor", "No", "Files"}
    assert readonly == {"page_id", "page_url", "edited_at", *computed}


def test_relations_and_rollups_are_read_to_their_end(plants: Plants) -> None:
    rows = [plants.row(Height={"number": n}) for n in range(30)]
    rolled = {"relation_property_name": "Plants", "rollup_property_name": "Height"}
    beds = plants.desk.space.database(
        "Beds",
        {
            "Name": {"title": {}},
            "Plants": {"relation": {"data_source_id": plants.source.id}},
            "Sum": {"rollup": {**rolled, "function": "sum"}},
            "All": {"rollup": {**rolled, "function": "show_original"}},
        },
    )
    related = [{"id": row.id} for row in rows]
    plants.desk.space.row(beds, {"Plants": {"relation": related}})
    with plants.end(beds.id) as end:
        (found,) = scanned(end)
    assert found["Plants"] == [row.id for row in rows]
    assert (found["Sum"], found["All"][:3]) == (435, ["0", "1", "2"])


def test_an_empty_database_has_its_columns(plants: Plants) -> None:
    with plants.end() as end:
        assert scanned(end) == []
        shape = end.shape()
    assert shape is not None
    assert {"Name", "Height", "page_id"} <= {column.name for column in shape.columns}


def test_a_long_database_is_read_to_its_end_beyond_what_a_query_shows(plants: Plants) -> None:
    plants.desk.space.result_limit = 150
    ids = set()
    for _ in range(4):
        ids |= {plants.row().id for _ in range(101)}
        plants.desk.later(1)
    with plants.end() as end:
        found = [row["page_id"] for row in scanned(end)]
    assert found == sorted(ids)


def test_a_key_of_ones_own_must_be_on_one_row_only(plants: Plants) -> None:
    for code in ("a", "b", "b", ""):
        plants.row(Code={"rich_text": words(code)})
    with plants.end(key=["Code"]) as end:
        assert end.shape() is not None
        pages = list(end.scan(["Code"], None))
    assert [row for page in pages for row in rows_of(page)] == [{"Code": "a"}]
    failures = [one.code for page in pages for one in page.failures]
    assert failures == ["no_key", "duplicate_key"]
    assert not pages[-1].last


@pytest.mark.parametrize("key", ["Nothing", "Tags", "Height"])
def test_a_key_that_cannot_be_one_is_refused(plants: Plants, key: str) -> None:
    plants.row()
    with plants.end(key=[key]) as end, pytest.raises(BadInput, match=key):
        end.shape()


def test_a_database_that_is_not_there_has_no_shape_and_loses_no_row(plants: Plants) -> None:
    plants.row()
    with plants.end() as end:
        assert end.shape() is not None
        list(end.scan(["Name"], None))
        plants.desk.space.shared.clear()
        with pytest.raises(NotFound):
            list(end.scan(["Name"], None))
        assert end.shape() is None


def test_of_several_data_sources_one_must_be_named(plants: Plants) -> None:
    database = plants.source.parent or ""
    with plants.end(database) as end:
        assert end.shape() is not None
    other = plants.desk.space.data_source(database, "Seeds", {"Name": {"title": {}}})
    with plants.end(database) as end, pytest.raises(BadInput, match="2 data sources") as told:
        end.shape()
    assert other.id in told.value.hint


def test_rows_are_read_by_their_ids_as_they_are_now(plants: Plants) -> None:
    rows = [plants.row(Height={"number": n}) for n in range(3)]
    elsewhere = plants.desk.page("Elsewhere")
    with plants.end() as end:
        end.shape()
        plants.desk.space.set(rows[0], {"Height": {"number": 9}})
        plants.desk.space.trash(rows[1])
        ids = [*(row.id for row in rows), elsewhere, "0" * 32]
        page = end.read(["page_id", "Height"], pa.table({"page_id": ids}))
    found = {row["page_id"]: row["Height"] for row in rows_of(page)}
    assert found == {rows[0].id: 9, rows[2].id: 2}


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("2026-03-01", {"start": "2026-03-02", "end": "2026-03-04"}),
        ("2026-03-01", {"start": "2026-03-02T09:00:00.000Z"}),
        ("2026-03-01T09:00:00.000Z", {"start": "2026-03-02"}),
    ],
)
def test_a_date_of_another_form_than_before_fails_its_row_alone(
    plants: Plants, first: str, other: dict[str, str]
) -> None:
    row = plants.row(Sown={"date": {"start": first}})
    with plants.end() as end:
        before = end.shape()
        assert before is not None
    odd = plants.row(Sown={"date": other})
    with plants.end() as end:
        end.remember(before)
        now = end.shape()
        assert now is not None
        assert now.column("Sown") == before.column("Sown")
        (page,) = end.scan(["page_id", "Sown"], None)
        asked = end.read(["page_id"], pa.table({"page_id": [row.id, odd.id]}))
    for shown in (page, asked):
        assert [one["page_id"] for one in rows_of(shown)] == [row.id]
        (failure,) = shown.failures
        assert (failure.key, failure.code, shown.last) == (odd.id, "bad_value", True)
        assert failure.reason.startswith(f"page https://www.notion.so/{odd.id.replace('-', '')}: ")
        assert "column Sown must hold" in failure.reason


def test_columns_that_change_during_a_run_break_it_off(plants: Plants) -> None:
    plants.row(Sown={"date": {"start": "2026-03-01"}})
    with plants.end() as end:
        end.shape()
        list(end.scan(["Sown"], None))
        plants.row(Sown={"date": {"start": "2026-03-01T09:00:00Z"}})
        with pytest.raises(Unavailable, match="have changed"):
            list(end.scan(["Sown"], None))


WRITTEN = pa.schema(
    [
        ("Code", pa.string()),
        ("Name", pa.string()),
        ("Height", pa.float64()),
        ("Tags", pa.list_(pa.string())),
        ("Sown", pa.date32()),
        ("Who", pa.list_(pa.string())),
        ("State", pa.string()),
    ]
)
ROW: dict[str, Any] = {
    "Code": "a",
    "Name": "Fern",
    "Height": 1.5,
    "Tags": ["wet"],
    "Sown": date(2026, 3, 1),
    "Who": [ADA],
    "State": "Seed",
}


def wanted_shape() -> Shape:
    return Shape(columns=tuple(Column(name=f.name, type=f.type) for f in WRITTEN), key=("Code",))


def writes(
    upserts: Sequence[Mapping[str, Any]],
    expected: Sequence[Mapping[str, Any] | None] = (),
    deletes: Sequence[Mapping[str, Any]] = (),
) -> RowWrites:
    before = list(expected) or [None] * len(upserts)
    there = pa.array([one is not None for one in before], pa.bool_())
    was = pa.Table.from_pylist([dict(one or {}) for one in before], WRITTEN)
    return RowWrites(
        upserts=pa.Table.from_pylist([dict(one) for one in upserts], WRITTEN),
        expected=was,
        there=there,
        deletes=pa.Table.from_pylist([dict(one) for one in deletes], WRITTEN),
    )


def current(end: NotionRows) -> list[dict[str, Any]]:
    return [{name: row[name] for name in WRITTEN.names} for row in scanned(end)]


def test_rows_are_made_changed_and_thrown_away_with_what_was_expected(plants: Plants) -> None:
    with plants.end(key=["Code"]) as end:
        assert end.prepare(wanted_shape()) == []
        made = end.write(writes([ROW, {**ROW, "Code": "b"}]))
        assert (len(made.stored), len(made.moved), made.failures) == (0, 0, ())
        assert current(end) == [ROW, {**ROW, "Code": "b"}]
        again = end.write(writes([ROW]))
        assert (len(again.moved), len(current(end))) == (0, 2)
        newer = {**ROW, "Height": 2.0, "Tags": ["dry", "tall"], "State": "Grown", "Sown": None}
        assert len(end.write(writes([newer], [ROW])).moved) == 0
        late = end.write(writes([{**ROW, "Height": 7.0}], [ROW], [{**ROW, "Code": "b"}]))
        assert late.moved.to_pylist() == [{"Code": "a"}]
        assert current(end) == [newer]
    trashed = [one for one in plants.desk.space.things.values() if one.in_trash]
    assert len(trashed) == 1


def test_a_row_that_may_have_been_made_is_looked_for_and_never_made_twice(plants: Plants) -> None:
    with plants.end(key=["Code"]) as end:
        end.prepare(wanted_shape())
        plants.desk.sandbox.fault("POST /notion/v1/pages", "truncated")
        with pytest.raises(Unavailable):
            end.write(writes([ROW]))
        assert len(current(end)) == 1
        receipt = end.write(writes([ROW]))
        assert (len(receipt.moved), receipt.failures, len(current(end))) == (0, (), 1)


def test_a_row_that_is_edited_between_the_look_and_the_write_is_left_alone(plants: Plants) -> None:
    row = plants.row(Code={"rich_text": words("a")}, Height={"number": 1})

    class Slow(NotionRows):
        """Somebody is faster, once it has looked."""

        def _again(self) -> Loaded:
            now = super()._again()
            plants.desk.space.set(row, {"Height": {"number": 2}})
            return now

    with plants.end(key=["Code"]) as end, plants.end(key=["Code"], kind=Slow) as slow:
        end.prepare(wanted_shape())
        (before,) = current(end)
        slow.prepare(wanted_shape())
        receipt = slow.write(writes([{**before, "Height": 5.0}], [before]))
        assert receipt.moved.to_pylist() == [{"Code": "a"}]
        assert current(end)[0]["Height"] == 2


def test_only_what_differs_is_written_so_marks_of_other_texts_stay(plants: Plants) -> None:
    rich = [{"text": {"content": "bold"}, "annotations": {"bold": True}}]
    row = plants.row(Code={"rich_text": words("a")}, Name={"title": rich})
    before = dict.fromkeys(WRITTEN.names) | {"Code": "a", "Name": "bold", "Tags": [], "Who": []}
    with plants.end(key=["Code"]) as end:
        end.prepare(wanted_shape())
        receipt = end.write(writes([{**before, "Height": 4.0}], [before]))
    assert (len(receipt.moved), receipt.failures) == (0, ())
    assert row.values["title"][0]["annotations"]["bold"] is True


def test_what_notion_refuses_fails_its_row_alone(plants: Plants) -> None:
    with plants.end(key=["Code"]) as end:
        end.prepare(wanted_shape())
        odd = [{**ROW, "Code": "b", "State": "None"}, {**ROW, "Code": "c", "Who": ["x@y.z"]}]
        receipt = end.write(writes([ROW, *odd]))
        assert {one.key for one in receipt.failures} == {"b", "c"}
        assert "status option 'None' does not exist." in receipt.failures[0].reason
        assert [row["Code"] for row in current(end)] == ["a"]


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"Height": math.nan}, "Height: nan is no number that Notion can hold"),
        ({"Height": -math.inf}, "Height: -inf is no number that Notion can hold"),
        ({"Tags": ["a", ""]}, "Tags: something in the list is empty"),
        ({"Tags": ["a", None]}, "Tags: something in the list is empty"),
        ({"Who": [None]}, "Who: something in the list is empty"),
        ({"Who": [""]}, "Who: something in the list is empty"),
        ({"Who": ["nonsense"]}, "people.id should be a valid uuid"),
    ],
    ids=str,
)
def test_what_notion_has_no_place_for_fails_its_row_alone(
    plants: Plants, odd: dict[str, Any], why: str
) -> None:
    with plants.end(key=["Code"]) as end:
        end.prepare(wanted_shape())
        receipt = end.write(writes([{**ROW, "Code": "b", **odd}, ROW]))
        (failure,) = receipt.failures
        assert (failure.key, failure.code) == ("b", "refused")
        assert why in failure.reason
        assert current(end) == [ROW]
        receipt = end.write(writes([{**ROW, **odd}], [ROW]))
        assert [(one.key, one.code) for one in receipt.failures] == [("a", "refused")]
        assert why in receipt.failures[0].reason
        assert current(end) == [ROW]


@pytest.mark.parametrize(
    ("related", "why"),
    [
        ("", "Rel: something in the list is empty"),
        ("nonsense", "relation.id should be a valid uuid, instead was 'nonsense'"),
        ("0" * 32, "Could not find page with ID"),
    ],
)
def test_a_relation_to_no_page_fails_its_row_alone(plants: Plants, related: str, why: str) -> None:
    schema = {"Name": {"title": {}}, "Rel": {"relation": {"data_source_id": plants.source.id}}}
    beds = plants.desk.space.database("Beds", schema)
    fern = plants.row()
    there = pa.array([False, True])
    plants.desk.space.row(beds, {"Name": {"title": words("b")}})
    upserts = pa.Table.from_pylist(
        [{"Name": "a", "Rel": [fern.id, related]}, {"Name": "b", "Rel": [related]}]
    )
    expected = pa.Table.from_pylist([{}, {"Name": "b", "Rel": []}], upserts.schema)
    with plants.end(beds.id, key=["Name"]) as end:
        end.shape()
        deletes = upserts.slice(0, 0)
        receipt = end.write(
            RowWrites(upserts=upserts, expected=expected, there=there, deletes=deletes)
        )
        assert (len(receipt.moved), len(receipt.stored)) == (0, 0)
        assert {one.key for one in receipt.failures} == {"a", "b"}
        assert all(one.code == "refused" and why in one.reason for one in receipt.failures)
        assert [row["Rel"] for row in scanned(end)] == [[]]


def test_what_notion_shows_otherwise_is_told(plants: Plants) -> None:
    user = plants.desk.space.somebody
    with plants.end(key=["Code"]) as end:
        end.prepare(wanted_shape())
        receipt = end.write(writes([{**ROW, "Who": [user]}]))
    assert [row["Who"] for row in receipt.stored.to_pylist()] == [[ADA]]


def test_properties_that_are_lacking_are_made_and_others_are_never_changed(plants: Plants) -> None:
    more = (Column(name="Price", type=pa.float64()), Column(name="Bought", type=CLOCK))
    shape = replace(wanted_shape(), columns=(*wanted_shape().columns, *more))
    with plants.end(key=["Code"]) as end:
        assert len(end.prepare(shape)) == 2
        assert end.prepare(shape) == []
        types = {one.name: one.type for one in plants.source.schema.values()}
        assert (types["Price"], types["Bought"]) == ("number", "date")
        wrong = replace(shape, columns=(Column(name="Hardy", type=pa.string()),))
        with pytest.raises(BadInput, match="Hardy"):
            end.prepare(wrong)


def test_a_row_from_elsewhere_cannot_bring_its_own_page_id(plants: Plants) -> None:
    with plants.end() as end:
        end.shape()
        made = pa.table({"page_id": ["0" * 32], "Name": ["Fern"]})
        new = RowWrites(upserts=made, expected=made, there=pa.array([False]), deletes=NONE)
        receipt = end.write(new)
    (failure,) = receipt.failures
    assert failure.code == "refused"


class Unhurried(NotionRows):
    """As often as it likes."""

    spec = replace(SPEC, budgets=())


COLUMNS = ("Code", "Name", "Height", "Hardy")


@dataclass(frozen=True, slots=True)
class InStep:
    """A database and a table of SQLite, kept in step both ways."""

    plants: Plants
    engine: Engine
    folder: Path

    def run(self) -> SyncResult:
        return run_sync(self.engine, "plants", trigger=Trigger.PERSON)

    def table(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "t.db", isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    def rows(self) -> dict[str, tuple[Any, ...]]:
        found = self.table("select code, name, height, hardy from plants")
        return {code: (name, height, bool(hardy)) for code, name, height, hardy in found}

    def truth(self) -> dict[str, tuple[Any, ...]]:
        space, source = self.plants.desk.space, self.plants.source
        ids = {one.name: one.id for one in source.schema.values()}
        found = {}
        for child in source.children:
            page = space.things[child]
            if not page.in_trash:
                values = {name: page.values.get(ids[name]) for name in COLUMNS}
                told = ["".join(t["plain_text"] for t in values[n] or ()) for n in ("Code", "Name")]
                found[told[0]] = (told[1] or None, values["Height"], bool(values["Hardy"]))
        return found


@pytest.fixture
def in_step(engine: Engine, plants: Plants, tmp_path: Path) -> Iterator[InStep]:
    with a_house(engine):
        known: dict[str, type[RowEnd]] = {**ROW_ENDS, "notion": Unhurried}
        environ = {"TOKEN": SECRET, "NOTION_API_URL": plants.desk.endpoint}
        house = replace(engine, environ=environ, row_ends=known)
        made = InStep(plants, house, tmp_path)
        made.table(
            "create table plants (code text primary key, name text, height real, hardy bool)"
        )
        notion = {"token": "${TOKEN}"}
        sqlite = {"url": f"sqlite:///{tmp_path}/t.db"}
        fields = tuple(FieldMap(sources=(name,), target=name.lower()) for name in COLUMNS)
        wanted = Desired(
            connections=(
                Connection(name="notes", project_id="demo", platform="notion", options=notion),
                Connection(name="crm", project_id="demo", platform="sql_table", options=sqlite),
            ),
            syncs=(
                SyncConfig(
                    sync_id="plants",
                    project_id="demo",
                    connection="notes",
                    select={"database": plants.source.id, "key": ["Code"]},
                    target=RowTarget(connection="crm", select={"table": "plants"}),
                    mode=Mode.BIDIRECTIONAL,
                    schedule="manual",
                    limits=Limits(delete_items=1_000, delete_share=1.0),
                    fields=fields,
                ),
            ),
        )
        with house.database.pooled() as connection:
            catalog.apply(connection, wanted)
        yield made


class Gardener:
    """Somebody who edits rows at either end, by chance; never one row at both between two runs."""

    def __init__(self, in_step: InStep, seed: int) -> None:
        self._in_step = in_step
        self._chance = Random(seed)
        self._count = 0
        self._touched = set[str]()

    def rest(self) -> None:
        self._touched.clear()

    def step(self) -> None:
        deed, here = (
            self._chance.choice(("add", "set", "drop", "set", "add")),
            self._chance.random(),
        )
        rows = sorted(set(self._in_step.truth()) & set(self._in_step.rows()) - self._touched)
        code = self._chance.choice(rows) if rows and deed != "add" else f"c{self._count}"
        self._count += 1
        self._touched.add(code)
        if self._chance.random() < 0.3:
            self._in_step.plants.desk.later(self._chance.choice((1, 5)))
        (self._at_notion if here < 0.5 else self._at_table)(deed if rows else "add", code)

    def _at_notion(self, deed: str, code: str) -> None:
        space, plants = self._in_step.plants.desk.space, self._in_step.plants
        name, height = f"N{self._count}", self._chance.randrange(99)
        values = {"Name": {"title": words(name)}, "Height": {"number": height}}
        if deed == "add":
            plants.row(Code={"rich_text": words(code)}, **values)
            return
        by_code = {one.id for one in plants.source.schema.values() if one.name == "Code"}
        (row,) = (
            one
            for one in space.things.values()
            if one.parent == plants.source.id
            and not one.in_trash
            and any(v and v[0]["plain_text"] == code for k, v in one.values.items() if k in by_code)
        )
        if deed == "drop":
            space.trash(row)
        else:
            space.set(row, values)

    def _at_table(self, deed: str, code: str) -> None:
        table, hardy = self._in_step.table, self._chance.random() < 0.5
        if deed == "add":
            said = (code, f"T{self._count}", self._count / 2, hardy)
            table("insert into plants values (?, ?, ?, ?)", *said)
        elif deed == "drop":
            table("delete from plants where code = ?", code)
        else:
            changed = (f"T{self._count}", hardy, code)
            table("update plants set name = ?, hardy = ? where code = ?", *changed)


def test_while_a_row_has_no_key_the_run_says_that_deletions_wait_and_for_what(
    in_step: InStep,
) -> None:
    for code in ("a", "b"):
        in_step.plants.row(Code={"rich_text": words(code)})
    assert in_step.run().status is Status.SUCCESS
    nameless = in_step.plants.row(Name={"title": words("Nobody")})
    in_step.table("delete from plants where code = 'b'")
    result = in_step.run()
    assert result.status is Status.PARTIAL
    assert result.error is not None
    assert "The source could not be read as a whole, so deletions wait" in result.error["message"]
    assert "livesync status plants" in result.error["hint"]
    assert {"a", "b"} < set(in_step.truth())
    in_step.plants.desk.space.trash(nameless)
    assert in_step.run().error is None
    assert set(in_step.truth()) == {"a"}


def test_an_empty_text_that_notion_makes_none_of_brings_no_deleted_row_back(
    in_step: InStep,
) -> None:
    in_step.table("insert into plants values ('a', 'Fern', 1, 1), ('b', '', 1, 1)")
    in_step.run()
    in_step.table("update plants set name = '' where code = 'a'")
    assert in_step.run().counts.updated == 1
    in_step.table("delete from plants")
    counts = in_step.run().counts
    assert (counts.removed, counts.conflicts_detected) == (2, 0)
    assert (in_step.rows(), in_step.truth()) == ({}, {})


@pytest.mark.parametrize("seed", [1, 2])
def test_a_long_random_history_at_both_ends_with_faults_ends_with_both_alike(
    in_step: InStep, seed: int
) -> None:
    gardener, chance, sandbox = Gardener(in_step, seed), Random(seed), in_step.plants.desk.sandbox
    assert in_step.run().status is Status.SUCCESS
    for _ in range(5):
        for _ in range(8):
            gardener.step()
        kind = chance.choice(("429", "503", "500", "reset"))
        sandbox.fault("GET /notion/*", kind, after=chance.randrange(9), retry_after_s=0)
        with suppress(LiveSyncError):
            in_step.run()
        sandbox.control("DELETE", "/faults")
        assert in_step.run().status is Status.SUCCESS
        assert in_step.rows() == in_step.truth()
        gardener.rest()
    assert in_step.rows()
    assert in_step.run().counts.synced_items == 0
