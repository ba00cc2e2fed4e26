"""Who may come in, where tokens are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from livesync_pipelines.engine import tokens
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import catalog, queue
from livesync_pipelines.web.app import create_app

from .conftest import HERE

RUN = {"sync_id": "docs"}
ASKED = {"project_id": "demo", "source": "files", "target": "handbook"}


@dataclass(frozen=True, slots=True)
class Door:
    """A door that asks for tokens."""

    engine: Engine
    file: Path

    def token(self, project: str, role: str = "viewer") -> str:
        return tokens.make(self.file, project, role)

    def call(self, method: str, path: str, token: str = "", **words: object) -> httpx.Response:
        settings = Settings.load(
            {"EXTERNAL_SYNC_ENABLED": "true", "LIVESYNC_API_TOKENS": str(self.file)}
        )
        app = create_app(self.engine, settings)
        headers = {"authorization": f"Bearer {token}"} if token else {}

        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
                return await client.request(method, path, headers=headers, json=words or None)

        return asyncio.run(answer())

    def get(self, path: str, token: str = "") -> httpx.Response:
        return self.call("GET", path, token)

    def depth(self) -> int:
        with self.engine.database.pooled() as connection:
            return queue.depth(connection)[0]


@pytest.fixture
def guarded(engine: Engine, tmp_path: Path, synced: SyncResult) -> Door:
    """The sync `docs` of the project `demo` has run; `other` has a sync and a capsule too."""
    file = tmp_path / "tokens"
    source = Connection(name="theirs", project_id="other", platform="folder", options={"path": "/"})
    sync = SyncConfig(
        sync_id="secret",
        project_id="other",
        connection="theirs",
        capsule="vault",
        schedule="manual",
    )
    vault = Capsule(name="vault", project_id="other")
    with engine.database.pooled() as connection:
        catalog.apply(connection, Desired(connections=(source,), capsules=(vault,), syncs=(sync,)))
    door = Door(engine, file)
    door.token("demo")
    return door


def test_without_a_token_only_health_is_told(guarded: Door) -> None:
    assert guarded.get("/health").status_code == 200
    assert guarded.get("/sync/health").status_code == 200
    for path in ("/sync/status", "/capsules", "/", "/docs", "/openapi.json", "/nowhere"):
        answer = guarded.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "unauthorised"


@pytest.mark.parametrize("wrong", ["", "x", "lst_"])
def test_a_wrong_token_is_none(guarded: Door, wrong: str) -> None:
    right = guarded.token("demo", "editor")
    assert guarded.get("/sync/status", right).status_code == 200
    assert guarded.get("/sync/status", wrong + right[:-1]).status_code == 401
    assert guarded.call("POST", "/sync/trigger", wrong, **RUN).status_code == 401
    assert guarded.depth() == 0


def test_a_viewer_reads_his_project_and_starts_nothing(guarded: Door) -> None:
    viewer = guarded.token("demo")
    assert guarded.get("/sync/status?project=demo", viewer).status_code == 200
    for document in (RUN, ASKED):
        answer = guarded.call("POST", "/sync/trigger", viewer, **document)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert guarded.call("POST", "/sync/conflicts/1/resolve", viewer, take="source").status_code == (
        403
    )
    assert guarded.depth() == 0


def test_an_editor_starts_runs_of_his_project(guarded: Door) -> None:
    editor = guarded.token("demo", "editor")
    assert guarded.call("POST", "/sync/trigger", editor, **RUN).status_code == 202
    assert guarded.call("POST", "/sync/trigger", editor, **ASKED).status_code == 202
    assert guarded.depth() == 1


def test_an_editor_of_another_project_starts_and_makes_nothing(guarded: Door) -> None:
    editor = guarded.token("other", "editor")
    for document in (ASKED, {"source": "files", "target": "handbook"}):
        answer = guarded.call("POST", "/sync/trigger", editor, **document)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    told = []
    for sync_id in ("docs", "nobody"):
        answer = guarded.call("POST", "/sync/trigger", editor, sync_id=sync_id)
        assert answer.status_code == 404
        told.append(answer.text.replace(sync_id, "it"))
    assert told[0] == told[1]
    assert guarded.depth() == 0


def test_listings_hold_nothing_of_another_project(guarded: Door) -> None:
    mine, theirs = guarded.token("demo"), guarded.token("other")
    assert guarded.get("/sync/status?project=demo", theirs).status_code == 403
    for path, name in (
        ("/sync/status", "syncs"),
        ("/sync/operations", "operations"),
        ("/capsules", "capsules"),
    ):
        assert "docs" in guarded.get(path, mine).text or "handbook" in guarded.get(path, mine).text
        found = guarded.get(path, theirs)
        assert found.status_code == 200
        assert "docs" not in found.text
        assert "handbook" not in found.text
        assert name in found.json()
    for path in ("/sync/dead-letters", "/sync/conflicts"):
        assert guarded.get(path, theirs).status_code == 200


def test_what_is_of_another_project_is_not_there(guarded: Door, synced: SyncResult) -> None:
    mine, theirs = guarded.token("demo"), guarded.token("other")
    (hit,) = guarded.get("/capsules/handbook/search?q=trains", mine).json()["hits"]
    for path in (
        "/sync/status?sync_id=docs",
        "/sync/operations?sync_id=docs",
        f"/sync/operations/{synced.operation_id}",
        "/sync/ledger/docs",
        "/sync/dead-letters?sync_id=docs",
        "/sync/conflicts?sync_id=docs",
        "/capsules/handbook/search?q=trains",
        f"/explain/{hit['chunk_id']}",
        "/explain/docs:leave.md",
    ):
        assert guarded.get(path, mine).status_code == 200, path
        found = guarded.get(path, theirs)
        assert found.status_code == 404, path
        said = found.json()["error"]
        assert "handbook" not in said["hint"]
        assert "docs" in path or "docs" not in said["message"]


def test_who_searches_a_capsule_that_is_not_there_is_told_of_his_own(guarded: Door) -> None:
    for token, told in (("demo", "Configured: handbook."), ("other", "Configured: vault.")):
        asked = "/capsules/nobody/search?q=trains"
        assert guarded.get(asked, guarded.token(token)).json()["error"]["hint"] == told


def test_what_tells_of_all_projects_needs_a_token_for_all(guarded: Door) -> None:
    one, every = guarded.token("demo", "editor"), guarded.token("*")
    for path in ("/sync/stats", "/", "/operations"):
        assert guarded.get(path, one).status_code == 403
        assert guarded.get(path, every).status_code == 200
    assert len(guarded.get("/sync/status", every).json()["syncs"]) == 2


def test_the_file_holds_no_token_and_only_its_owner_reads_it(guarded: Door) -> None:
    token = guarded.token("demo")
    assert token not in guarded.file.read_text()
    assert guarded.file.stat().st_mode & 0o077 == 0


def _drop(file: Path) -> None:
    file.unlink()


def _spoil(file: Path) -> None:
    file.write_text(f"{file.read_text()}hello\n")


@pytest.mark.parametrize("harm", [_drop, _spoil])
def test_a_file_that_is_not_understood_lets_nobody_in(
    guarded: Door, harm: Callable[[Path], None]
) -> None:
    token = guarded.token("demo")
    harm(guarded.file)
    answer = guarded.get("/sync/status", token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "broken")
    assert "livesync token" in answer.json()["error"]["hint"]


def test_a_line_that_is_taken_out_shuts_its_token_out(guarded: Door) -> None:
    token = guarded.token("demo")
    guarded.file.write_text("# nobody\n\n")
    assert guarded.get("/sync/status", token).status_code == 401
