"""Rows into Postgres: a first load, and a change of 2 %, against what a plain script would do.

Each round has new tables, and the subjects take turns in it. What a subject leaves behind is held
against the source by SQL.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from adbc_driver_postgresql import dbapi

from benchmarks import content, rivals
from benchmarks.ordered import ordered
from benchmarks.row_data import FIELDS, edited, rows_of, some
from livesync_pipelines.store import embedded

WANTED_RATIO = 2.0
COLUMNS = (
    "id bigint, number_a bigint, number_b bigint, number_c bigint, ratio_a float8, ratio_b float8,"
    " ratio_c float8, text_a text, text_b text, text_c text, text_d text, seen timestamptz"
)
CHANGING = ("number_a", "text_b", "seen")
_SETTING = ", ".join(f"{n} = excluded.{n}" for n in CHANGING)
OURS = (sys.executable, "-m", "benchmarks.ours_written")
FIRST, QUIET, CHANGED = "first load", "unchanged", "2 % changed"


@dataclass(slots=True)
class Figures:
    """Seconds of each phase, round by round; `right`: the target was the source each time."""

    label: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: float = 0.0
    right: bool = True

    def note(self, phase: str, seconds: float) -> None:
        self.seconds.setdefault(phase, []).append(seconds)


@dataclass(frozen=True, slots=True)
class Ground:
    """The server, the rows at first and those that change; `folder` has both as Parquet."""

    url: str
    folder: Path
    before: pa.Table
    changes: pa.Table

    @property
    def files(self) -> list[str]:
        return [str(self.folder / name) for name in ("before.parquet", "changes.parquet")]


Round = Callable[[Ground, str, Figures], None]
"""One subject in one round, with a schema of its own to write into."""


def main(count: int, rounds: int, *, with_peers: bool = True) -> int:
    """Prints the table; 1 where a target was not right."""
    found = measure(count, rounds, with_peers=with_peers)
    smaller = measure(count // 4, 1, with_peers=False)
    print(_report(count, rounds, found, smaller))
    wrong = [figures.label for figures in [*found, *smaller] if not figures.right]
    for label in wrong:
        content.say(f"NOT RIGHT: {label}")
    return 1 if wrong else 0


def measure(
    count: int, rounds: int, *, with_peers: bool, server_url: str | None = None
) -> list[Figures]:
    """All subjects in turns."""
    place = content.a_place(None)
    ground = _ground(count, server_url or embedded.start(place / "home"), place)
    subjects: list[tuple[str, Round]] = [
        ("limit: from memory, COPY and one INSERT ... SELECT", _from_memory),
        ("limit: out of the source's table, the same", _from_source),
        ("**LiveSync**, scans", _ours("none")),
        ("**LiveSync**, follows a change feed", _ours("trigger")),
        ("**LiveSync**'s target alone, from memory", _given(*OURS)),
    ]
    if with_peers and (python := _dlt()) is not None:
        theirs = (str(python), "-m", rivals.DLT_ROWS.module)
        subjects += [
            (
                "dlt, reads the source by a cursor column",
                _given(*theirs, "cursor"),
            ),
            ("dlt, told which rows have changed", _given(*theirs, "told")),
        ]
    found = [Figures(label) for label, _ in subjects]
    for number in range(rounds):
        for place_of, ((label, play), figures) in enumerate(zip(subjects, found, strict=True)):
            content.say(f"{count:,} rows, round {number + 1}: {label}")
            schema = f"of_{place_of}_{number}"
            with psycopg.connect(ground.url, autocommit=True) as connection:
                _make_source(connection, ground)
                connection.execute(f"create schema {schema}".encode())
            play(ground, schema, figures)
            with psycopg.connect(ground.url, autocommit=True) as connection:
                figures.right &= _is_right(connection, schema)
                connection.execute(f"drop schema {schema} cascade".encode())
    return found


def _ground(count: int, url: str, place: Path) -> Ground:
    before, changing = rows_of(count), some(count, 0.02, 3)
    after = edited(before, changing, CHANGING[:-1], 1)
    changes = _seen_later(after.filter(pa.array(changing)), pc.max(before["seen"]))
    ground = Ground(url, place, before, changes)
    for file, table in zip(ground.files, (before, changes), strict=True):
        pq.write_table(table, file)
    return ground


def _seen_later(rows: pa.Table, last: pa.Scalar) -> pa.Table:
    """With a time after all others in `seen`, as an application keeps its cursor column."""
    later = pa.scalar(last.as_py() + timedelta(seconds=1), rows["seen"].type)
    place = rows.schema.get_field_index("seen")
    return rows.set_column(place, "seen", pa.repeat(later, len(rows)))


def _make_source(connection: psycopg.Connection, ground: Ground) -> None:
    connection.execute("drop schema if exists source cascade; create schema source")
    connection.execute(f"create table source.people ({COLUMNS}, primary key (id))".encode())
    _put(ground.url, "source", "people", ground.before)
    connection.execute("create table source.changes (like source.people)")
    _put(ground.url, "source", "changes", ground.changes)
    connection.execute("vacuum analyze source.people")


def _put(url: str, schema: str, table: str, rows: pa.Table) -> None:
    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema)


def _change(connection: psycopg.Connection) -> None:
    """Somebody edits the source."""
    connection.execute(
        f"update source.people p set {', '.join(f'{n} = c.{n}' for n in CHANGING)}"
        " from source.changes c where c.id = p.id".encode()
    )


def _is_right(connection: psycopg.Connection, schema: str) -> bool:
    names = ", ".join(("id", *FIELDS))
    here, there = f"select {names} from source.people", f"select {names} from {schema}.people"
    apart = connection.execute(
        f"select count(*) from ((({here}) except ({there})) union all"
        f" (({there}) except ({here}))) x".encode()
    ).fetchone()
    return apart == (0,)


def _from_memory(ground: Ground, schema: str, figures: Figures) -> None:
    with psycopg.connect(ground.url, autocommit=True) as connection:
        whole, changes = (_copied_out(connection, name) for name in ("people", "changes"))
        for phase, data in ((FIRST, whole), (CHANGED, changes)):
            begun = perf_counter()
            with _staged(connection, schema, first=phase is FIRST) as out:
                for piece in data:
                    out.write(piece)
            figures.note(phase, perf_counter() - begun)
        _change(connection)


def _from_source(ground: Ground, schema: str, figures: Figures) -> None:
    """All rows are read and staged each time; those that differ are written."""
    with (
        psycopg.connect(ground.url, autocommit=True) as connection,
        psycopg.connect(ground.url, autocommit=True) as reading,
    ):
        for phase in (FIRST, QUIET, CHANGED):
            if phase is CHANGED:
                _change(connection)
            begun = perf_counter()
            with (
                reading.cursor() as cursor,
                cursor.copy("copy source.people to stdout (format binary)") as data,
                _staged(connection, schema, first=phase is FIRST) as out,
            ):
                for piece in data:
                    out.write(piece)
            figures.note(phase, perf_counter() - begun)


def _copied_out(connection: psycopg.Connection, table: str) -> list[bytes]:
    with connection.cursor() as cursor:
        query = f"copy source.{table} to stdout (format binary)".encode()
        with cursor.copy(query) as data:
            return [bytes(piece) for piece in data]


@contextmanager
def _staged(connection: psycopg.Connection, schema: str, *, first: bool) -> Iterator[Any]:
    """What is written goes into a table without index by COPY, and from there to where it
    belongs by one statement; all of it is one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("create temp table staging (like source.people) on commit drop")
        with cursor.copy("copy staging from stdin (format binary)") as out:
            yield out
        if first:
            made = f"create table {schema}.people ({COLUMNS}, primary key (id))"
            cursor.execute(made.encode())
            cursor.execute(f"insert into {schema}.people select * from staging".encode())
            return
        cursor.execute(
            f"insert into {schema}.people as t select * from staging on conflict (id) do update"
            f" set {_SETTING} where t is distinct from excluded".encode()
        )


def _ours(feed: str) -> Round:
    def play(ground: Ground, schema: str, figures: Figures) -> None:
        command = [sys.executable, "-m", "benchmarks.ours_rows", ground.url]
        with ordered(command) as ask, psycopg.connect(ground.url, autocommit=True) as connection:
            ask(f"begin {schema} {feed}")
            for phase in (FIRST, QUIET, CHANGED):
                if phase is CHANGED:
                    _change(connection)
                told = ask("run")
                figures.note(phase, told["seconds"])
                figures.peak_mb = max(figures.peak_mb, told["peak_mb"])

    return play


def _dlt() -> Path | None:
    python, reason = rivals.environment(rivals.DLT_ROWS, content.say)
    if python is None:
        content.say(f"{rivals.DLT_ROWS.label}: left out: {reason}")
    return python


def _given(*command: str) -> Round:
    def play(ground: Ground, schema: str, figures: Figures) -> None:
        whole = [*command, ground.url, schema, *ground.files]
        with ordered(whole) as ask, psycopg.connect(ground.url, autocommit=True) as connection:
            figures.note(FIRST, ask("first")["seconds"])
            _change(connection)
            figures.note(CHANGED, ask("changes")["seconds"])

    return play


def _report(count: int, rounds: int, found: list[Figures], smaller: list[Figures]) -> str:
    lines = [
        f"## {count:,} rows x 12 columns from one table of Postgres into another",
        "",
        f"Seconds: the median of {rounds} rounds in turns (and the least). The rest of a line is"
        " the ratio to each limit.",
        "",
        f"|  | {FIRST} | {QUIET} | {CHANGED} | right? |",
        "| --- | --- | --- | --- | --- |",
    ]
    for figures in found:
        cells = [_cell(figures, phase, found[:2]) for phase in (FIRST, QUIET, CHANGED)]
        lines.append(f"| {figures.label} | {' | '.join(cells)} | {_yes(figures)} |")
    ours, few = found[2], smaller[2]
    lines += [
        "",
        f"Wanted of LiveSync: at most {WANTED_RATIO}. Load: {os.getloadavg()[0]:.1f}.",
        f"Peak of our process: {ours.peak_mb:,.0f} MB, and {few.peak_mb:,.0f} MB for a quarter of"
        " the rows.",
        "",
    ]
    return "\n".join(lines)


def _cell(figures: Figures, phase: str, limits: list[Figures]) -> str:
    if phase not in figures.seconds:
        return "-"
    middle = median(figures.seconds[phase])
    told = f"{middle:.2f} ({np.min(figures.seconds[phase]):.2f})"
    if figures in limits:
        return told
    ratios = [middle / median(each.seconds[phase]) for each in limits if phase in each.seconds]
    return f"{told}; {', '.join(f'{ratio:.2f}' for ratio in ratios)}"


def _yes(figures: Figures) -> str:
    return "yes" if figures.right else "no"
