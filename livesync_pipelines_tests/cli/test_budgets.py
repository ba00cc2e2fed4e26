"""What a person sees of budgets: what is declared, what holds, and who said wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.spec import Budget
from livesync_pipelines.store.budgets import Account, hold

from .conftest import Terminal
from .test_doctor import ports

__all__ = ["ports"]

CONFIG = """\
project: demo
capsules: {web: }
connections:
  site:
    platform: website
    start: ["https://example.com/"]
    budget: {calls: 5, per_s: 1}
syncs:
  pages: {connection: site, target: web, schedule: hourly}
"""


@pytest.fixture
def site(terminal: Terminal, tmp_path: Path) -> Account:
    """The account of a connection that has a budget."""
    file = tmp_path / "livesync.yaml"
    file.write_text(CONFIG)
    assert terminal("apply", str(file)).exit_code == 0
    return Account(connection="site", platform="website", budgets=(Budget(5, 1.0),))


def held(engine: Engine, account: Account) -> None:
    with engine.database.connect() as connection:
        hold(connection, account, "example.com", 600)


def test_a_budget_is_set_and_changed_by_applying_a_file(
    terminal: Terminal, site: Account, tmp_path: Path
) -> None:
    file = tmp_path / "livesync.yaml"
    file.write_text(CONFIG.replace("calls: 5", "calls: 2"))
    assert "budget.calls: 5 -> 2" in terminal("apply", str(file)).stdout


def test_a_platform_tells_that_a_budget_can_be_set(terminal: Terminal) -> None:
    document = terminal.document("platforms", "website")
    (budget,) = [option for option in document["options"] if option["name"] == "budget"]
    assert budget == {
        "name": "budget",
        "type": "{calls, per_s}",
        "required": False,
        "default": None,
    }
    assert document["budgets"] == []


def test_doctor_names_every_budget_and_warns_of_a_server_that_said_wait(
    terminal: Terminal, site: Account, engine: Engine, ports: dict[str, Any]
) -> None:
    def found() -> list[tuple[str, str]]:
        checks = terminal.document("doctor", **ports)["checks"]
        return [(c["verdict"], c["message"]) for c in checks if c["check"] == "budget of site"]

    assert found() == [("ok", "5 calls in 1 s per connection")]
    held(engine, site)
    _, (verdict, said) = found()
    assert verdict == "warning"
    assert said.startswith("example.com said wait: 429 until ")


def test_status_says_until_when_a_sync_is_held(
    terminal: Terminal, site: Account, engine: Engine
) -> None:
    assert terminal.document("status")["syncs"][0]["held_until"] is None
    assert "429" not in terminal("status").output
    held(engine, site)
    assert terminal.document("status")["syncs"][0]["held_until"] is not None
    assert "pages: its server said wait, 429 until" in terminal("status").stderr
    assert "429 until" in terminal("status", "pages").stdout
