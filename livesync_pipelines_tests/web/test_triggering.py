"""`POST /sync/trigger` over real HTTP, with a real queue that somebody drains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Connection, Desired, RowTarget, SyncState, Trigger
from livesync_pipelines.store import catalog, queue
from livesync_pipelines.web.app import create_app
from livesync_pipelines_tests.engine.pair import URL, Pair, a_pair

from .conftest import SETTINGS
from .served import a_door

JSON = {"content-type": "application/json"}
FIVE = {"status", "synced_items", "conflicts_detected", "conflict_resolution", "last_sync"}
ASKED = {"project_id": "demo", "source_platform": "files", "target_entity": "handbook"}
ROWS = {"project_id": "demo", "source": "crm/contacts", "target": "shop/customers"}


@pytest.fixture
def listening(engine: Engine, bare_database_url: str) -> Engine:
    return replace(engine, environ={URL: bare_database_url})


@pytest.fixture
def pair(listening: Engine, bare_database_url: str) -> Iterator[Pair]:
    with a_pair(listening, bare_database_url) as pair:
        yield pair


@pytest.fixture
def door(listening: Engine) -> Iterator[httpx.Client]:
    """A client of a server that listens."""
    with a_door(create_app(listening, SETTINGS)) as client:
        yield client


@pytest.fixture
def drained(listening: Engine) -> Iterator[None]:
    """Somebody carries out what is queued."""
    over = Event()

    def drain() -> None:
        with listening.database.connect() as connection:
            while not over.is_set():
                for wanted in queue.take(connection, now=listening.now()):
                    run_sync(listening, wanted.sync_id, trigger=wanted.trigger, full=wanted.full)
                queue.wait(connection, timeout_s=0.1)

    thread = Thread(target=drain)
    thread.start()
    yield
    over.set()
    thread.join()


def asked(door: httpx.Client, status: int, **document: Any) -> dict[str, Any]:
    answer = door.post("/sync/trigger", json=document)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    assert status >= 400 or set(found) >= FIVE | {"sync_id", "operation_id"}
    return found


def test_two_tables_in_step_both_ways_get_no_second_sync_the_other_way_round(
    door: httpx.Client, pair: Pair, listening: Engine
) -> None:
    there = asked(door, 202, **ROWS, mode="bidirectional")["sync_id"]
    swapped = {**ROWS, "source": ROWS["target"], "target": ROWS["source"]}
    for mode in ("bidirectional", "pull"):
        error = asked(door, 400, **swapped, mode=mode)["error"]
        assert f"{there} keeps these two tables in step both ways" in error["message"]
    with listening.database.pooled() as connection:
        assert [sync.sync_id for sync in catalog.syncs(connection)] == [there]


def test_the_document_of_the_mission_uses_the_sync_that_is_there(
    door: httpx.Client, docs: Path, drained: None, listening: Engine
) -> None:
    told = asked(door, 200, **ASKED, sync_type="pull", schedule="hourly", wait_s=60)
    assert (told["sync_id"], told["status"], told["synced_items"]) == ("docs", "success", 2)
    assert told["conflicts_detected"] == 0
    assert told["conflict_resolution"] == "auto_override_from_remote"
    assert told["last_sync"]
    assert told["operation_id"]
    with listening.database.pooled() as connection:
        (sync,) = catalog.syncs(connection)
    assert sync.schedule == "hourly"


@pytest.mark.parametrize(("word", "asked_for"), [("mode", "pull"), ("schedule", "daily")])
def test_a_sync_that_is_there_is_never_changed_by_a_caller(
    door: httpx.Client, pair: Pair, listening: Engine, word: str, asked_for: str
) -> None:
    told = asked(door, 202, **ROWS, mode="bidirectional", schedule="hourly")
    error = asked(door, 409, **ROWS, **{word: asked_for})["error"]
    assert (error["code"], error["where"]) == ("needs_person", f"request: {word}")
    assert f"'{told['sync_id']}' is between these two already" in error["message"]
    assert f"not {asked_for}" in error["message"]
    assert f"write `{word}: {asked_for}`" in error["hint"]
    with listening.database.pooled() as connection:
        (sync,) = catalog.syncs(connection)
    assert (sync.mode, sync.schedule) == ("bidirectional", "hourly")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "crm/nobody"}, "The source is not there: there is no table nobody at crm"),
        (
            {"target": "shop/nobody", "mode": "push"},
            "The target is not there: there is no table nobody at shop",
        ),
    ],
)
def test_of_an_end_that_is_not_there_no_sync_is_made(
    door: httpx.Client, pair: Pair, listening: Engine, change: dict[str, str], said: str
) -> None:
    error = asked(door, 404, **{**ROWS, **change})["error"]
    assert said in error["message"]
    assert "Create it, or correct the name" in error["hint"]
    with listening.database.pooled() as connection:
        assert catalog.syncs(connection) == []
    assert asked(door, 202, **{**ROWS, "target": "shop/made_by_the_run"})["status"] == "queued"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": {"connection": "crm", "table": "contacts", "key": ["nope"]}}, "column 'nope'"),
        ({"target": {"connection": "shop", "table": "customers", "key": ["nope"]}}, "'nope'"),
        (
            {"target": {"connection": "shop", "table": "made_by_the_run", "key": ["nope"]}},
            "told apart by id here and by nope at the target",
        ),
        ({"target": "crm/contacts"}, "the source and the target are the same"),
    ],
)
def test_a_key_that_is_no_column_and_one_table_twice_are_refused(
    door: httpx.Client, pair: Pair, listening: Engine, change: dict[str, Any], said: str
) -> None:
    error = asked(door, 400, **{**ROWS, **change})["error"]
    assert said in error["message"]
    with listening.database.pooled() as connection:
        assert catalog.syncs(connection) == []


def test_rows_of_two_tables_are_brought_in_step(
    door: httpx.Client, pair: Pair, drained: None
) -> None:
    told = asked(door, 200, **ROWS, mode="bidirectional", schedule="hourly", wait_s=60)
    assert (told["status"], told["synced_items"]) == ("success", 2)
    assert told["sync_id"] == "crm-contacts-to-shop-customers"
    assert pair.rows("shop.customers") == pair.rows("crm.contacts")
    pair.execute("update shop.customers set phone = '33' where id = 2")
    again = asked(door, 200, **ROWS, wait_s=60)
    assert (again["sync_id"], again["synced_items"]) == (told["sync_id"], 1)
    assert pair.rows("crm.contacts")[1] == (2, "Grace", "33")


def test_without_waiting_it_is_queued_with_the_last_known_figures(
    door: httpx.Client, docs: Path, listening: Engine
) -> None:
    first = asked(door, 202, **ASKED)
    assert (first["status"], first["synced_items"], first["last_sync"]) == ("queued", 0, None)
    assert first["operation_id"] is None
    run_sync(listening, "docs", trigger=Trigger.PERSON)
    second = asked(door, 202, sync_id="docs")
    assert (second["status"], second["synced_items"]) == ("queued", 2)
    assert second["last_sync"]
    assert asked(door, 202, sync_id="docs", wait_s=0.1)["status"] == "queued"


def test_a_sync_that_is_not_there_is_made_with_its_capsule(
    door: httpx.Client, docs: Path, drained: None
) -> None:
    document = {"project_id": "demo", "source": "folder", "target": "minutes", "wait_s": 60}
    told = asked(door, 200, **document)
    assert (told["sync_id"], told["synced_items"]) == ("files-to-minutes", 2)
    assert asked(door, 200, **document)["sync_id"] == "files-to-minutes"
    names = [capsule["name"] for capsule in door.get("/capsules").json()["capsules"]]
    assert names == ["handbook", "minutes"]


def test_a_run_that_fails_is_an_answer_with_its_error(
    door: httpx.Client, docs: Path, drained: None
) -> None:
    for file in docs.iterdir():
        file.unlink()
    docs.rmdir()
    told = asked(door, 200, **ASKED, wait_s=60)
    assert (told["status"], told["synced_items"]) == ("failed", 0)
    assert told["error"]["message"]


WRONG = [
    ({"source": "fax"}, "source", "neither a connection nor a platform 'fax'", "website"),
    (
        {"source": "file"},
        "source",
        "a platform 'file'",
        "mean files? Connections: crm, files, shop.",
    ),
    ({"target": "shopp/t"}, "target", "a platform 'shopp'", "mean shop? Connections: crm, files, "),
    ({"target": "shop"}, "target", "'shop' is a connection, and no capsule", "'shop/TABLE'"),
    ({"source": "s3"}, "source", "has no connection to s3", "livesync connect s3"),
    ({"source": "sql_table"}, "source", "several connections to sql_table", "crm, shop"),
    ({"schedule": "sometimes"}, "schedule", "sometimes", "every_15_minutes"),
    ({"mode": "sideways"}, "mode", "not allowed", "bidirectional, pull, push"),
    ({"mode": "push"}, "mode", "can only be pulled into", "written to sql_table, folder"),
    ({"source": "crm/contacts"}, "target", "no documents", "connection"),
    ({"modus": "pull"}, "modus", "unknown key", "mode"),
    (
        {"wait": 3},
        "wait",
        "unknown key",
        "source_platform, sync_type, target, target_entity, wait_s",
    ),
    ({"mode": "pull", "sync_type": "pull"}, "sync_type", "mean the same", ""),
    ({"target": None}, "target", "missing", "CONNECTION/TABLE"),
    ({"source": 7}, "source", "names no connection", "CONNECTION/TABLE"),
    ({"project_id": "other"}, "source", "for the project 'other'", "website"),
    ({"project_id": 7}, "project_id", "text", ""),
    ({"project_id": ""}, "project_id", "is empty", "leave it out for 'default'"),
    ({"extra": 1}, "extra", "unknown key", "Allowed: mode, project_id, schedule, source, "),
    ({"sync_id": "docs"}, "request", "'project_id' cannot stand", "Allowed: full, sync_id, wait_s"),
    ({"schedule": 15}, "schedule", "is a text", "every_15_minutes"),
    ({"schedule": ""}, "schedule", "schedule", "every_15_minutes"),
    ({"mode": ["pull"]}, "mode", "not allowed", "bidirectional, pull, push"),
    ({"source": "crm/contacts", "target": "shop/"}, "target", "missing behind the slash", "shop/T"),
    (
        {"source": "crm/contacts", "target": {"connection": "shop"}},
        "target",
        "the table is missing",
        'Write "shop/TABLE"',
    ),
    (
        {"source": {"connection": "crm", "table": 7}, "target": "shop/t"},
        "table",
        "string",
        "custom",
    ),
    (
        {"source": {"connection": "crm", "table": "contacts", "key": "id"}, "target": "shop/t"},
        "key",
        "list",
        "Write key: [id]",
    ),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_is_refused_with_what_is_allowed(
    door: httpx.Client,
    docs: Path,
    pair: Pair,
    listening: Engine,
    wrong: tuple[dict[str, Any], str, str, str],
) -> None:
    change, where, said, hint = wrong
    plain = {"project_id": "demo", "source": "files", "target": "handbook"}
    error = asked(door, 400, **{**plain, **change})["error"]
    assert where in error["where"] or where in error["message"]
    assert said in error["message"]
    assert hint in error["hint"] or hint in error["message"]
    with listening.database.pooled() as connection:
        assert len(catalog.syncs(connection)) == 1, "nothing was made"
        assert queue.depth(connection)[0] == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "must be a JSON object"),
        (b'"docs"', "must be a JSON object"),
        (b"{", "The body is no JSON object: "),
        (b"", "There is no body"),
    ],
)
@pytest.mark.parametrize("path", ["/sync/trigger", "/sync/conflicts/1/resolve"])
def test_a_body_that_is_no_object_is_told_what_to_send(
    door: httpx.Client, path: str, body: bytes, said: str
) -> None:
    answer = door.post(path, content=body, headers={"content-type": "application/json"})
    error = answer.json()["error"]
    assert (answer.status_code, error["where"]) == (400, path)
    assert said in error["message"]
    assert error["hint"].startswith("Send one, such as {")


def test_a_mode_that_an_end_cannot_do_is_refused_with_those_it_can(
    door: httpx.Client, pair: Pair, docs: Path
) -> None:
    source = {"connection": "files", "rows": "a.xlsx", "key": ["id"]}
    document = {"project_id": "demo", "source": source, "target": "shop/customers"}
    error = asked(door, 400, **document, mode="bidirectional")["error"]
    assert error["where"] == "request: mode"
    assert "a.xlsx can only be read" in error["message"]
    assert error["hint"] == "Allowed: pull."


@pytest.mark.parametrize("wait_s", [-1, 301, "long"])
def test_nobody_waits_longer_than_five_minutes(door: httpx.Client, wait_s: object) -> None:
    assert "wait_s" in asked(door, 400, **ASKED, wait_s=wait_s)["error"]["message"]


def test_where_nothing_runs_nothing_is_made(docs: Path, idle: Any) -> None:
    answer = idle.post("/sync/trigger", json={**ASKED, "target_entity": "minutes"})
    assert answer.status_code == 503
    assert [c["name"] for c in idle.get("/capsules").json()["capsules"]] == ["handbook"]


def test_several_syncs_between_the_same_ends_are_named(
    door: httpx.Client, docs: Path, listening: Engine
) -> None:
    with listening.database.pooled() as connection:
        sync = catalog.sync(connection, "docs")
        catalog.apply(
            connection, Desired(syncs=(replace(sync, sync_id="more", select={"hidden": True}),))
        )
    error = asked(door, 400, **ASKED)["error"]
    assert "docs, more" in error["hint"]
    exact = {"connection": "files", "hidden": True}
    assert asked(door, 202, **{**ASKED, "source_platform": exact})["sync_id"] == "more"


def test_names_that_are_taken_or_odd_are_made_readable(
    door: httpx.Client, docs: Path, listening: Engine
) -> None:
    with listening.database.pooled() as connection:
        sync = catalog.sync(connection, "docs")
        taken = replace(sync, sync_id="files-to-minutes")
        options = {"path": str(docs)}
        more = Connection(name="f" * 63, project_id="demo", platform="folder", options=options)
        catalog.apply(connection, Desired(connections=(more,), syncs=(taken,)))
    plain = {"project_id": "demo", "target": "minutes"}
    assert asked(door, 202, **plain, source="files")["sync_id"] == "files-to-minutes-2"
    assert asked(door, 202, **plain, source="f" * 63)["sync_id"] == "f" * 63


def test_callers_that_ask_at_once_are_given_one_sync(
    door: httpx.Client, docs: Path, listening: Engine
) -> None:
    document = {"project_id": "demo", "source": "files", "target": "minutes"}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: asked(door, 202, **document)["sync_id"], range(8)))
    assert set(found) == {"files-to-minutes"}
    with listening.database.pooled() as connection:
        assert len(catalog.syncs(connection)) == 2


def test_a_paused_sync_is_refused_and_stays_as_it_is(
    door: httpx.Client, docs: Path, listening: Engine
) -> None:
    with listening.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.PAUSED, "a move")
    error = asked(door, 409, **ASKED)["error"]
    assert "a move" in error["message"]
    with listening.database.pooled() as connection:
        assert catalog.sync(connection, "docs").schedule == "hourly"


@pytest.mark.parametrize(
    "document",
    [
        {"sync_id": "a\0"},
        *({**ASKED, word: "a\0"} for word in ("project_id", "target_entity", "schedule")),
        {**ASKED, "a\0": 1},
        {**ASKED, "source_platform": "files/\0"},
        {**ASKED, "source_platform": {"connection": "files", "include": ["a\0"]}},
        {**ASKED, "source_platform": {"connection": "files", "include": ["\ud800"]}},
        {**ASKED, "source_platform": {"connection": "files", "a\0": ["a"]}},
        {"sync_id": "docs", "\ud800": 1},
    ],
    ids=ascii,
)
def test_what_no_text_of_the_database_holds_is_refused(
    door: httpx.Client, docs: Path, document: dict[str, Any]
) -> None:
    answer = door.post("/sync/trigger", content=json.dumps(document), headers=JSON)
    assert answer.status_code == 400, answer.text


def test_nobody_answers_a_conflict_in_a_name_that_holds_a_nul(door: httpx.Client) -> None:
    answer = door.post("/sync/conflicts/1/resolve", json={"take": "source", "by": "a\0"})
    assert answer.status_code == 400
    assert "NUL" in answer.json()["error"]["message"]


CONTACTS = {"connection": "crm", "table": "contacts"}
CUSTOMERS = {"connection": "shop", "table": "customers"}


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": {**CUSTOMERS, "key": []}}, "the key is empty"),
        ({"target": {**CUSTOMERS, "key": ["id", "id"]}}, "the key names id more than once"),
        ({"source": {**CONTACTS, "key": []}}, "the key is empty"),
        ({"source": {**CONTACTS, "key": "id"}}, "should be a list"),
    ],
)
def test_a_key_that_tells_no_rows_apart_is_refused(
    door: httpx.Client, pair: Pair, there: bool, change: dict[str, Any], said: str
) -> None:
    if there:
        asked(door, 202, **ROWS)
    assert said in asked(door, 400, **{**ROWS, **change})["error"]["message"]


@pytest.mark.parametrize(
    ("change", "word", "said"),
    [
        ({"source": {**CONTACTS, "key": ["phone"]}}, "source.key", "not set, not [phone]"),
        ({"target": {**CUSTOMERS, "key": ["phone"]}}, "target.key", "not set, not [phone]"),
        ({"source": {**CONTACTS, "feed": "trigger"}}, "source.feed", "none, not trigger"),
    ],
)
def test_two_tables_that_have_a_sync_are_never_given_another_one(
    door: httpx.Client, pair: Pair, listening: Engine, change: Any, word: str, said: str
) -> None:
    told = asked(door, 202, **ROWS)
    error = asked(door, 409, **{**ROWS, **change})["error"]
    assert (error["code"], error["where"]) == ("needs_person", f"request: {word}")
    assert said in error["message"]
    assert f"Sync '{told['sync_id']}' is between these two already" in error["message"]
    same = {**ROWS, "source": {**CONTACTS, "feed": "none"}, "mode": "pull"}
    assert asked(door, 202, **same)["sync_id"] == told["sync_id"]
    with listening.database.pooled() as connection:
        assert len(catalog.syncs(connection)) == 1


def test_a_table_is_the_same_by_whichever_connection_it_is_named(
    door: httpx.Client, pair: Pair, listening: Engine
) -> None:
    told = asked(door, 202, **ROWS)
    with listening.database.pooled() as connection:
        again = replace(catalog.connection_of(connection, "crm"), name="sales")
        catalog.apply(connection, Desired(connections=(again,)))
    found = asked(door, 202, **{**ROWS, "source": "sales/contacts"}, mode="pull")
    assert found["sync_id"] == told["sync_id"]


def test_only_postgres_can_have_the_triggers_of_a_feed(
    door: httpx.Client, pair: Pair, listening: Engine, tmp_path: Path
) -> None:
    options = {"url": f"sqlite:///{tmp_path}/a.db"}
    lite = Connection(name="lite", project_id="demo", platform="sql_table", options=options)
    with listening.database.pooled() as connection:
        catalog.apply(connection, Desired(connections=(lite,)))
    source = {"connection": "lite", "table": "t", "feed": "trigger"}
    error = asked(door, 400, **{**ROWS, "source": source})["error"]
    assert "only a table of Postgres can have triggers" in error["message"]
    assert "Leave `feed` out" in error["hint"]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"schedule": "every_0_minutes"}, "every_15_minutes"),
        ({"schedule": "Sometimes"}, "hourly"),
        ({"schedule": ""}, "hourly"),
        ({"sync_type": "PULL"}, "pull, push"),
        ({"sync_type": ["pull"]}, "pull, push"),
        ({"source_platform": {"connection": "files", "key": []}}, "Name its columns"),
    ],
)
def test_a_wrong_value_is_told_before_it_is_asked_which_sync_is_meant(
    door: httpx.Client, docs: Path, listening: Engine, wrong: dict[str, Any], hint: str
) -> None:
    with listening.database.pooled() as connection:
        more = replace(catalog.sync(connection, "docs"), sync_id="more")
        catalog.apply(connection, Desired(syncs=(more,)))
    error = asked(door, 400, **{**ASKED, **wrong})["error"]
    assert "several syncs" not in error["message"]
    assert hint in error["hint"]


def test_each_form_of_a_request_says_what_is_allowed_in_it(door: httpx.Client, docs: Path) -> None:
    beside = asked(door, 400, sync_id="docs", project_id="demo")["error"]
    assert beside["message"] == "'project_id' cannot stand beside 'sync_id'"
    assert "Allowed: full, sync_id, wait_s. Or ask without 'sync_id'" in beside["hint"]
    unknown = asked(door, 400, sync_id="docs", extra=1)["error"]
    assert unknown["message"] == "'extra' is an unknown key"
    assert "Allowed: full, sync_id, wait_s." in unknown["hint"]
    other = asked(door, 400, **ASKED, extra=1)["error"]
    assert "wait_s" in other["hint"]
    assert "sync_id" not in other["hint"]


@pytest.mark.parametrize("written", ["Hourly", " hourly", "every_hour", "every_60_minutes"])
def test_a_schedule_is_the_same_however_it_is_written(
    door: httpx.Client, docs: Path, written: str
) -> None:
    assert asked(door, 202, **ASKED, schedule=written)["sync_id"] == "docs"


def test_a_sync_in_real_time_is_held_to_what_that_needs_however_it_is_written(
    door: httpx.Client, pair: Pair
) -> None:
    error = asked(door, 400, **ROWS, schedule="RealTime")["error"]
    assert "cannot tell that its rows have changed" in error["message"]


def test_a_file_is_the_same_however_it_is_written(
    door: httpx.Client, pair: Pair, docs: Path
) -> None:
    (docs / "people.csv").write_text("id,name,phone\n1,Ada,11\n")
    source = {"connection": "files", "rows": "people.csv", "key": ["id"]}
    told = asked(door, 202, **{**ROWS, "source": source})
    for same in (source, {**source, "rows": "./people.csv"}, "files/people.csv"):
        assert asked(door, 202, **{**ROWS, "source": same})["sync_id"] == told["sync_id"]
    other = {**ROWS, "source": {**source, "key": ["name"]}}
    assert "is [id], not [name]" in asked(door, 409, **other)["error"]["message"]
    sheet = {**ROWS, "source": {**source, "sheet": "Second"}}
    assert "the sheet of its source is not set" in asked(door, 409, **sheet)["error"]["message"]


def test_each_sheet_of_a_workbook_is_a_table(
    door: httpx.Client, pair: Pair, docs: Path, listening: Engine
) -> None:
    source = {"connection": "files", "rows": "people.xlsx", "key": ["id"], "sheet": "First"}
    with listening.database.pooled() as connection:
        target = RowTarget(connection="shop", select={"table": "customers"})
        select = {key: value for key, value in source.items() if key != "connection"}
        sync = replace(
            catalog.sync(connection, "docs"),
            sync_id="p",
            capsule=None,
            target=target,
            select=select,
        )
        catalog.apply(connection, Desired(syncs=(sync,)))
    assert asked(door, 202, **{**ROWS, "source": source})["sync_id"] == "p"
    error = asked(door, 404, **{**ROWS, "source": {**source, "sheet": "Second"}})["error"]
    assert "The source is not there" in error["message"], "another one would be made"
