"""`kill -9` at every step, before or after it, twice: the next run completes the work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.core.chunk import chunk
from livesync_pipelines.core.normalise import normalise_text
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.rebuild import Rebuilt, rebuild
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig
from livesync_pipelines.store import catalog, embedded, ledger, operations, stages
from livesync_pipelines.store.database import Database, rows
from livesync_pipelines_tests.engine.house import prose, wait_until_free
from livesync_pipelines_tests.proof.points import STEPS
from livesync_pipelines_tests.proof.victim import PAGE

WHEN = ("before", "after")
FILES, CHANGED = 11, 6
IN_FLIGHT = 2 * PAGE
"""Files that a death may cost: those of the page that is written, and of the page that is read
meanwhile."""


TOLD = """
select o.operation_id, o.status, count(e.seq) as ended from livesync.operations o
join livesync.outbox e using (operation_id) where e.kind <> 'dead_letters'
group by o.operation_id, o.status
"""
"""Operations whose end is told: those that were killed have had none, no other has had two."""


@dataclass(slots=True)
class Victims:
    """A folder that is synced by processes that may be killed."""

    engine: Engine
    folder: Path
    log: Path
    forker: subprocess.Popen[str]

    def run(self, **killed: Any) -> dict[str, Any]:
        """One run in a process of its own; says whether it was killed, and what it reached."""
        wait_until_free(self.engine)
        order = {"url": self.engine.database.url, "log": str(self.log), "full": False, **killed}
        assert self.forker.stdin is not None
        assert self.forker.stdout is not None
        self.forker.stdin.write(json.dumps(order) + "\n")
        self.forker.stdin.flush()
        answer: dict[str, Any] = json.loads(self.forker.stdout.readline())
        return answer

    def files_read(self) -> int:
        """How many files were read since last asked."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return len(lines)

    def plant(self) -> None:
        for number in range(FILES):
            (self.folder / f"{number:02}.md").write_text(prose(f"t{number}", sections=2))

    def change(self) -> None:
        """One of each: edited, added, removed, renamed backwards and forwards, unreadable."""
        (self.folder / "01.md").write_text(prose("edited", sections=3))
        (self.folder / "05x.md").write_text(prose("new", sections=2))
        (self.folder / "03.md").unlink()
        (self.folder / "06.md").rename(self.folder / "00a.md")
        (self.folder / "04.md").rename(self.folder / "99.md")
        (self.folder / "08.pdf").write_bytes(b"%PDF-1.4 broken")

    def assert_whole(self) -> None:
        """The capsule equals the folder; ledger, shadow and chunks agree; nobody holds anything."""
        wanted = {
            path.name: [piece.text for piece in chunk(normalise_text(path.read_text()))]
            for path in self.folder.glob("*.md")
        }
        with self.engine.database.connect() as connection:
            placed = stages.table(connection, "docs", "capsule_chunks").to_pylist()
            keys = {
                row["item_id"]: row["key"]
                for row in rows(connection, "select item_id, key from livesync.shadow")
            }
            found: dict[str, list[str]] = {}
            for row in sorted(placed, key=lambda row: (row["item_id"], row["ordinal"])):
                found.setdefault(keys[row["item_id"]], []).append(row["text"])
            assert found == wanted
            assert ledger.first_broken(connection, "docs") is None
            assert operations.in_flight(connection) == set()
            left = rows(connection, "select * from livesync.operations where status = 'running'")
            assert left == []
            told = rows(connection, TOLD)
            assert all(row["ended"] <= 1 and row["status"] != "interrupted" for row in told)
            assert told, "somebody wants to know, and nothing was told"
        agreeing = len(wanted)
        assert rebuild(self.engine, "docs", check=True) == Rebuilt(agreeing=agreeing)


@pytest.fixture(scope="module")
def forker() -> Iterator[subprocess.Popen[str]]:
    """One process that has imported everything, and forks for every run."""
    child = subprocess.Popen(
        [sys.executable, "-m", "livesync_pipelines_tests.proof.victim"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield child
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    child.stdout.close()
    assert child.wait(10) == 0


@pytest.fixture
def victims(engine: Engine, tmp_path: Path, forker: subprocess.Popen[str]) -> Victims:
    return _victims(engine, tmp_path, forker)


def _victims(engine: Engine, place: Path, forker: subprocess.Popen[str]) -> Victims:
    folder = place / "docs"
    folder.mkdir()
    here = Connection(
        name="here", project_id="demo", platform="folder", options={"path": str(folder)}
    )
    sync = SyncConfig(
        sync_id="docs",
        project_id="demo",
        connection="here",
        capsule="handbook",
        schedule="manual",
    )
    capsule = Capsule(name="handbook", project_id="demo")
    with engine.database.connect() as connection:
        catalog.apply(connection, Desired(connections=(here,), capsules=(capsule,), syncs=(sync,)))
    return Victims(engine, folder, place / "log", forker)


def moments(first: int) -> Iterator[tuple[str, str]]:
    """Before and after each step in turn; `make prove` has both at each."""
    for number, step in enumerate(STEPS, first):
        for when in WHEN if "LIVESYNC_PROVE" in os.environ else [WHEN[number % len(WHEN)]]:
            yield step, when


@pytest.mark.parametrize(("step", "when"), list(moments(0)))
def test_a_process_that_is_killed_at_any_step_loses_and_doubles_nothing(
    victims: Victims, step: str, when: str
) -> None:
    victims.plant()
    calm = victims.run()
    assert calm["status"] == "success"
    victims.change()
    victims.files_read()
    fired = 0
    for turn in (1, 1, 2):
        fired += victims.run(step=step, when=when, turn=turn)["killed"]
    last = victims.run()
    assert last["status"] == "partial", last
    assert fired >= 1, "a step at which nobody dies proves nothing"
    assert victims.files_read() <= CHANGED + fired * IN_FLIGHT, "work was done again"
    victims.assert_whole()
    again = victims.run()
    assert again["reached"].get("rows are written", 0) == 0, "nothing is left to write"


@pytest.mark.parametrize(("step", "when"), list(moments(1)))
def test_a_first_sync_that_is_killed_at_any_step_is_completed(
    victims: Victims, step: str, when: str
) -> None:
    victims.plant()
    fired = 0
    for turn in (1, 2, 1):
        fired += victims.run(step=step, when=when, turn=turn)["killed"]
    last = victims.run()
    assert last["status"] == "success", last
    assert fired >= 1 or step in {"renames are settled", "absences are settled"}
    assert victims.files_read() <= FILES + fired * IN_FLIGHT, "work was done again"
    victims.assert_whole()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Path]:
    """The home of an embedded server of one's own."""
    home = Path(tempfile.mkdtemp(prefix="livesync-mortal-"))
    home.chmod(0o755)
    yield home
    embedded.stop(home)
    shutil.rmtree(home)


@pytest.mark.parametrize(
    "step",
    ["a batch is taken in", "chunks are written", "the ledger is written", "the cursor is moved"],
)
def test_a_database_that_is_killed_comes_back_with_all_that_was_committed(
    mortal: Path, tmp_path: Path, forker: subprocess.Popen[str], step: str
) -> None:
    database = Database(embedded.start(mortal))
    database.migrate()
    victims = _victims(Engine(database=database, enabled=True), tmp_path, forker)
    victims.plant()
    for turn in (2, 1):
        postmaster = int((mortal / "postgres" / "postmaster.pid").read_text().split()[0])
        dying = victims.run(step=step, when="after", turn=turn, victim=postmaster)
        assert "status" not in dying, "the server died and nobody noticed"
        assert embedded.start(mortal) == database.url
    assert victims.run()["status"] == "success"
    assert victims.files_read() <= FILES + 2 * IN_FLIGHT
    victims.assert_whole()
