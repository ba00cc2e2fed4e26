"""What was looked at for drift, and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from livesync_pipelines.model.records import Entry
from livesync_pipelines.model.sync import SyncConfig
from livesync_pipelines.store import row_replay, tenure
from livesync_pipelines.store.database import Connection, rows

DAYS = 30
"""The bound is of the samples of so many days; older ones go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One item that was looked at.

    - `outcome`: `same`; `lag`, another version than ours, which a run may still bring in; `drift`,
      what no run will bring in or has; `unread`, which counts for nothing.
    - `finding`: of a lag or a drift, `content`, `gone` from the source, or `unknown` to us.
    - `held`, `seen`: the version that we hold, and that the source has.
    """

    key: str
    outcome: str
    finding: str | None = None
    held: str | None = None
    seen: str | None = None


_ENTRY = "select key, version, identity, size, modified_at, state from livesync.shadow s"
_SOUND = (
    " where s.sync_id = %(sync_id)s"
    " and not exists (select from livesync.item_failures f"
    " where f.sync_id = s.sync_id and f.key = s.key)"
    " and not exists (select from livesync.unsettled u"
    " where u.sync_id = s.sync_id and u.key = s.key)"
    " and not exists (select from livesync.kept k"
    " where k.sync_id = s.sync_id and k.item_id = s.item_id)"
)


def draw(connection: Connection, sync_id: str, *, seed: str, limit: int) -> list[Entry]:
    """Random items of a sync, the same ones for the same seed, as they were last applied; none
    that fails, waits to be settled, or is kept though it is gone."""
    found = connection.execute(
        f"{_ENTRY}{_SOUND} order by md5(%(seed)s || s.item_id), s.item_id limit %(limit)s".encode(),
        {"sync_id": sync_id, "seed": seed, "limit": limit},
    )
    return [Entry(*row) for row in found]


_DRAW_ROWS = """
select key from livesync.row_base b where sync_id = %(sync_id)s
and not %(doubted)s in (coalesce(source_mark, ''), coalesce(target_mark, ''))
and exists (select from livesync.syncs s where s.sync_id = b.sync_id
    and s.mapping_version = %(mapping_version)s)
and not exists (select from livesync.item_failures f where f.sync_id = b.sync_id and f.key = b.key)
and not exists (select from livesync.unsettled u where u.sync_id = b.sync_id and u.key = b.key)
and not exists (select from livesync.conflicts c where c.sync_id = b.sync_id and c.key = b.key
    and c.state <> 'settled')
order by md5(%(seed)s || key), key limit %(limit)s
"""


def draw_rows(connection: Connection, sync: SyncConfig, *, seed: str, limit: int) -> list[str]:
    """The keys of random rows, the same ones for the same seed; none that fails, waits for
    somebody, or has not been met since the mapping was changed."""
    asked = {
        "sync_id": sync.sync_id,
        "doubted": row_replay.DOUBTED,
        "mapping_version": tenure.mapping_version(sync),
        "seed": seed,
        "limit": limit,
    }
    return [key for (key,) in connection.execute(_DRAW_ROWS, asked)]


def sound(connection: Connection, sync_id: str, keys: Sequence[str]) -> dict[str, Entry]:
    """Those of these keys that `draw` could give, by key."""
    found = connection.execute(
        f"{_ENTRY}{_SOUND} and s.key = any(%(keys)s)".encode(),
        {"sync_id": sync_id, "keys": list(keys)},
    )
    return {row[0]: Entry(*row) for row in found}


def strangers(connection: Connection, sync_id: str, keys: Sequence[str]) -> set[str]:
    """Those of these keys of which nothing is known, not even a failure."""
    found = connection.execute(
        "select key from unnest(%(keys)s::text[]) key where not exists (select from"
        " livesync.shadow s where s.sync_id = %(sync_id)s and s.key = key.key)"
        " and not exists (select from livesync.item_failures f"
        " where f.sync_id = %(sync_id)s and f.key = key.key)"
        " and not exists (select from livesync.unsettled u"
        " where u.sync_id = %(sync_id)s and u.key = key.key)",
        {"sync_id": sync_id, "keys": list(keys)},
    )
    return {key for (key,) in found}


def write(
    connection: Connection, sync_id: str, samples: Iterable[Sample], *, on: date, at: datetime
) -> None:
    """Keep what was found, and forget what is older than `DAYS`. A second look on the same day is
    the same sample and changes nothing."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into livesync.drift_samples"
            " (sync_id, sampled_on, key, sampled_at, outcome, finding, held, seen)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            [(sync_id, on, s.key, at, s.outcome, s.finding, s.held, s.seen) for s in samples],
        )
        cursor.execute(
            "delete from livesync.drift_samples where sync_id = %s and sampled_on <= %s",
            (sync_id, on - timedelta(days=DAYS)),
        )


def overdue(connection: Connection, sync_id: str, *, limit: int) -> list[tuple[date, Sample]]:
    """Changes that were seen, and that a complete run which began later should have brought in."""
    found = connection.execute(
        "select sampled_on, key, outcome, finding, held, seen from livesync.drift_samples d"
        " where sync_id = %s and outcome = 'lag' and settled_at is null"
        " and exists (select from livesync.operations o where o.sync_id = d.sync_id"
        " and o.started_at > d.sampled_at and o.status in ('success', 'partial')"
        ' and (o.proof @> \'{"last_page_seen": true, "resumed": false}\''
        " or (o.status = 'success' and exists (select from livesync.row_base b"
        " where b.sync_id = d.sync_id))))"
        " order by sampled_on, key limit %s",
        (sync_id, limit),
    )
    return [
        (on, Sample(key=key, outcome=outcome, finding=finding, held=held, seen=seen))
        for on, key, outcome, finding, held, seen in found
    ]


def settle(
    connection: Connection, sync_id: str, key: str, outcome: str, *, on: date, at: datetime
) -> None:
    """What a change that was seen turned out to be."""
    connection.execute(
        "update livesync.drift_samples set outcome = %s, settled_at = %s"
        " where sync_id = %s and sampled_on = %s and key = %s",
        (outcome, at, sync_id, on, key),
    )


def counts(
    connection: Connection, *, today: date, sync_id: str | None = None
) -> dict[str, dict[str, Any]]:
    """By sync, of all or of one: how many samples of the last `DAYS` count, how many were drift,
    how many lag and are not settled, and how many could not be read.

    Strangers count only when they are drift: they were not drawn at random, and may only raise the
    bound."""
    found = rows(
        connection,
        "select sync_id, count(*) filter (where outcome = 'drift' or (outcome in ('same', 'lag')"
        " and finding is distinct from 'unknown')) as samples,"
        " count(*) filter (where outcome = 'drift') as divergent,"
        " count(*) filter (where outcome = 'lag' and settled_at is null) as lagging,"
        " count(*) filter (where outcome = 'unread') as unread,"
        " max(sampled_at) as sampled_at"
        " from livesync.drift_samples where sampled_on > %s"
        " and (%s::text is null or sync_id = %s) group by 1",
        (today - timedelta(days=DAYS), sync_id, sync_id),
    )
    return {row.pop("sync_id"): row for row in found}


def findings(connection: Connection, sync_id: str, *, limit: int = 100) -> list[dict[str, Any]]:
    """What drifted or lags, newest first."""
    return rows(
        connection,
        "select key, outcome, finding, held, seen, sampled_at, settled_at"
        " from livesync.drift_samples where sync_id = %s and (outcome = 'drift'"
        " or (outcome = 'lag' and settled_at is null)) order by sampled_at desc, key limit %s",
        (sync_id, limit),
    )
