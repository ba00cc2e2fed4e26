from __future__ import annotations

from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import catalog, overview

from .conftest import CONFIG, Terminal


def stored(engine: Engine) -> object:
    with engine.database.pooled() as connection:
        return catalog.stored(connection)


def actions(document: dict[str, object]) -> list[tuple[str, str, str]]:
    changes = document["changes"]
    assert isinstance(changes, list)
    return [(change["action"], change["kind"], change["name"]) for change in changes]


def test_applying_shows_what_it_does(terminal: Terminal, docs: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(CONFIG)
    result = terminal("apply", str(file))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "+ connection docs",
        "+ capsule handbook",
        "+ sync handbook-docs",
        "3 added.",
    ]


def test_applying_again_changes_nothing(terminal: Terminal, applied: Path, engine: Engine) -> None:
    with engine.database.pooled() as connection:
        catalog.set_due(connection, "handbook-docs", engine.now(), "a mark")
        before = overview.status(connection)
        document = terminal.document("apply", str(applied))
        assert overview.status(connection) == before
    assert {action for action, _, _ in actions(document)} == {"unchanged"}


def test_a_changed_connection_makes_its_syncs_due(
    terminal: Terminal, applied: Path, engine: Engine
) -> None:
    with engine.database.pooled() as connection:
        catalog.set_due(connection, "handbook-docs", engine.now(), "a mark")
        applied.write_text(CONFIG.replace("path: docs", "path: elsewhere"))
        document = terminal.document("apply", str(applied))
        assert ("changed", "connection", "docs") in actions(document)
        assert overview.status(connection)[0]["next_sync"] is None


def test_a_dry_run_shows_and_changes_nothing(
    terminal: Terminal, tmp_path: Path, engine: Engine
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(CONFIG)
    before = stored(engine)
    document = terminal.document("apply", str(file), "--dry-run")
    assert document["applied"] is False
    assert ("added", "sync", "handbook-docs") in actions(document)
    assert stored(engine) == before


def test_a_bad_file_names_the_line_and_changes_nothing(
    terminal: Terminal, applied: Path, engine: Engine
) -> None:
    before = stored(engine)
    applied.write_text(CONFIG.replace("hourly", "sometimes") + "  more: {connection: docs}\n")
    error = terminal.document("apply", str(applied), code=2)["error"]
    assert error["code"] == "bad_input"
    assert "syncs.handbook-docs.schedule" in error["message"]
    assert "syncs.more" in error["message"]
    assert f"{applied}:7" in error["where"]
    assert stored(engine) == before


def test_every_door_says_that_nothing_will_run(terminal: Terminal, applied: Path) -> None:
    result = terminal("apply", str(applied), EXTERNAL_SYNC_ENABLED="")
    assert result.exit_code == 0
    assert "EXTERNAL_SYNC_ENABLED is not true" in result.stderr


def test_connecting_shows_what_is_seen_and_saves_it(
    terminal: Terminal, docs: Path, engine: Engine
) -> None:
    result = terminal("connect", "folder", "--name", "files", "-o", "path=docs")
    assert result.exit_code == 0
    assert "It shows 3 items" in result.stdout
    assert "sub/printers.md" in result.stdout
    with engine.database.pooled() as connection:
        saved = catalog.connection_of(connection, "files")
    assert (saved.project_id, saved.options) == ("default", {"path": str(docs)})


def test_what_a_connection_sees_is_a_document(terminal: Terminal, docs: Path) -> None:
    words = ("connect", "folder", "--name", "files", "-o", f"path={docs}", "--project", "demo")
    document = terminal.document(*words)
    assert document["action"] == "added"
    assert document["sees"]["items"] == 3
    assert document["sees"]["keys"][0] == "leave.md"
    assert document["unchecked"] is None


def test_a_source_that_does_not_answer_is_not_saved(terminal: Terminal, engine: Engine) -> None:
    words = ("connect", "folder", "--name", "files", "-o", "path=nowhere")
    error = terminal.document(*words, code=2)["error"]
    assert "nowhere" in error["message"]
    assert stored(engine) == type(stored(engine))()
    assert terminal.document(*words, "--no-check")["unchecked"] == "--no-check"


def test_without_external_sync_the_source_is_not_asked(terminal: Terminal, docs: Path) -> None:
    words = ("connect", "folder", "--name", "files", "-o", "path=docs")
    document = terminal.document(*words, EXTERNAL_SYNC_ENABLED="false")
    assert document["sees"] is None
    assert "EXTERNAL_SYNC_ENABLED" in document["unchecked"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("folders", "-o", "path=x"), "unknown platform 'folders'"),
        (("folder",), "'path' is missing"),
        (("folder", "-o", "path=x", "-o", "paht=y"), "unknown key 'paht'"),
        (("folder", "-o", "path=[a"), "must be a list"),
        (("folder", "-o", "path=${NOWHERE}"), "NOWHERE is not set"),
    ],
)
def test_a_wrong_connection_is_refused(
    terminal: Terminal, words: tuple[str, ...], said: str
) -> None:
    platform, *options = words
    error = terminal.document("connect", platform, "--name", "it", *options, code=2)["error"]
    assert said in error["message"]


def test_a_sync_is_added_with_its_capsule(terminal: Terminal, docs: Path, engine: Engine) -> None:
    terminal("connect", "folder", "--name", "files", "-o", "path=docs", "--project", "demo")
    words = ("sync", "add", "notes", "--connection", "files", "--capsule", "notes")
    more = ("--include", "**/*.md", "--exclude", "sub/**", "-o", "hidden=true")
    document = terminal.document(*words, *more, "--schedule", "daily", "--priority", "low")
    assert actions(document) == [("added", "capsule", "notes"), ("added", "sync", "notes")]
    with engine.database.pooled() as connection:
        sync = catalog.sync(connection, "notes")
    assert sync.project_id == "demo"
    assert (sync.schedule, sync.priority) == ("daily", "low")
    assert sync.select["include"] == ["**/*.md"]
    assert sync.select["exclude"] == ["sub/**"]


def test_a_sync_that_is_there_is_not_added_again(terminal: Terminal, applied: Path) -> None:
    words = ("sync", "add", "handbook-docs", "--connection", "docs", "--capsule", "handbook")
    error = terminal.document(*words, code=2)["error"]
    assert "already" in error["message"]


def test_a_sync_of_no_connection_names_those_that_are_there(
    terminal: Terminal, applied: Path
) -> None:
    words = ("sync", "add", "more", "--connection", "dosc", "--capsule", "handbook")
    error = terminal.document(*words, "--project", "demo", code=2)["error"]
    assert "dosc" in error["message"]
    assert "docs" in error["hint"]
    assert error["where"] == "sync add: syncs.more.connection"


def test_a_platform_tells_what_can_be_set(terminal: Terminal) -> None:
    listed = terminal.document("platforms")["platforms"]
    assert "folder" in {platform["name"] for platform in listed}
    (path,) = terminal.document("platforms", "folder")["options"]
    assert path == {"name": "path", "type": "text", "required": True, "default": None}
    folder = terminal("platforms", "folder").stdout
    assert "abilities: probe, watch, files are written, rows" in folder
    assert "\n  limits: none\n" in folder
    abilities = terminal.document("platforms", "confluence")["abilities"]
    assert abilities == ["probe", "changes", "documents are written as pages"]
    assert terminal.document("platforms", "fax", code=2)["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("platform", "told"),
    [
        ("google_drive", "clock: versions are not times"),
        ("notion", "clock: times in steps of 60 s; what has changed may show the same version"),
        ("google_drive", "limits: no more than 12000 calls in 60 s per platform"),
        ("confluence", "limits: none known"),
        ("dropbox", "webhook: scheme dropbox (Dropbox); secret: the app secret"),
        ("website", "webhook: scheme standard (Standard Webhooks); secret: whsec_ and"),
        ("rss", "subscribed to: by LiveSync itself, where a connection has `webhook`"),
        ("s3", "subscribed to: by LiveSync itself, where a connection has `notifications`"),
        ("dropbox", "subscribed to: by hand"),
        ("notion", "without a secret: LIVESYNC_HOME/webhooks/CONNECTION holds it once it has come"),
        ("confluence", "subscribed to: not at all: it calls nobody itself, programs of yours may"),
        ("rss", "abilities: probe, subscribe"),
        ("sql_table", "    webhook: {scheme, secret, also, topic, url} (default None)"),
    ],
)
def test_a_platform_tells_its_clock_its_limits_and_who_may_call(
    terminal: Terminal, platform: str, told: str
) -> None:
    assert told in terminal("platforms", platform).stdout


def test_what_a_platform_tells_a_person_it_tells_a_program(terminal: Terminal) -> None:
    told = terminal.document("platforms", "notion")
    assert (told["clock"]["granularity_s"], told["clock"]["trusted"]) == (60.0, False)
    assert (told["webhook"]["scheme"], told["webhook"]["subscribed_by"]) == ("notion", None)
    assert told["webhook"]["sends_secret"] is True
    assert terminal.document("platforms", "confluence")["webhook"]["called_by_platform"] is False


def test_a_token_is_shown_once_and_kept_as_a_hash(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    made = terminal.document("token", "demo", "editor", LIVESYNC_API_TOKENS=str(file))
    assert (made["project"], made["role"]) == ("demo", "editor")
    shown = terminal("token", "*", "viewer", LIVESYNC_API_TOKENS=str(file)).stdout.strip()
    kept = file.read_text()
    assert [line.split()[1:] for line in kept.splitlines()] == [["demo", "editor"], ["*", "viewer"]]
    assert made["token"] not in kept
    assert shown not in kept


def test_a_wrong_token_is_not_made(terminal: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "tokens")
    unset = terminal.document("token", "demo", "editor", code=2)["error"]
    assert "LIVESYNC_API_TOKENS is not set" in unset["message"]
    owner = terminal.document("token", "demo", "owner", code=2, LIVESYNC_API_TOKENS=file)["error"]
    assert owner["hint"] == "Allowed: viewer, editor."
    odd = terminal.document("token", "De Mo", "viewer", code=2, LIVESYNC_API_TOKENS=file)["error"]
    assert "no name of a project" in odd["message"]
    nowhere = str(tmp_path / "no" / "tokens")
    lost = terminal.document("token", "demo", "viewer", code=2, LIVESYNC_API_TOKENS=nowhere)
    assert "cannot be kept" in lost["error"]["message"]
