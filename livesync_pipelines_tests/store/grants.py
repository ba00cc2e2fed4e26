"""The database's own record of every call that a budget let through, and when by its clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from livesync_pipelines.store.database import Connection, Database

_WATCH = """
create table public.grants (owner text, lane text, at timestamptz);
create function public.note_grant() returns trigger language plpgsql as $$ begin
    insert into public.grants
    values (new.owner, case when new.live > old.live then 'live' else 'backfill' end, new.seen_at);
    return null;
end $$;
create trigger note_grant after update on livesync.budgets for each row
    when (new.taken > old.taken) execute function public.note_grant();
"""
_FORGET = """
drop trigger note_grant on livesync.budgets;
drop function public.note_grant;
drop table public.grants;
"""


@dataclass(frozen=True, slots=True)
class Grants:
    connection: Connection

    def times(self, lane: str | None = None) -> list[float]:
        """In seconds, ascending; of both lanes, or of one."""
        found = self.connection.execute(
            "select extract(epoch from at) from public.grants"
            " where %s::text is null or lane = %s order by at",
            (lane, lane),
        ).fetchall()
        return [float(at) for (at,) in found]


@contextmanager
def watched(database: Database) -> Iterator[Grants]:
    with database.connect() as connection:
        connection.execute(_WATCH)
        try:
            yield Grants(connection)
        finally:
            connection.execute(_FORGET)


def most_in_a_window(times: list[float], per_s: float) -> int:
    """The most calls in any window of this length, its end not counted."""
    micros = sorted(round(t * 1e6) for t in times)
    length = round(per_s * 1e6)
    return max((sum(t <= o < t + length for o in micros) for t in micros), default=0)
