"""Requests that have waited long while nothing of their platform began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import in_flight

LONG = timedelta(minutes=5)
"""So long a request may wait for its turn, while none of its platform has one."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """`waiting`: how many syncs of the platform have waited long; `since`: the first of them."""

    platform: str
    waiting: int
    since: datetime


def stalled(connection: Connection, *, now: datetime) -> Sequence[Stalled]:
    """The platforms of which some sync has waited long, and none is worked on or has begun
    meanwhile."""
    found = connection.execute(
        "with waiting as (select c.platform, greatest(q.queued_at, q.not_before) as since"
        " from livesync.queue q join livesync.syncs s using (sync_id)"
        " join livesync.connections c on c.name = s.connection"
        " where s.state = 'active' and greatest(q.queued_at, q.not_before) <= %(long_ago)s)"
        " select platform, count(*), min(since) from waiting w where not exists ("
        " select from livesync.syncs s join livesync.connections c on c.name = s.connection"
        " where c.platform = w.platform and (s.sync_id = any(%(busy)s) or exists ("
        " select from livesync.operations o"
        " where o.sync_id = s.sync_id and o.started_at > %(long_ago)s)))"
        " group by platform order by platform",
        {"long_ago": now - LONG, "busy": list(in_flight(connection))},
    )
    return [Stalled(*row) for row in found]
