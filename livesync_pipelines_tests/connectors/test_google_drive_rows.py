"""Files of Google Drive as typed rows: read, told apart from what is none, and kept in step with a
table of Postgres through the engine."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors import ROW_ENDS
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.google_drive import GoogleDriveConnection
from livesync_pipelines.connectors.google_drive_rows import (
    GoogleDriveRows,
    GoogleDriveRowsSelection,
)
from livesync_pipelines.connectors.rows import WritesRows
from livesync_pipelines.engine.desired import asked
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import BadInput, NotFound, Unavailable
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import (
    Connection,
    Desired,
    RowTarget,
    SyncConfig,
    SyncState,
    Trigger,
)
from livesync_pipelines.net.api import Bearer
from livesync_pipelines.sandbox.google.files import DOCUMENT, SPREADSHEET
from livesync_pipelines.sandbox.google.workbooks import XLSX
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.drawer import Office
from livesync_pipelines_tests.engine.house import Clock
from livesync_pipelines_tests.sandbox.served import ADA, BEN, Sandbox, a_sandbox
from livesync_pipelines_tests.sandbox.workbooks import Formula, workbook

from .account_world import engine_at
from .drive_world import FILES, Hand
from .row_files import encoded, rows
from .sql_worlds import PostgresWorld

BEDS = "id,plant,height\n1,fern,30\n2,moss,2\n3,rose,120\n"
EXPORTS = f"GET {FILES}/*/export"
FORMS = ("csv", "jsonl", "parquet", "xlsx")


@dataclass(frozen=True, slots=True)
class Desk:
    """A pretend Drive, and Ada's hand in it."""

    sandbox: Sandbox
    ada: Hand

    @contextmanager
    def end(
        self, file: str, kind: type[GoogleDriveRows] = GoogleDriveRows, **said: Any
    ) -> Iterator[GoogleDriveRows]:
        chosen = GoogleDriveRowsSelection.model_validate({"rows": file, "key": ["id"], **said})
        limits = FetchLimits(
            account=Bearer(self.sandbox.tokens()["access_token"]),
            api_url=f"{self.sandbox.address}/google",
            max_bytes=1_000_000,
            timeout_s=5.0,
        )
        with closing(kind(GoogleDriveConnection(account="ada"), chosen, limits)) as end:
            yield end

    def rows(self, file: str, **said: Any) -> list[dict[str, Any]]:
        with self.end(file, **said) as end:
            return rows(end)

    def sheet(self, content: str | bytes = BEDS, name: str = "Beds") -> str:
        kind = XLSX if isinstance(content, bytes) else None
        return self.ada.write(name, content, native=SPREADSHEET, kind=kind)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_sandbox() as sandbox:
        yield Desk(sandbox, Hand(sandbox))


def test_a_spreadsheet_is_a_table_with_the_types_of_its_cells(desk: Desk) -> None:
    cells: list[list[object]] = [
        ["id", "plant", "height", "sown", "seen", "hardy", "twice"],
        [2, "moss", 2, date(2026, 3, 1), datetime(2026, 3, 1, 9, 30), True, Formula("=C2*2", 4)],
        [1, "fern", 30.5, date(2026, 4, 1), None, False, Formula("=C3*2", 61)],
    ]
    assert desk.rows(desk.sheet(workbook({"Beds": cells}))) == [
        {
            "id": 1,
            "plant": "fern",
            "height": 30.5,
            "sown": date(2026, 4, 1),
            "seen": None,
            "hardy": False,
            "twice": 61,
        },
        {
            "id": 2,
            "plant": "moss",
            "height": 2.0,
            "sown": date(2026, 3, 1),
            "seen": datetime(2026, 3, 1, 9, 30),
            "hardy": True,
            "twice": 4,
        },
    ]


def test_another_sheet_is_read_where_it_is_named(desk: Desk) -> None:
    book: dict[str, list[list[object]]] = {
        "Beds": [["id", "x"], [1, "a"]],
        "Prices": [["id", "price"], [7, 1.5]],
    }
    file = desk.sheet(workbook(book))
    assert desk.rows(file) == [{"id": 1, "x": "a"}]
    assert desk.rows(file, sheet="Prices") == [{"id": 7, "price": 1.5}]
    with pytest.raises(BadInput, match=r"Beds\.xlsx: there is no sheet Cash"):
        desk.rows(file, sheet="Cash")


@pytest.mark.parametrize("form", FORMS)
def test_an_uploaded_file_is_read_as_what_its_name_ends_in(desk: Desk, form: str) -> None:
    frame = pd.DataFrame({"id": [2, 1], "plant": ["moss", "fern"], "height": [2.0, 30.5]})
    file = desk.ada.write(f"beds.{form}", encoded(frame, form), kind="application/octet-stream")
    assert desk.rows(file) == frame.sort_values("id").to_dict("records")


@pytest.mark.parametrize(
    ("kind", "content"),
    [("text/csv", BEDS), ("text/tab-separated-values", BEDS.replace(",", "\t"))],
)
def test_an_uploaded_file_without_an_ending_is_read_as_what_drive_takes_it_for(
    desk: Desk, kind: str, content: str
) -> None:
    found = desk.rows(desk.ada.write("beds of 2026", content, kind=kind))
    assert [row["plant"] for row in found] == ["fern", "moss", "rose"]


def test_how_a_file_is_read_can_be_said(desk: Desk) -> None:
    content = "1;Käse;007\n".encode("cp1252")
    file = desk.ada.write("a.csv", content, kind="text/csv")
    said = {"encoding": "cp1252", "delimiter": ";", "header": False, "key": ["column1"]}
    found = desk.rows(file, **said, types={"column3": "integer"})
    assert found == [{"column1": 1, "column2": "Käse", "column3": 7}]
    with pytest.raises(BadInput, match=r"Beds\.xlsx: encoding is for CSV and TSV"):
        desk.rows(desk.sheet(), encoding="cp1252")


@pytest.mark.parametrize(
    "link",
    [
        "{}",
        "https://docs.google.com/spreadsheets/d/{}/edit?gid=7#gid=7",
        "https://docs.google.com/spreadsheets/u/1/d/{}",
        "https://docs.google.com/a/example.com/spreadsheets/d/{}/edit",
        "https://drive.google.com/file/d/{}/view?usp=sharing",
        "https://drive.google.com/open?id={}&usp=drive_copy",
    ],
)
def test_a_file_is_named_by_its_id_or_its_link(link: str) -> None:
    said = {"rows": link.format("1Ab_c-9"), "key": ["id"]}
    assert GoogleDriveRowsSelection.model_validate(said).rows == "1Ab_c-9"


@pytest.mark.parametrize(
    "link",
    [
        "beds.csv",
        "",
        "https://example.com/spreadsheets/d/1Abc/edit",
        "https://drive.google.com/drive/folders/1Abc",
        "https://docs.google.com/spreadsheets/d/e/2PACX-1Abc/pub",
    ],
)
def test_what_is_no_link_of_a_file_is_refused(link: str) -> None:
    with pytest.raises(ValidationError, match="give the id of a file, or its link"):
        GoogleDriveRowsSelection.model_validate({"rows": link, "key": ["id"]})


def gone(desk: Desk) -> str:
    file = desk.sheet()
    desk.ada.delete(file)
    return file


def trashed(desk: Desk) -> str:
    file = desk.sheet()
    desk.ada.trash(file)
    return file


def unshared(desk: Desk) -> str:
    ben = Hand(desk.sandbox, BEN)
    file = ben.write("Beds", BEDS, native=SPREADSHEET)
    permission = ben.share(file, ADA)
    assert len(desk.rows(file)) == 3
    ben.unshare(file, permission)
    return file


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (gone, NotFound, "sees no file"),
        (trashed, NotFound, "'Beds' lies in the trash"),
        (unshared, NotFound, "sees no file"),
        (lambda desk: desk.ada.folder("Beds"), BadInput, "'Beds' is a folder"),
        (
            lambda desk: desk.ada.write("B", "x", native=DOCUMENT),
            BadInput,
            "document, and no table",
        ),
        (lambda desk: desk.ada.write("b.md", "x"), BadInput, "text/markdown, and no table"),
        (lambda desk: desk.ada.shortcut("Beds", desk.sheet()), BadInput, "shortcut, and no table"),
    ],
)
def test_what_is_no_table_is_an_error_and_never_an_empty_one(
    desk: Desk, make: Callable[[Desk], str], kind: type[BadInput], says: str
) -> None:
    with desk.end(make(desk)) as end:
        for ask in (end.shape, end.mark, lambda: list(end.scan(["id"], None))):
            with pytest.raises(kind, match=says):
                ask()


@pytest.mark.parametrize("native", [SPREADSHEET, None])
def test_a_mark_costs_one_call_and_changes_with_the_file(desk: Desk, native: str | None) -> None:
    file = desk.ada.write("beds.csv", BEDS, native=native, kind="text/csv")
    with desk.end(file) as end:
        calls, before = desk.sandbox.count(), end.mark()
        assert end.mark() == before
        assert desk.sandbox.count() == calls + 2
        desk.ada.edit(file, f"{BEDS}4,oak,9\n", kind="text/csv")
        assert end.mark() != before
    assert desk.sandbox.count(EXPORTS) == 0


class Raced(GoogleDriveRows):
    """Somebody does something while the file is read."""

    deed: Callable[[], object]

    def _open(self, entry: Any) -> Any:
        file = super()._open(entry)
        type(self).deed()
        return file


@pytest.mark.parametrize("deed", ["edit", "delete"])
def test_a_file_that_changes_while_it_is_read_is_read_again_later(desk: Desk, deed: str) -> None:
    file = desk.sheet()
    deeds: dict[str, Callable[[], object]] = {
        "edit": lambda: desk.ada.edit(file, BEDS, native=SPREADSHEET),
        "delete": lambda: desk.ada.delete(file),
    }
    kind = type("RacedOnce", (Raced,), {"deed": staticmethod(deeds[deed])})
    with (
        desk.end(file, kind) as end,
        pytest.raises(Unavailable, match=r"Beds\.xlsx changed while it was read"),
    ):
        end.shape()


@pytest.mark.parametrize("native", [True, False])
def test_a_workbook_that_is_too_large_for_memory_is_refused(desk: Desk, native: bool) -> None:
    noise = b64encode(Random(7).randbytes(1_000_000)).decode()
    cells = [[n, noise[n * 30_000 : (n + 1) * 30_000]] for n in range(45)]
    book = workbook({"Beds": [["id", "x"], *cells]})
    file = (
        desk.sheet(book)
        if native
        else desk.ada.write("Beds.xlsx", book, kind="application/octet-stream")
    )
    with pytest.raises(BadInput, match=r"Beds\.xlsx has more than 1000000 bytes"):
        desk.rows(file)


def test_it_is_found_by_name_and_can_only_be_read() -> None:
    assert ROW_ENDS["google_drive"] is GoogleDriveRows
    assert not issubclass(GoogleDriveRows, WritesRows)


@pytest.mark.parametrize("mode", ["push", "bidirectional"])
def test_a_mode_that_would_write_to_it_is_refused_with_what_is_allowed(mode: str) -> None:
    document = {
        "connections": {
            "drive": {"platform": "google_drive", "account": "ada"},
            "crm": {"platform": "sql_table", "url": "sqlite:////tmp/crm.db"},
        },
        "syncs": {
            "beds": {
                "connection": "drive",
                "select": {"rows": "1Abc", "key": ["id"]},
                "target": {"connection": "crm", "table": "beds"},
                "mode": mode,
            }
        },
    }
    with pytest.raises(BadInput) as told:
        asked("beds.yaml", document, {}, {}, known=Desired())
    assert "google_drive can only be read" in told.value.message
    assert "Allowed: pull." in f"{told.value.message} {told.value.hint}"


class Garden(Office):
    """A spreadsheet of Ada's, and a table of Postgres that it is pulled into every quarter of an
    hour."""

    def __init__(self, engine: Engine, sandbox: Sandbox, world: PostgresWorld, file: str) -> None:
        super().__init__(engine, sandbox)
        self.world, self.file = world, file
        self.ada = Hand(sandbox)
        self.table = world.new_table()
        self.connect(platform="google_drive")
        self.configure()

    def configure(self, **said: Any) -> None:
        wanted = Desired(
            connections=(
                Connection(
                    name="drive",
                    project_id="demo",
                    platform="google_drive",
                    options={"account": "ada"},
                ),
                Connection(
                    name="crm",
                    project_id="demo",
                    platform="sql_table",
                    options={"url": self.world.url},
                ),
            ),
            syncs=(
                SyncConfig(
                    sync_id="beds",
                    project_id="demo",
                    connection="drive",
                    select={"rows": self.file, "key": ["id"], **said},
                    target=RowTarget(connection="crm", select={"table": self.table}),
                    schedule="every_15_minutes",
                ),
            ),
        )
        with self.engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def run(self) -> SyncResult:
        return run_sync(self.engine, "beds", trigger=Trigger.PERSON)

    def cycle(self) -> list[Status]:
        """A quarter of an hour later: what is due is looked at, and what was queued is run."""
        assert isinstance(self.engine.now, Clock)
        self.engine.now.now += timedelta(minutes=15)
        queued = sweep(self.engine)
        return [run_sync(self.engine, one, trigger=Trigger.POLL).status for one in queued]

    def downloads(self) -> int:
        return self.sandbox.count(EXPORTS) + self.sandbox.count("GET /google/export")

    def held(self) -> list[tuple[Any, ...]]:
        return self.world.rows(f"select * from {self.table} order by id")

    def edit(self, content: str | bytes) -> None:
        kind = XLSX if isinstance(content, bytes) else None
        self.ada.edit(self.file, content, native=SPREADSHEET, kind=kind)


@pytest.fixture
def garden(engine: Engine, desk: Desk, postgres: PostgresWorld) -> Garden:
    known = replace(engine_at("google", engine, desk.sandbox), now=Clock())
    return Garden(known, desk.sandbox, postgres, desk.sheet())


FIRST: list[tuple[Any, ...]] = [(1, "fern", 30), (2, "moss", 2), (3, "rose", 120)]


def test_a_spreadsheet_is_pulled_into_a_table_and_followed(garden: Garden) -> None:
    assert garden.run().counts.added == 3
    assert garden.held() == FIRST
    garden.edit("id,plant,height\n1,fern,31\n3,rose,120\n4,oak,900\n")
    result = garden.run()
    counts = result.counts
    assert (counts.added, counts.updated, counts.removed) == (1, 1, 1), result.error
    assert garden.held() == [(1, "fern", 31), (3, "rose", 120), (4, "oak", 900)]
    garden.edit("id,plant,height,hardy\n1,fern,31,TRUE\n3,rose,120,FALSE\n4,oak,900,TRUE\n")
    assert garden.run().status is Status.SUCCESS
    assert garden.held()[0] == (1, "fern", 31, True)


def test_while_nothing_has_changed_nothing_is_downloaded(garden: Garden) -> None:
    assert garden.cycle() == [Status.SUCCESS]
    downloads = garden.downloads()
    assert [garden.cycle(), garden.cycle()] == [[], []]
    assert garden.downloads() == downloads == 1
    garden.edit(BEDS.replace("120", "121"))
    assert garden.cycle() == [Status.SUCCESS]
    assert garden.held()[2] == (3, "rose", 121)
    assert garden.downloads() == 2


def test_a_file_in_the_trash_removes_no_row_and_is_followed_once_it_is_back(
    garden: Garden,
) -> None:
    garden.run()
    garden.ada.trash(garden.file)
    result = garden.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    assert result.error["code"] == "not_found"
    assert "'Beds' lies in the trash" in result.error["message"]
    assert garden.held() == FIRST
    with garden.engine.database.pooled() as connection:
        assert catalog.state(connection, "beds")[0] is SyncState.ACTIVE
    garden.ada.restore(garden.file)
    garden.edit(BEDS.replace("120", "121"))
    assert garden.run().counts.updated == 1
    assert garden.held()[2] == (3, "rose", 121)


def test_another_sheet_goes_to_the_table_once_it_is_named(garden: Garden) -> None:
    head, cells = ["id", "plant", "height"], [list(row) for row in FIRST]
    later = [[1, "fern", 99], *cells[1:]]
    garden.edit(workbook({"Beds": [head, *cells], "2027": [head, *later]}))
    garden.run()
    assert garden.held() == FIRST
    garden.configure(sheet="2027")
    assert garden.run().counts.updated == 1
    assert garden.held()[0] == (1, "fern", 99)


@pytest.mark.parametrize("content", ["id,plant\n1,fern\n2,moss\n3,rose\n", "no,plant\n1,fern\n"])
def test_a_column_that_is_gone_pauses_and_empties_nothing(garden: Garden, content: str) -> None:
    garden.run()
    garden.edit(content)
    result = garden.run()
    assert result.error is not None
    assert result.error["code"] == "drifted"
    assert garden.held() == FIRST
