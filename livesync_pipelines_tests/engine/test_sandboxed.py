"""A home whose `livesync up --sandbox` stands in for the vendors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from livesync_pipelines.engine.house import SANDBOX, environ_of
from livesync_pipelines.sandbox.workspace import variables
from livesync_pipelines.settings import Settings

NAMES = ("GOOGLE_CLIENT_ID", "GOOGLE_API_URL", "DROPBOX_API_URL", "CONFLUENCE_API_URL")
AT = "http://127.0.0.1:8700"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / SANDBOX).write_text(json.dumps(variables(AT)))
    return Settings.load({"LIVESYNC_HOME": f"{tmp_path}"})


def test_every_process_of_the_home_takes_the_sandbox_for_the_vendors(settings: Settings) -> None:
    found = environ_of(settings)
    assert [found.get(name) for name in NAMES] == [
        "livesync-sandbox",
        f"{AT}/google",
        f"{AT}/dropbox",
        f"{AT}/confluence",
    ]


def test_a_vendor_of_whom_the_environment_says_anything_stays_who_he_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLIENT_ID", "mine")
    monkeypatch.setenv("DROPBOX_CLIENT_ID", "")
    found = environ_of(settings)
    assert [found.get(name) for name in NAMES] == [
        "mine",
        None,
        f"{AT}/dropbox",
        f"{AT}/confluence",
    ]


def test_without_a_sandbox_the_environment_is_what_it_is(settings: Settings) -> None:
    (settings.home / SANDBOX).unlink()
    assert all(environ_of(settings).get(name) is None for name in NAMES)


def test_each_start_has_another_secret_for_those_who_call() -> None:
    one, two = (variables(AT)["SANDBOX"]["SANDBOX_HOOK"] for _ in range(2))
    assert one != two
