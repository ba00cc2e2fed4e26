"""A sync of a fake source in a real database, and what must hold of it at any time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.core.chunk import chunk
from livesync_pipelines.core.normalise import normalise_text
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.spec import PlatformSpec
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.store import catalog, ledger, operations, stages
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.engine.fake_source import ORDERED, Fake, Source, platform

SYNC = "docs"
DATA = ("shadow", "records", "contents", "documents", "chunks", "ledger", "item_failures")
UNENDED = {Status.RUNNING, Status.REFUSED}
Row = dict[str, Any]


class Clock:
    """A second passes whenever somebody looks."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def a_sync(sync_id: str = SYNC, **more: Any) -> SyncConfig:
    """A sync of the connection `fake` into the capsule `handbook`, run by hand."""
    plain = SyncConfig(
        sync_id=sync_id,
        project_id="demo",
        connection="fake",
        capsule="handbook",
        schedule="manual",
    )
    return replace(plain, **more)


def prose(topic: str, *, sections: int = 3) -> str:
    """A Markdown text whose every section is one chunk with words of its own."""
    return "\n\n".join(
        f"## {topic} {n}\n\n" + " ".join(_word(topic, n, place) for place in range(90)) + "."
        for n in range(1, sections + 1)
    )


def _word(topic: str, section: int, place: int) -> str:
    return hashlib.sha256(f"{topic}.{section}.{place}".encode()).hexdigest()[:7]


def wait_until_free(engine: Engine) -> None:
    """Return when no process works on any sync: a server notices a death a moment later."""
    with engine.database.connect() as connection:
        while operations.in_flight(connection):
            sleep(0.01)


def looked_at_now(engine: Engine) -> list[str]:
    """Those that are queued by a look at everything that is not run by hand, all of it due."""
    with engine.database.pooled() as connection:
        connection.execute("update livesync.syncs set next_due_at = null, looked_at = null")
        connection.execute("delete from livesync.queue")
    return sweep(engine)


@dataclass(frozen=True, slots=True)
class House:
    """An engine that knows one fake platform."""

    engine: Engine
    source: Source

    def configure(
        self,
        *syncs: SyncConfig,
        language: str = "english",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Apply these syncs; `options` are those of the connection."""
        names = {"handbook", *(sync.capsule for sync in syncs if sync.capsule)}
        capsules = tuple(
            Capsule(name=name, project_id="demo", language=language) for name in sorted(names)
        )
        source = Connection(
            name="fake", project_id="demo", platform="fake", options=dict(options or {})
        )
        wanted = Desired(connections=(source,), capsules=capsules, syncs=syncs or (a_sync(),))
        with self.engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def run(
        self, sync_id: str = SYNC, *, full: bool = False, trigger: Trigger = Trigger.PERSON
    ) -> SyncResult:
        return run_sync(self.engine, sync_id, trigger=trigger, full=full)

    def wait_until_written(self, items: int, sync_id: str = SYNC) -> None:
        """Return when the operation in flight has added so many: its writer works beside it."""
        with self.engine.database.connect() as connection:
            while True:
                counts = operations.counts_in_flight(connection, sync_id)
                if counts is not None and counts.added >= items:
                    return
                sleep(0.01)

    def rows(self, query: str, *values: Any) -> list[Row]:
        with self.engine.database.pooled() as connection:
            return rows(connection, query, values)

    def execute(self, query: str, *values: Any) -> None:
        with self.engine.database.pooled() as connection:
            connection.execute(query.encode(), values)

    def held(self, sync_id: str = SYNC) -> dict[str, str]:
        """The text of each item, by key."""
        found = self.rows(
            "select s.key, c.text from livesync.shadow s"
            " join livesync.documents d using (sync_id, item_id)"
            " join livesync.contents c on c.sync_id = d.sync_id"
            " and c.content_hash = d.content_hash where s.sync_id = %s",
            sync_id,
        )
        return {row["key"]: row["text"] for row in found}

    def ids(self, sync_id: str = SYNC) -> dict[str, str]:
        """The item id of each key."""
        found = self.rows("select key, item_id from livesync.shadow where sync_id = %s", sync_id)
        return {row["key"]: row["item_id"] for row in found}

    def chunks(self, key: str, sync_id: str = SYNC) -> list[str]:
        """The ids of an item's chunks, in layout order."""
        found = self.rows(
            "select value ->> 'id' as id from livesync.documents d"
            " join livesync.shadow s using (sync_id, item_id),"
            " jsonb_array_elements(d.layout) with ordinality"
            " where s.sync_id = %s and s.key = %s order by ordinality",
            sync_id,
            key,
        )
        return [row["id"] for row in found]

    def written(self) -> dict[str, list[Row]]:
        """Where every row of data lies and which transaction wrote it."""
        return {
            table: self.rows(
                f"select ctid::text, xmin::text, xmax::text from livesync.{table} order by 1"
            )
            for table in DATA
        }

    def entries(self, sync_id: str = SYNC) -> list[Row]:
        """The ledger, oldest first."""
        with self.engine.database.pooled() as connection:
            return ledger.entries(connection, sync_id, limit=100_000)[::-1]

    def history(self, sync_id: str = SYNC) -> list[Row]:
        """The operations, oldest first."""
        with self.engine.database.pooled() as connection:
            return operations.history(connection, sync_id, limit=1_000)[::-1]

    def failures(self, sync_id: str = SYNC) -> dict[str, str]:
        found = self.rows(
            "select key, code from livesync.item_failures where sync_id = %s", sync_id
        )
        return {row["key"]: row["code"] for row in found}

    def sync_row(self, sync_id: str = SYNC) -> Row:
        (row,) = self.rows("select * from livesync.syncs where sync_id = %s", sync_id)
        return row


@contextmanager
def a_house(
    engine: Engine, *, spec: PlatformSpec = ORDERED, kind: type[Fake] = Fake
) -> Iterator[House]:
    """A house over an empty source, configured with the plain sync."""
    source = Source()
    registry: dict[str, type[Connector]] = {"fake": platform(source, spec, kind)}
    house = House(replace(engine, registry=registry, environ={}, now=Clock()), source)
    house.configure()
    yield house
    house.engine.database.close()


def assert_in_step(house: House, texts: Mapping[str, str] | None = None) -> None:
    """The capsule holds exactly these texts (the source's, unless said), and all is sound."""
    wanted = house.source.texts() if texts is None else texts
    assert house.held() == {key: normalise_text(text) for key, text in wanted.items()}
    assert_sound(house)


def assert_sound(house: House, sync_id: str = SYNC) -> None:
    """What holds after every operation, however it ended."""
    _assert_chunks_follow_the_text(house, sync_id)
    _assert_the_ledger_tells_it_all(house, sync_id)
    _assert_how_it_went_is_known(house, sync_id)
    with house.engine.database.pooled() as connection:
        counts = stages.stage_counts(connection, sync_id)
        assert ledger.first_broken(connection, sync_id) is None
    assert counts["source"] == counts["records"] == counts["resolved_rows"]
    assert counts["capsule_chunks"] == counts["placed_chunks"]
    assert counts["misplaced_chunks"] == 0


def _assert_chunks_follow_the_text(house: House, sync_id: str) -> None:
    with house.engine.database.pooled() as connection:
        placed = stages.table(connection, sync_id, "capsule_chunks").to_pylist()
        records = stages.table(connection, sync_id, "records").to_pylist()
    found: dict[str, list[Any]] = {}
    for row in placed:
        spot = row["text"], row["start"], row["end"], tuple(row["heading_path"])
        found.setdefault(row["item_id"], []).append(spot)
    wanted = {
        record["item_id"]: [(c.text, c.start, c.end, c.heading_path) for c in cut]
        for record in records
        if (cut := chunk(record["text"]))
    }
    assert found == wanted


def _assert_the_ledger_tells_it_all(house: House, sync_id: str) -> None:
    """Replayed from the first entry, it gives what is held; and counts agree with it."""
    held: dict[str, tuple[str, str]] = {}
    entries = house.entries(sync_id)
    for entry in entries:
        if entry["op"] == "removed":
            assert entry["before"]["fingerprint"] == held.pop(entry["item_id"])[1]
        else:
            assert (entry["op"] == "added") == (entry["item_id"] not in held)
            held[entry["item_id"]] = entry["after"]["key"], entry["after"]["fingerprint"]
    shadow = house.rows(
        "select item_id, key, encode(fingerprint, 'hex') as print from livesync.shadow"
        " where sync_id = %s",
        sync_id,
    )
    assert held == {row["item_id"]: (row["key"], row["print"]) for row in shadow}
    changed = ("added", "updated", "moved", "removed")
    told = sum(op["counts"].get(name, 0) for op in house.history(sync_id) for name in changed)
    assert told == len(entries)


def _assert_how_it_went_is_known(house: House, sync_id: str) -> None:
    """What the database keeps of how the last operation went is what the history says."""
    ended = [op for op in house.history(sync_id) if op["status"] not in UNENDED]
    row = house.sync_row(sync_id)
    assert row["last_status"] == (ended[-1]["status"] if ended else None)
    assert row["takes_long"] == (_took_long(ended[-1]) if ended else None)


def _took_long(operation: Row) -> bool:
    began: datetime = operation["started_at"]
    ended: datetime = operation["finished_at"] or began
    return ended - began > timedelta(seconds=20)


def begin_following(house: House) -> None:
    """List items a to e once, so that the change feed is followed from here on."""
    for key in "abcde":
        house.source.put(key, prose(key, sections=1))
    house.run()
    house.source.forget()


def ops(entries: Sequence[Row]) -> list[tuple[str, str]]:
    """What the ledger says, in short: (op, item id)."""
    return [(entry["op"], entry["item_id"]) for entry in entries]
