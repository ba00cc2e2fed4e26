"""What a person sees of webhooks in a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.subscribing import keep_up
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import webhooks
from livesync_pipelines.store.webhooks import Event

from .conftest import CONFIG, Terminal

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def called(terminal: Terminal, docs: Path, engine: Engine, tmp_path: Path) -> Terminal:
    """The connection `docs` was called three times, twice with the same, and once in vain."""
    file = tmp_path / "livesync.yaml"
    file.write_text(CONFIG.replace("path: docs", 'path: docs, webhook: {secret: "${HOOK}"}'))
    terminal.environ["HOOK"] = KEY
    assert terminal("apply", str(file)).exit_code == 0
    with engine.database.pooled() as connection:
        for name, seconds in (("msg_1", 3), ("msg_2", 2), ("msg_2", 1)):
            at = engine.now() - timedelta(seconds=seconds)
            event = Event(
                connection="docs",
                delivery_id=name,
                received_at=at,
                scheme="standard",
                digest=b"x" * 32,
                hints=("file.changed",),
            )
            webhooks.note(connection, [event])
        webhooks.count_turned_away(connection, refused={"docs": 1}, held_back={}, now=engine.now())
    return terminal


def test_who_may_call_is_listed_with_what_came(called: Terminal) -> None:
    document = called.document("webhooks")
    (sender,) = document["senders"]
    expected = {"path": "/sync/webhook/folder/docs", "scheme": "standard", "platform": "folder"}
    counts = {"delivered": 2, "doubled": 1, "refused": 1, "held_back": 0}
    assert expected.items() | counts.items() <= sender.items()
    assert sender["token"] is None, "its secret is ours"
    assert [(e["delivery_id"], e["seen"]) for e in document["webhooks"]] == [
        ("msg_2", 2),
        ("msg_1", 1),
    ]
    shown = called("webhooks", "docs", "--limit", "1").stdout
    assert "/sync/webhook/folder/docs" in shown
    assert "msg_2" in shown
    assert "msg_1" not in shown


def test_a_connection_that_is_not_there_is_said(called: Terminal) -> None:
    assert called.document("webhooks", "x", code=2)["error"]["code"] == "not_found"


def test_without_any_it_says_so(terminal: Terminal) -> None:
    assert terminal("webhooks").stdout.startswith("Nobody may call")


def finding(document: dict[str, Any]) -> dict[str, Any]:
    (found,) = (f for f in document["checks"] if f["check"] == "webhooks of docs")
    return dict(found)


def test_doctor_tells_how_often_a_platform_has_called(called: Terminal) -> None:
    found = finding(called.document("doctor"))
    assert found["verdict"] == "ok"
    assert "2 came, 1 more than once, 1 refused" in found["message"]


def test_doctor_notices_that_nobody_can_prove_himself(called: Terminal) -> None:
    del called.environ["HOOK"]
    found = finding(called.document("doctor", code=1))
    assert found["verdict"] == "failed"
    assert "HOOK is not set" in found["message"]


def test_the_token_that_a_platform_is_to_send_is_waited_for_and_found(
    terminal: Terminal, docs: Path, tmp_path: Path
) -> None:
    file = tmp_path / "livesync.yaml"
    file.write_text(CONFIG.replace("path: docs", "path: docs, webhook: {scheme: notion}"))
    applied = terminal("apply", str(file))
    assert "before Notion has sent its token" in applied.stderr
    assert "before Notion has sent its token" in terminal("webhooks").stderr
    sent = tmp_path / "home" / "webhooks" / "docs"
    assert token(terminal) == {"waits": False, "file": str(sent)}
    sent.parent.mkdir(parents=True, exist_ok=True)
    sent.write_text("secret_token\n")
    found = finding(terminal.document("doctor"))
    assert str(sent) in found["message"]
    assert "secret_token" not in str(found)
    assert token(terminal) == {"waits": True, "file": str(sent)}
    shown = terminal("webhooks", "docs")
    assert f"Notion has sent its token; it is in {sent}, and waits for you" in shown.stderr
    assert "secret_token" not in shown.output


def token(terminal: Terminal) -> Any:
    """What the document tells of the token that the platform makes, and not the token."""
    document = terminal.document("webhooks")
    assert "secret_token" not in str(document)
    (sender,) = document["senders"]
    return sender["token"]


def test_apply_tells_of_the_webhooks_of_its_file_and_doctor_of_all(
    terminal: Terminal, docs: Path, tmp_path: Path
) -> None:
    file, other = tmp_path / "livesync.yaml", tmp_path / "other.yaml"
    file.write_text(CONFIG.replace("path: docs", "path: docs, webhook: {scheme: notion}"))
    other.write_text(f"project: demo\nconnections: {{more: {{platform: folder, path: {docs}}}}}\n")
    assert "webhooks of docs" in terminal("apply", str(file)).stderr
    assert "webhooks of docs" not in terminal("apply", str(other)).stderr
    assert finding(terminal.document("doctor"))["verdict"] == "warning"
    assert "webhooks of docs" in terminal("apply", str(file), str(other)).stderr


FEED = 'rss, url: "https://127.0.0.1:1/feed", webhook: {secret: "${HOOK}"}'


@pytest.fixture
def feed(terminal: Terminal, tmp_path: Path) -> Terminal:
    """The connection `docs` is a feed whose hub could be asked to call."""
    file = tmp_path / "livesync.yaml"
    file.write_text(CONFIG.replace("folder, path: docs", FEED))
    terminal.environ["HOOK"] = "a long random text"
    return terminal


def test_that_nobody_can_be_asked_to_call_is_said_where_a_user_looks(
    feed: Terminal, tmp_path: Path
) -> None:
    assert "LIVESYNC_PUBLIC_URL" in feed("apply", str(tmp_path / "livesync.yaml")).stderr
    assert "LIVESYNC_PUBLIC_URL" in feed("webhooks").stderr
    about = {one["check"]: one for one in feed.document("doctor")["checks"]}
    assert about["subscription of docs"]["verdict"] == "warning"
    feed.environ["LIVESYNC_PUBLIC_URL"] = "https://example.com"
    assert "LIVESYNC_PUBLIC_URL" not in feed("webhooks").stderr


def test_subscriptions_are_listed_with_what_is_wrong(
    feed: Terminal, engine: Engine, tmp_path: Path
) -> None:
    assert feed("apply", str(tmp_path / "livesync.yaml")).exit_code == 0
    feed.environ["LIVESYNC_PUBLIC_URL"] = "https://example.com"
    environ = {"HOOK": "a long random text"}
    assert keep_up(replace(engine, environ=environ, public_url="https://example.com")) == 1
    (found,) = feed.document("webhooks")["subscriptions"]
    assert (found["connection"], found["state"], found["failures"]) == ("docs", "failing", 1)
    assert "not an address on the public internet" in found["error"]["message"]
    shown = feed("webhooks", "docs")
    assert "failing" in shown.stdout
    assert "not an address on the public internet" in shown.stderr


def test_status_tells_the_share_of_changes_that_came_without_a_call(
    called: Terminal, docs: Path, engine: Engine
) -> None:
    for words in ("one", "two", "three", "four"):
        assert "came without a call" not in called("status").output, "a few are no reason to look"
        (docs / "extra.md").write_text(f"# Extra\n\n{words}\n")
        run_sync(replace(engine, environ=called.environ), "handbook-docs", trigger=Trigger.POLL)
    said = "100% of 3 changes in 3 days came without a call"
    assert f"docs: {said}" in called("status").output
    assert f"untold      {said}" in called("status", "handbook-docs").output
