"""Whatever becomes of rows, and whenever is cleaned: what is to be kept is, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livesync_pipelines.engine.cleaning import clean
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.rebuild import rebuild
from livesync_pipelines.model.keeping import Keep
from livesync_pipelines.store import row_blocks, row_compaction, row_history
from livesync_pipelines_tests.engine.row_pages import RowPages
from livesync_pipelines_tests.engine.two_ends import SYNC, TwoEnds, two_ends
from livesync_pipelines_tests.proof.rows_points import STATE

PROVES = "LIVESYNC_PROVE" in os.environ
HISTORIES = int(os.environ.get("LIVESYNC_PROVE", "12"))

keys = st.sampled_from(["a", "b", "c", "dd", "ee"])
pages = st.dictionaries(keys, st.none() | st.integers(0, 9).map(str), min_size=1)
steps = st.lists(
    st.tuples(st.integers(0, 40), st.lists(pages, max_size=4), st.sampled_from([0, 1, 30, 45])),
    min_size=1,
    max_size=8,
)
"""So many days pass, these pages are written, and it is cleaned with so many days kept, if any."""


@pytest.fixture
def ends(engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    with two_ends(engine, "postgres", tmp_path) as ends:
        for table in (ends.source, ends.target):
            table.create({"id": "text", "name": "text"}, ["id"], {})
        yield ends


def begun(ends: TwoEnds) -> RowPages:
    """A sync with no past."""
    with ends.engine.database.pooled() as connection:
        for table in STATE:
            connection.execute(f"delete from livesync.{table}".encode())
    ends.configure({"mode": "pull"}, {})
    return RowPages(ends)


def changes(rows: RowPages, key: str) -> list[dict[str, Any]]:
    """Of one row, as far as they are kept, oldest first."""
    with rows.ends.engine.database.pooled() as connection:
        return row_history.of_row(connection, SYNC, key, limit=10_000)[::-1]


def lines(rows: RowPages) -> set[tuple[str, datetime]]:
    """The versions that are left, by key and time."""
    with rows.ends.engine.database.pooled() as connection:
        numbers = row_blocks.numbers(connection, SYNC)
        found = list(row_blocks.of(connection, SYNC, numbers))
    at = {entry["seq"]: entry["at"] for entry in rows.ends.entries()}
    told = [(row_blocks.heads(data, ["key"])["key"].to_pylist(), at[n]) for n, data in found]
    return {(key, moment) for names, moment in told for key in names}


def needed(rows: RowPages, before: datetime) -> set[tuple[str, datetime]]:
    """The versions that are to be kept: the living, those that were so until less than the days
    that are kept ago, and who went no longer ago."""
    found = set()
    for key, versions in rows.told.items():
        ends = [at for at, _ in versions[1:]]
        for (at, value), end in zip(versions, [*ends, None], strict=True):
            until = at if value is None else end
            if until is None or until >= before:
                found.add((key, at))
    return found


def assert_told(rows: RowPages, before: datetime) -> None:
    """Each change since then of a living row is told, from what and to what."""
    for key in rows.living():
        versions = rows.told[key]
        first = max((n + 1 for n, (_, value) in enumerate(versions) if value is None), default=0)
        life, told = versions[first:], changes(rows, key)
        assert [(c["at"], c["after"]["name"]) for c in told] == life[len(life) - len(told) :]
        for (at, _), old, change in zip(
            life[::-1], [*life[-2::-1], None], told[::-1], strict=False
        ):
            assert change["before_kept"] or at < before
            if change["before_kept"]:
                assert (change["before"] or {}).get("name") == (old[1] if old else None)
        assert {at for at, _ in life if at >= before} <= {change["at"] for change in told}


def assert_whole(rows: RowPages) -> None:
    assert rows.ends.verified()
    assert rebuild(rows.ends.engine, SYNC, check=True).is_exact
    found = rows.ends.ask("select key from livesync.row_base order by key")
    assert [row["key"] for row in found] == sorted(rows.living())


def test_of_a_row_edited_each_day_for_two_years_the_last_month_is_explained(
    ends: TwoEnds,
) -> None:
    rows, start = begun(ends), ends.clock.now
    dates = [start + timedelta(days=day) for day in range(730)]
    rows.write([(start, {"old": "never edited", "a": "at first"})])
    for first in range(0, 730, 200):
        rows.write([(at, {"a": str(at.date())}) for at in dates[first : first + 200]])
        ends.clock.now = dates[min(729, first + 199)] + timedelta(hours=1)
        clean(ends.engine, Keep(operations=None, ledger=30))
    told = changes(rows, "a")
    assert [each["after"]["name"] for each in told] == [str(at.date()) for at in dates[699:]]
    assert (told[0]["before"], told[0]["before_kept"], told[0]["fields"]) == (None, False, [])
    assert [each["before"]["name"] for each in told[1:]] == [str(at.date()) for at in dates[699:-1]]
    assert all(each["before_kept"] and each["fields"] == ["name"] for each in told[1:])
    assert len(lines(rows)) == 32
    assert_whole(rows)


@pytest.mark.parametrize("most", [0, row_compaction.WHOLE], ids=["as if large", "as small"])
def test_whatever_becomes_of_rows_what_is_to_be_kept_is_and_nothing_else(
    ends: TwoEnds, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(row_compaction, "WHOLE", most)
    monkeypatch.setattr(row_compaction, "PIECE", 3)
    went = []

    @settings(
        max_examples=HISTORIES,
        deadline=None,
        derandomize=not PROVES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(steps)
    def play(history: list[tuple[int, list[dict[str, str | None]], int]]) -> None:
        rows, kept = begun(ends), datetime.min.replace(tzinfo=ends.clock.now.tzinfo)
        for days, written, keep in history:
            ends.clock.now += timedelta(days=days)
            now = ends.clock.now
            moments = [now + timedelta(minutes=n) for n in range(len(written))]
            rows.write(list(zip(moments, written, strict=True)), disputed="a")
            ends.clock.now += timedelta(hours=1)
            if not keep:
                continue
            (done,) = clean(ends.engine, Keep(operations=None, ledger=keep))
            assert (done.refused, done.busy) == ("", False)
            went.append(done.row_versions)
            before = ends.clock.now - timedelta(days=keep)
            kept = max(kept, before)
            assert needed(rows, kept) <= lines(rows)
            if keep >= 30:
                assert lines(rows) <= needed(rows, before)
            assert_told(rows, kept)
            assert_whole(rows)

    play()
    assert sum(went) > HISTORIES
