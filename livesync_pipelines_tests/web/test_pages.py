from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.operating import Errand, operate
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.sync import (
    Connection,
    Desired,
    RowTarget,
    SyncConfig,
    Trigger,
    Webhook,
)
from livesync_pipelines.store import catalog
from livesync_pipelines.store.operations import Operation, Outcome
from livesync_pipelines.web.pages import SYNCS

from .conftest import Caller, Run

SCRIPT = '<script src="/static/status.js" defer>'
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def page(client: Caller, path: str) -> str:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return answer.text


def test_an_empty_house_says_what_to_do(client: Caller) -> None:
    assert "livesync apply FILE" in page(client, "/")


def test_the_status_page_shows_syncs_capsules_and_operations(
    client: Caller, synced: SyncResult
) -> None:
    shown = page(client, "/")
    assert '<meta http-equiv="refresh"' in shown
    assert f'href="/sync/operations/{synced.operation_id}"' in shown
    assert 'href="/capsules/handbook/search"' in shown
    assert 'href="http://127.0.0.1:3123/"' in shown
    assert re.search(r">docs</a>.*>ok</a>", shown)


def test_the_pages_need_nothing_from_elsewhere(client: Caller, synced: SyncResult) -> None:
    for path in ("/", "/operations", "/capsules/handbook/search?q=trains"):
        shown = page(client, path)
        assert re.findall("<script[^>]*>", shown) == ([SCRIPT] if path == "/" else [])
        assert not re.search(r"(src|@import|<link)", shown.replace(SCRIPT, ""))


def test_a_house_where_nothing_runs_says_so_on_every_page(idle: Caller, docs: Path) -> None:
    for path in ("/", "/operations", "/capsules/handbook/search"):
        assert "EXTERNAL_SYNC_ENABLED is not true" in page(idle, path)


def test_of_many_syncs_the_status_page_has_the_first_and_those_that_are_not_well(
    client: Caller, engine: Engine, synced: SyncResult
) -> None:
    """As many operations that went well as there are syncs, but for the last one by name."""
    with engine.database.connect() as connection:
        connection.execute(
            "insert into livesync.syncs (sync_id, project_id, connection, capsule, config)"
            " select 'many-' || to_char(n, 'fm0000'), project_id, connection, capsule, config"
            " from livesync.syncs, generate_series(1, %s) n",
            (SYNCS,),
        )
        connection.execute(
            "insert into livesync.operations (operation_id, sync_id, trigger, mode, status,"
            " started_at, finished_at, counts) select gen_random_uuid(), s.sync_id, trigger, mode,"
            " case when s.sync_id = %s then 'failed' else status end, started_at, finished_at,"
            " counts from livesync.operations, livesync.syncs s where s.sync_id <> 'docs'",
            (f"many-{SYNCS:04}",),
        )
    shown = re.findall(r"/operations\?sync_id=([a-z0-9-]+)", page(client, "/"))
    listed = list(dict.fromkeys(shown))[:SYNCS]
    assert listed[:3] == [f"many-{SYNCS:04}", "docs", "many-0001"]
    assert f"many-{SYNCS - 1:04}" not in listed
    assert f"These are {SYNCS} of {SYNCS + 1} syncs" in page(client, "/")
    assert len(client.get("/sync/status").json()["syncs"]) == SYNCS + 1


def test_an_error_is_shown_on_the_status_page(client: Caller, docs: Path, run: Run) -> None:
    run()
    docs.rename(docs.with_name("away"))
    run()
    shown = page(client, "/")
    assert "is not there any more" in shown
    assert ">failed</a>" in shown


@pytest.mark.parametrize("hint", [True, False], ids=["with a hint", "as it was kept before"])
def test_a_fault_of_our_own_takes_no_page_down(
    client: Caller, engine: Engine, synced: SyncResult, hint: bool
) -> None:
    def broken(_: Operation) -> Outcome:
        raise ZeroDivisionError("of our own")

    errand = Errand(sync_id="docs", trigger=Trigger.POLL)
    with engine.database.connect() as connection:
        with pytest.raises(ZeroDivisionError):
            operate(engine, connection, errand, broken)
        if not hint:
            connection.execute("update livesync.operations set error = error - 'hint'")
    (last, *_) = client.get("/sync/operations").json()["operations"]
    for path in ("/", f"/sync/operations/{last['operation_id']}"):
        shown = page(client, path)
        assert "ZeroDivisionError: of our own" in shown
        assert ("please report it" in shown) is hint


def test_a_run_that_was_cancelled_is_shown_as_that_on_every_page(
    client: Caller, engine: Engine, synced: SyncResult
) -> None:
    def stopped(_: Operation) -> Outcome:
        raise KeyboardInterrupt

    errand = Errand(sync_id="docs", trigger=Trigger.POLL, cancelled=lambda _: True)
    with engine.database.connect() as connection, pytest.raises(KeyboardInterrupt):
        operate(engine, connection, errand, stopped)
    last, _ = client.get("/sync/operations").json()["operations"]
    shown = '<td class="cancelled">cancelled</td>'
    for path in ("/", "/operations"):
        assert shown in page(client, path)
    assert '<span class="cancelled">cancelled</span>' in page(
        client, f"/sync/operations/{last['operation_id']}"
    )


def test_an_operation_is_a_page_for_a_browser_and_a_document_for_a_program(
    client: Caller, docs: Path, run: Run
) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    path = f"/sync/operations/{run().operation_id}"
    shown = page(client, path)
    assert "broken.pdf" in shown
    assert "leave.md" in shown
    assert 'href="http://127.0.0.1:3123/runs/run-1"' in shown
    odd = "text/html;q=\xb2".encode("latin-1")
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.5", odd):
        assert client.get(path, headers={"accept": accept}).json()["sync_id"] == "docs"


def test_operations_of_one_sync_are_a_page(client: Caller, synced: SyncResult) -> None:
    assert synced.operation_id in page(client, "/operations?sync_id=docs")
    assert "No sync has run yet" in page(client, "/operations?sync_id=x")


def test_hits_are_marked(client: Caller, synced: SyncResult) -> None:
    shown = page(client, "/capsules/handbook/search?q=trains")
    assert "<mark>trains</mark>" in shown
    assert 'value="trains"' in shown
    assert "Nothing matches" in page(client, "/capsules/handbook/search?q=zebra")


def test_a_capsule_that_is_not_there_has_no_page(client: Caller) -> None:
    assert client.get("/capsules/x/search", headers=BROWSER).status_code == 404


HOSTILE = """# <script>alert(1)</script>

zebra <img src=x onerror=alert(1)> \x02</p><script>\x03 & **bold** [x](javascript:alert(1))
"""


def test_a_hostile_document_stays_text(client: Caller, docs: Path, run: Run) -> None:
    (docs / "evil.md").write_text(HOSTILE)
    (docs / "<b>name.md").write_text("# Other\n\nzebra\n")
    operation_id = run().operation_id
    for path in (
        "/capsules/handbook/search?q=zebra",
        '/capsules/handbook/search?q="><script>zebra',
        "/",
        f"/sync/operations/{operation_id}",
    ):
        shown = page(client, path)
        assert "<script" not in shown.replace(SCRIPT, "")
        assert "<img" not in shown
        assert "<b>name" not in shown
    assert "<mark>zebra</mark>" in page(client, "/capsules/handbook/search?q=zebra")


@pytest.mark.parametrize(
    ("url", "followed"),
    [("https://a.example/x", True), ("javascript:alert(1)", False), ("file:///etc/passwd", False)],
)
def test_only_addresses_of_the_web_are_links(
    client: Caller, synced: SyncResult, engine: Engine, url: str, followed: bool
) -> None:
    with engine.database.pooled() as connection:
        connection.execute("update livesync.documents set url = %s", (url,))
    shown = page(client, "/capsules/handbook/search?q=trains")
    assert (f'href="{url}"' in shown) is followed


def test_the_share_of_changes_that_nobody_told_of_is_shown(
    client: Caller, engine: Engine, docs: Path, run: Run
) -> None:
    run()
    with engine.database.pooled() as connection:
        source = catalog.connection_of(connection, "files")
        called = replace(source, webhook=Webhook(scheme="standard", secret="${KEY}"))
        catalog.apply(connection, Desired(connections=(called,)))
    for missed in range(1, 4):
        assert "came without a call" not in page(client, "/"), "a few are no reason to look"
        (docs / "leave.md").write_text(f"# Leave\n\nAsk late, {missed}.\n")
        run_sync(engine, "docs", trigger=Trigger.POLL)
        (told,) = client.get("/sync/status").json()["syncs"]
        assert told["untold"] == {"told": 0, "missed": missed, "missed_share": 1.0}
    assert "files: 100% of 3 changes in 3 days came without a call" in page(client, "/")


def test_who_has_to_sign_in_is_led_there_from_the_status_page(
    client: Caller, engine: Engine
) -> None:
    options = {"account": "ada & co"}
    drive = Connection(name="drive", project_id="demo", platform="google_drive", options=options)
    with engine.database.pooled() as connection:
        catalog.apply(connection, Desired(connections=(drive,)))
    shown = page(client, "/")
    assert "drive (google_drive) waits for the account ada &amp; co" in shown
    start = "/oauth/google_drive/start?account=ada+%26+co&amp;project=demo"
    assert f'<a href="{start}">Sign in</a>' in shown


def test_the_status_page_names_the_file_that_rows_go_to(
    client: Caller, engine: Engine, docs: Path
) -> None:
    for name in ("one", "two"):
        (docs / f"{name}.csv").write_text("id,phone\n1,5\n")
    rows = SyncConfig(
        sync_id="phones",
        project_id="demo",
        connection="files",
        capsule=None,
        schedule="hourly",
        select={"rows": "one.csv", "key": ["id"]},
        target=RowTarget(connection="files", select={"rows": "two.csv", "key": ["id"]}),
    )
    with engine.database.pooled() as connection:
        catalog.apply(connection, Desired(syncs=(rows,)))
    assert "<td>files/two.csv</td>" in page(client, "/")
