"""A sync that copies files between real folders, a real bucket and a pretend Dropbox, while people
edit both ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.auth.vault import Vault
from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.connectors.dropbox import Dropbox
from livesync_pipelines.connectors.folder import Folder
from livesync_pipelines.connectors.s3 import S3
from livesync_pipelines.engine.desired import asked
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.plan import Plan, plan_sync
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.sync import Desired, Trigger
from livesync_pipelines.sandbox.confluence.site import API_TOKEN
from livesync_pipelines.store import (
    approvals,
    catalog,
    conflict_restores,
    conflicts,
    ledger,
    letters,
)
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.connectors.confluence_world import SITE
from livesync_pipelines_tests.connectors.drive_place import DrivePlace
from livesync_pipelines_tests.connectors.dropbox_place import DropboxPlace
from livesync_pipelines_tests.connectors.pages_place import PagesPlace
from livesync_pipelines_tests.connectors.row_files import BucketPlace, FolderPlace, Place
from livesync_pipelines_tests.connectors.s3_world import ACCESS_KEY, SECRET_KEY, endpoint
from livesync_pipelines_tests.connectors.test_writing_files import a_place
from livesync_pipelines_tests.engine.drawer import KEY, Office
from livesync_pipelines_tests.engine.house import Clock
from livesync_pipelines_tests.sandbox.served import ADA

SYNC = "copy"
BACK = "back"
ENVIRON = {
    "S3_SECRET": SECRET_KEY,
    "WIKI_TOKEN": API_TOKEN,
    "HOOK": "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0",
}
Row = dict[str, Any]


class Killed(BaseException):
    """The process ends here: no handler of ours may catch it."""


def options_of(place: Place) -> dict[str, Any]:
    """A connection to this place, in the words of a configuration."""
    if isinstance(place, DrivePlace):
        return {"platform": "google_drive", "account": "ada"}
    if isinstance(place, FolderPlace):
        return {"platform": "folder", "path": str(place.root)}
    if isinstance(place, DropboxPlace):
        return {"platform": "dropbox", "account": "ada"}
    if isinstance(place, PagesPlace):
        signed = {"email": ADA, "api_token": "${WIKI_TOKEN}"}
        return {"platform": "confluence", "url": SITE, **signed}
    assert isinstance(place, BucketPlace)
    return {
        "platform": "s3",
        "bucket": place.bucket,
        "prefix": "p/",
        "endpoint_url": endpoint(),
        "region": "us-east-1",
        "access_key_id": ACCESS_KEY,
        "secret_access_key": "${S3_SECRET}",
    }


def chosen(place: Place) -> dict[str, Any]:
    """Which part of its connection this place is, in the words of a configuration."""
    if isinstance(place, PagesPlace):
        return {"space": place.space.key}
    return {"folder": place.folder} if isinstance(place, DrivePlace) else {}


def document(
    source: Mapping[str, Any], target: Mapping[str, Any], /, **said: Any
) -> dict[str, Any]:
    """A configuration with one sync between the connections `here` and `there`."""
    sync = {"connection": "here", "target": {"connection": "there"}, "schedule": "manual"}
    return {
        "project": "demo",
        "connections": {"here": dict(source), "there": dict(target)},
        "syncs": {SYNC: {**sync, **said}},
    }


@dataclass(slots=True)
class Copies:
    """`origin` is where files come from, `goal` where they go, whatever the mode calls them."""

    engine: Engine
    source: Place
    target: Place
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        assert isinstance(self.engine.now, Clock)
        return self.engine.now

    @property
    def pushes(self) -> bool:
        return self.said.get("mode") == "push"

    @property
    def origin(self) -> Place:
        return self.target if self.pushes else self.source

    @property
    def goal(self) -> Place:
        return self.source if self.pushes else self.target

    @property
    def goal_side(self) -> Side:
        return Side.SOURCE if self.pushes else Side.TARGET

    def configure(self, **said: Any) -> None:
        self.said |= said
        self._apply(self._document())

    def configure_back(self) -> None:
        """A second sync, from the target to the source."""
        data = self._document()
        ends = {"connection": "there", "target": {"connection": "here"}}
        data["syncs"][BACK] = {**ends, "select": chosen(self.target), "schedule": "manual"}
        self._apply(data)

    def configure_read(self, name: str, **select: Any) -> None:
        """A second sync, of the target into a capsule."""
        data = self._document()
        data["capsules"] = {"known": {"language": "english"}}
        ends = {"connection": "there", "target": {"capsule": "known"}}
        data["syncs"][name] = {**ends, "select": select, "schedule": "manual"}
        self._apply(data)

    def _document(self) -> dict[str, Any]:
        target = {"connection": "there", **chosen(self.target)}
        said = {"select": chosen(self.source), "target": target, **self.said}
        return document(options_of(self.source), options_of(self.target), **said)

    def _apply(self, data: dict[str, Any]) -> None:
        wanted = asked("story", data, REGISTRY, ENVIRON, known=Desired())
        with self.engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def run(
        self, sync_id: str = SYNC, *, full: bool = False, trigger: Trigger = Trigger.PERSON
    ) -> SyncResult:
        return run_sync(self.engine, sync_id, trigger=trigger, full=full)

    def plan(self) -> Plan:
        return plan_sync(self.engine, SYNC)

    def put(self, **files: str) -> None:
        """Into the origin; two underscores stand for a dot."""
        for name, text in files.items():
            self.origin.put(name.replace("__", "."), text.encode())

    def conflicts(self, *, settled: bool = False) -> list[Row]:
        with self.engine.database.pooled() as connection:
            return conflicts.listed(connection, sync_id=SYNC, settled=settled)

    def resolve(self, side: Side) -> None:
        (found,) = self.conflicts()
        with self.engine.database.pooled() as connection:
            conflicts.answer(connection, found["conflict_id"], Answer(side), by="ada")

    def restore(self, conflict_id: int) -> None:
        with self.engine.database.pooled() as connection:
            conflict_restores.restore(connection, conflict_id, by="ada", now=self.engine.now())

    def approve(self) -> int:
        with self.engine.database.pooled() as connection:
            return approvals.give(connection, SYNC)

    def letters(self) -> dict[str, str]:
        return {row["key"]: row["code"] for row in self.ask("select * from livesync.item_failures")}

    def dead(self) -> list[Row]:
        with self.engine.database.pooled() as connection:
            return letters.listed(connection, sync_id=SYNC)

    def entries(self) -> list[Row]:
        """The ledger, oldest first; its chain holds."""
        with self.engine.database.pooled() as connection:
            assert ledger.first_broken(connection, SYNC) is None
            return ledger.entries(connection, SYNC, limit=1_000)[::-1]

    def ops(self) -> list[tuple[str, str]]:
        return [(entry["op"], entry["item_id"]) for entry in self.entries()]

    def ask(self, query: str, *values: Any) -> list[Row]:
        with self.engine.database.pooled() as connection:
            return rows(connection, query, values)

    def equal(self) -> bool:
        names = self.origin.names()
        return names == self.goal.names() and all(
            self.origin.get(name) == self.goal.get(name) for name in names
        )


@contextmanager
def copies_between(engine: Engine, source: Place, target: Place) -> Iterator[Copies]:
    engine = replace(
        engine, registry=REGISTRY, environ=ENVIRON, now=Clock(), vault=lambda: Vault([KEY])
    )
    for place in (source, target):
        if isinstance(place, DropboxPlace):
            engine = replace(engine, environ={**ENVIRON, **place.sandbox.environ("dropbox")})
            office = Office(engine, place.sandbox)
            office.connect(platform="dropbox", write="")
    yield Copies(engine, source, target)
    engine.database.close()
    source.close()
    target.close()


def places(kinds: str, root: Path) -> tuple[Place, Place]:
    """As `folder to s3` says."""
    made: list[Place] = []
    for n, kind in enumerate(kinds.split(" to ")):
        folder = root / str(n)
        folder.mkdir()
        made.append(a_place(kind, folder))
    return made[0], made[1]


def after(monkeypatch: pytest.MonkeyPatch, method: str, does: Callable[[], None]) -> None:
    """Do this right after each `put` or `remove` of a folder, a bucket or a Dropbox."""
    for kind in (Folder, S3, Dropbox):
        real = getattr(kind, method)

        def wrapped(self: Any, *said: Any, _real: Any = real, **more: Any) -> Any:
            answer = _real(self, *said, **more)
            does()
            return answer

        monkeypatch.setattr(kind, method, wrapped)
