"""A change feed of a Postgres table: triggers note the keys of what was written in a log table
beside it, and say so on a channel.

https://www.postgresql.org/docs/18/functions-info.html (pg_snapshot), sql-createtrigger.html and
sql-notify.html, read 2026-11-21.

A place in the feed is a snapshot: which transactions had ended by then. What has changed since is
what such a transaction wrote that had not, whenever it began; so it does not matter in which order
they end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import psycopg
import pyarrow as pa

from livesync_pipelines.connectors._sql_pg_catalogue import OURS, Table, ident, text
from livesync_pipelines.connectors._sql_pg_errors import Refused
from livesync_pipelines.connectors._sql_pg_native import Native
from livesync_pipelines.connectors._sql_pg_session import Session
from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.model.errors import BadInput, CursorExpired, Unavailable
from livesync_pipelines.model.rows import KeyPage, Shape

KEPT_DAYS = 7
"""For how long a change stays in the log; a cursor that is older costs a scan."""

TOLD_AT_MOST = 500_000
"""So many changed keys are read at once; where there are more, a scan costs less than they do."""

_OLDEST = 130_000
_EVENTS = {
    "i": "insert",
    "u": "update",
    "d": "delete",
    "t": "truncate",
}
_TRANSITIONS = {
    "i": "referencing new table as livesync_new",
    "u": "referencing new table as livesync_new old table as livesync_old",
    "d": "referencing old table as livesync_old",
    "t": "",
}


class Feed:
    """The feed of one table, for one key."""

    def __init__(self, session: Session, table: Table, shape: Shape) -> None:
        self._session, self._table = session, table
        self._key = [table.native(name) for name in shape.key]
        mark = f"{table.name}\0{table.schema}\0{chr(0).join(shape.key)}"
        self._name = f"{OURS}log_{blake2b(mark.encode(), digest_size=8).hexdigest()}"
        self._log = f"{ident(table.schema)}.{ident(self._name)}"
        self._listening: psycopg.Connection | None = None

    def cursor(self) -> str:
        """The place now. Puts the log and its triggers there if they are not: that waits for
        whoever is writing to the table."""
        epoch = self._epoch()
        if epoch is None:
            self._install()
            epoch = self._epoch()
        snapshot = self._session.ask("select pg_current_snapshot()::text as now")["now"][0]
        return f"{epoch} {snapshot}"

    def changed(self, cursor: str) -> Iterator[KeyPage]:
        epoch, _, since = cursor.partition(" ")
        if epoch != self._epoch():
            raise self._expired("its triggers were switched off, taken away or made anew")
        self._prune()
        with self._session.transaction("isolation level repeatable read"):
            now = self._check(since)
            keys = self._keys(since)
        places = range(PAGE_ROWS, len(keys), PAGE_ROWS)
        for start in (0, *places):
            last = start + PAGE_ROWS >= len(keys)
            place = f"{epoch} {now}" if last else cursor
            yield KeyPage(keys=keys.slice(start, PAGE_ROWS), cursor=place, last=last)

    def wait(self, timeout_s: float) -> bool:
        """Whether there may be something new. True at once where nobody has listened until now."""
        try:
            if self._listening is None:
                self._listening = psycopg.connect(self._session.conninfo, autocommit=True)
                self._listening.execute(f"listen {ident(self._name)}".encode())
                return True
            return any(True for _ in self._listening.notifies(timeout=timeout_s, stop_after=1))
        except psycopg.OperationalError as error:
            self.close()
            raise Unavailable(
                f"{self._session.where} broke off the connection that listens",
                where=self._session.where,
            ) from error

    def close(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _epoch(self) -> str | None:
        """What changes when the log or a trigger is made anew; None where one of them is missing
        or switched off."""
        found = self._session.ask(
            "select c.oid::text || '-' || string_agg(t.oid::text, '-' order by t.oid) as epoch"
            " from pg_class c join pg_trigger t on t.tgfoid = to_regproc("
            f"{text(self._log)}) and t.tgrelid = {self._table.oid}"
            f" where c.oid = to_regclass({text(self._log)}) and t.tgenabled in ('O', 'A')"
            f" group by c.oid having count(*) = {len(_EVENTS)}"
        )
        return str(found["epoch"][0]) if len(found) else None

    def _check(self, since: str) -> str:
        """The snapshot that is read. Raises `CursorExpired` where the log cannot tell what has
        changed since."""
        try:
            found = self._session.ask(
                f"with c as (select {text(since)}::pg_snapshot as since)"
                " select pg_current_snapshot()::text as now,"
                " pg_snapshot_xmax(c.since) > pg_snapshot_xmax(pg_current_snapshot()) as ahead,"
                f" exists (select from {self._log} l where l.what in ('truncated', 'broken')"
                " and not pg_visible_in_snapshot(l.xact, c.since)) as truncated,"
                f" exists (select from {self._log} l where l.what = 'pruned'"
                " and l.xact >= pg_snapshot_xmin(c.since)) as pruned from c"
            ).to_pylist()[0]
        except Refused as error:
            raise self._expired("this is no place in it") from error
        for what, why in (
            ("ahead", "the place is of another life of this database"),
            ("truncated", "the table was truncated, or altered so that its triggers failed"),
            ("pruned", f"it is kept for {KEPT_DAYS} days"),
        ):
            if found[what]:
                raise self._expired(why)
        return str(found["now"])

    def _keys(self, since: str) -> pa.Table:
        """The keys of all that has changed, in their order. Raises `CursorExpired` where they are
        so many that a scan is no dearer."""
        names = ", ".join(f"l.k{i} as {ident(c.name)}" for i, c in enumerate(self._key))
        found = self._session.ask(
            f"select distinct {names} from {self._log} l"
            f" where l.what is null and l.xact >= pg_snapshot_xmin({text(since)}::pg_snapshot)"
            f" and not pg_visible_in_snapshot(l.xact, {text(since)}::pg_snapshot)"
            f" and {' and '.join(f'l.k{i} is not null' for i, _ in enumerate(self._key))}"
            f" order by {', '.join(str(i + 1) for i, _ in enumerate(self._key))}"
            f" limit {TOLD_AT_MOST + 1}"
        )
        if len(found) > TOLD_AT_MOST:
            raise self._expired(f"that are more than {TOLD_AT_MOST:,} rows")
        return found.cast(_schema(self._key))

    def _prune(self) -> None:
        """Take out what is old. How far that went is noted: a transaction that was open for longer
        than that is among it, and no cursor from before its end may hold any more."""
        old = f"at < now() - interval '{KEPT_DAYS} days'"
        first = self._session.ask(
            f"select from (select at from {self._log} order by xact limit 1) l where {old}"
        )
        if len(first):
            self._session.run(
                f"with gone as (delete from {self._log} where {old} returning xact)"
                f" insert into {self._log} (what, xact) select 'pruned', max(xact) from gone"
                " having count(*) > 0"
            )

    def _install(self) -> None:
        session, table = self._session, self._table
        found = session.ask(
            "select current_setting('server_version_num')::int as version,"
            " c.relkind = 'r' and not exists (select from pg_inherits i where c.oid in"
            f" (i.inhparent, i.inhrelid)) as plain from pg_class c where c.oid = {table.oid}"
        ).to_pylist()[0]
        if not found["plain"] or found["version"] < _OLDEST:
            raise BadInput(
                f"{session.where} can have no feed",
                hint="A feed needs Postgres 13 and an ordinary table: no view, no partitions. "
                "Leave `feed` out; the table is scanned.",
                where=session.where,
            )
        lock = int.from_bytes(blake2b(self._name.encode(), digest_size=8).digest(), signed=True)
        with session.transaction():
            session.run(f"select pg_advisory_xact_lock({lock})")
            if self._epoch() is None:
                for statement in self._statements():
                    session.run(statement)

    def _statements(self) -> Iterator[str]:
        table, log = self._table, self._log
        columns = ", ".join(f"k{i} {c.staged}" for i, c in enumerate(self._key))
        end = f"drop function {log}() cascade; drop table {log}"
        about = f"Keys of {table.name} that have changed, kept by LiveSync. To end it: {end}"
        yield f"drop table if exists {log}"
        yield (
            f"create table {log} (xact xid8 not null default pg_current_xact_id(),"
            f" at timestamptz not null default clock_timestamp(), what text, {columns})"
        )
        yield f"create index on {log} (xact)"
        yield f"comment on table {log} is {text(about)}"
        yield (
            f"create or replace function {log}() returns trigger language plpgsql"
            " security definer set search_path = pg_catalog, pg_temp as "
            + text(_noting(log, self._name, self._key))
        )
        for event, name in _EVENTS.items():
            trigger = ident(f"{self._name}_{event}")
            yield f"drop trigger if exists {trigger} on {table.sql}"
            yield (
                f"create trigger {trigger} after {name} on {table.sql} {_TRANSITIONS[event]}"
                f" for each statement execute function {log}()"
            )

    def _expired(self, why: str) -> CursorExpired:
        return CursorExpired(
            f"the feed of {self._session.where} cannot tell what has changed since: {why}",
            hint="It is scanned instead.",
            where=self._session.where,
        )


def _schema(key: Sequence[Native]) -> pa.Schema:
    return pa.schema([(column.name, column.column.type) for column in key])


def _noting(log: str, channel: str, key: Sequence[Native]) -> str:
    """What the triggers do: note the keys, the old and the new ones where they were changed. Their
    own failure (a key column that was renamed, say) must not keep the owner from writing: it
    makes everybody scan, as does a log that was dropped."""
    cells = ", ".join(c.read.replace("{}", ident(c.name)) for c in key)
    note = f"insert into {log} ({', '.join(f'k{i}' for i, _ in enumerate(key))})"
    return f"""
begin
  case tg_op
    when 'TRUNCATE' then insert into {log} (what) values ('truncated');
    when 'INSERT' then {note} select {cells} from livesync_new;
    when 'DELETE' then {note} select {cells} from livesync_old;
    else {note} select {cells} from livesync_new union select {cells} from livesync_old;
  end case;
  if found then perform pg_notify({text(channel)}, ''); end if;
  return null;
exception
  when undefined_table then return null;
  when others then
    insert into {log} (what) values ('broken');
    return null;
end"""
