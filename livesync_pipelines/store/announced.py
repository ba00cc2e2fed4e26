"""Which changes somebody told of before polling found them, and what follows where too few."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from livesync_pipelines.store.database import Connection

LOOKED_BACK = timedelta(days=3)
MISSED_SHARE = 0.2
"""A connection of whose changes more than this share came untold is polled more often."""

MISSED = 3
"""And so many at least."""

SOONEST = timedelta(minutes=15)

_COUNTED = """
with ran as (
    select s.connection, o.trigger, o.started_at, o.finished_at, o.counts,
           lag(o.started_at) over (partition by o.sync_id order by o.started_at) as before
    from livesync.connections c join livesync.syncs s on s.connection = c.name
    join livesync.operations o using (sync_id)
    where (c.webhook is not null or c.options ? 'queue_url')
    and s.config ->> 'schedule' <> 'realtime' and (%(of)s::text is null or c.name = %(of)s)
    and o.started_at > %(since)s and o.status in ('success', 'partial')),
changed as (
    select connection, trigger = 'webhook' or exists (
        select from livesync.webhook_events e where e.connection = ran.connection
        and e.received_at > ran.before and e.received_at <= ran.finished_at) as told
    from ran where before is not null and trigger in ('webhook', 'poll')
    and (coalesce((counts ->> 'added')::int, 0) + coalesce((counts ->> 'updated')::int, 0)
         + coalesce((counts ->> 'moved')::int, 0) + coalesce((counts ->> 'removed')::int, 0)) > 0),
counted as (
    select connection, count(*) filter (where told) as told,
           count(*) filter (where not told) as missed from changed group by connection)
"""


@dataclass(frozen=True, slots=True)
class Share:
    """Of the operations that changed something in the last days, for how many somebody had called
    since the operation before, and for how many nobody had. Those of realtime syncs do not count:
    they look before anybody can call."""

    told: int = 0
    missed: int = 0

    @property
    def missed_share(self) -> float | None:
        """From 0 to 1; None where nothing has changed."""
        changed = self.told + self.missed
        return self.missed / changed if changed else None

    @property
    def is_high(self) -> bool:
        return self.missed >= MISSED and (self.missed_share or 0.0) > MISSED_SHARE


def shares(connection: Connection, *, now: datetime, of: str | None = None) -> dict[str, Share]:
    """By connection, or `of` one alone; those that nobody may call are not among them."""
    found = connection.execute(
        f"{_COUNTED} select connection, told, missed from counted".encode(),
        {"since": now - LOOKED_BACK, "of": of},
    )
    return {name: Share(told, missed) for name, told, missed in found}


def tighten(connection: Connection, *, now: datetime) -> int:
    """Where too much comes untold, look again within a quarter of an hour, and not first when the
    period of the schedule is over; returns for how many syncs. Cron lines are left alone."""
    return connection.execute(
        f"{_COUNTED} update livesync.syncs s set next_due_at = %(soonest)s"
        " + make_interval(secs => abs(hashtext(s.sync_id)) %% 60)"
        " from counted where s.connection = counted.connection and s.state = 'active'"
        " and counted.missed >= %(missed)s"
        " and counted.missed > %(share)s * (counted.missed + counted.told)"
        " and s.config ->> 'schedule' ~ '^(every_|hourly$|daily$)'"
        " and s.next_due_at > %(soonest)s + interval '1 minute'".encode(),
        {
            "since": now - LOOKED_BACK,
            "of": None,
            "soonest": now + SOONEST,
            "missed": MISSED,
            "share": MISSED_SHARE,
        },
    ).rowcount
