"""Rows: the delta of two snapshots of a table, and the merge of two ends.

Subjects take turns, round by round, and each result is held against what was edited.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import rivals
from benchmarks.content import say
from benchmarks.row_data import Change, Snapshots, digest, edited, rows_of, snapshots, some
from livesync_pipelines.core.row_delta import fingerprints, row_delta
from livesync_pipelines.core.row_merge import Merged, Sides, merge
from livesync_pipelines.model.merge import MergePolicy, Policy

HOUSE = Path(__file__).parent.parent
WANTED_RATIO = 1.5
WANTED_ROWS_PER_S = 200_000
PEERS = {
    "join": "polars, full join",
    "prehashed": "polars, stored hashes of 64 bits",
    "duckdb": "duckdb, full join",
}

Timed = Callable[[], tuple[float, bool]]
"""One round: seconds, and whether the result was right."""


@dataclass(slots=True)
class Subject:
    """Who takes part, and what came of it."""

    label: str
    run: Timed
    ours: bool = False
    seconds: list[float] = field(default_factory=list)
    right: bool = True


def main(count: int, rounds: int) -> int:
    """Prints both tables; 1 where a result was not right."""
    subjects = deltas(count, rounds)
    print(_delta_report(count, rounds, subjects))
    merged = [merges(count, rounds, policy) for policy in (Policy.LATEST_WINS, Policy.ASK_PERSON)]
    print(_merge_report(count, rounds, merged))
    wrong = [subject.label for subject in [*subjects, *merged] if not subject.right]
    for label in wrong:
        say(f"NOT RIGHT: {label}")
    return 1 if wrong else 0


def deltas(count: int, rounds: int, *, with_peers: bool = True) -> list[Subject]:
    """All subjects on the same snapshots, in turns."""
    pair = snapshots(count)
    held = fingerprints(pair.before, pair.before.column_names)
    subjects = [
        Subject("**LiveSync**", _timed(pair), ours=True),
        Subject("**LiveSync, stored fingerprints**", _timed(pair, held), ours=True),
    ]
    with ExitStack() as stack:
        if with_peers:
            room = Path(stack.enter_context(TemporaryDirectory(prefix="rows-")))
            subjects += stack.enter_context(_peers(pair, room))
        for _ in range(rounds + 1):
            for subject in subjects:
                seconds, right = subject.run()
                subject.seconds.append(seconds)
                subject.right &= right
    for subject in subjects:
        del subject.seconds[0]  # the first round warms up
    return subjects


def _timed(pair: Snapshots, held: pa.Array | None = None) -> Timed:
    def run() -> tuple[float, bool]:
        begun = perf_counter()
        found = row_delta(pair.before, pair.after, ["id"], held=held)
        seconds = perf_counter() - begun
        return seconds, digest(_changes(pair, found.changes)) == pair.digest

    return run


def _changes(pair: Snapshots, changes: pa.Table) -> Iterator[Change]:
    ids = pair.before["id"].to_numpy(), pair.after["id"].to_numpy()
    for change in changes.to_pylist():
        here = change["after"]
        key = ids[0][change["before"]] if here is None else ids[1][here]
        yield int(key), change["op"], tuple(change["changed_fields"])


@contextmanager
def _peers(pair: Snapshots, room: Path) -> Iterator[list[Subject]]:
    python, reason = rivals.environment(rivals.ROWS, say)
    if python is None:
        say(f"{rivals.ROWS.label}: left out: {reason}")
        yield []
        return
    paths = [str(room / name) for name in ("before.parquet", "after.parquet")]
    for path, table in zip(paths, (pair.before, pair.after), strict=True):
        pq.write_table(table, path)
    process = subprocess.Popen(
        [str(python), "-m", rivals.ROWS.module, *paths],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=HOUSE,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        yield [Subject(label, _asked(process, name, pair)) for name, label in PEERS.items()]
        assert process.stdin is not None
        process.stdin.close()


def _asked(process: subprocess.Popen[str], name: str, pair: Snapshots) -> Timed:
    def run() -> tuple[float, bool]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{name}\n")
        process.stdin.flush()
        found: dict[str, Any] = json.loads(process.stdout.readline())
        return found["seconds"], found["digest"] == pair.digest

    return run


def merges(count: int, rounds: int, policy: Policy) -> Subject:
    """Two edited ends and what they agreed, merged again and again."""
    sides, clashing, expected = _ends(count)

    def run() -> tuple[float, bool]:
        begun = perf_counter()
        merged = merge(sides, MergePolicy(default=policy), writes_source=True, writes_target=True)
        seconds = perf_counter() - begun
        return seconds, _is_right(merged, policy, clashing, expected)

    subject = Subject(policy.value, run, ours=True)
    for _ in range(rounds):
        seconds, right = run()
        subject.seconds.append(seconds)
        subject.right &= right
    return subject


def _ends(count: int) -> tuple[Sides, np.ndarray[Any, Any], pa.Table]:
    """4 % of the rows edited at the source, 4 % at the target, 1 % of all at both in the same
    fields; the rows that clash; and what the target is to show where the later edit wins."""
    base = rows_of(count)
    both = some(count, 0.01, 11)
    ours, theirs = some(count, 0.03, 12) & ~both, some(count, 0.03, 13) & ~both
    theirs &= ~ours
    names = ("number_a", "text_b")
    source, target = edited(base, ours | both, names, 1), edited(base, theirs | both, names, 2)
    chance = np.random.default_rng(14)
    days = [chance.integers(0, 10**9, count) for _ in "st"]
    times = [pa.array(each).cast(pa.timestamp("us", tz="UTC")) for each in days]
    of_target = theirs | (both & (days[1] > days[0]))
    expected = edited(edited(base, (ours | both) & ~of_target, names, 1), of_target, names, 2)
    always = pa.array(np.ones(count, bool))
    sides = Sides(
        base=base,
        source=source,
        target=target,
        had=always,
        in_source=always,
        in_target=always,
        source_time=times[0],
        target_time=times[1],
    )
    return sides, np.flatnonzero(both), expected


def _is_right(merged: Merged, policy: Policy, clashing: Any, expected: pa.Table) -> bool:
    found = sorted({clash.row for clash in merged.clashes})
    if found != clashing.tolist() or len(merged.clashes) != 2 * len(clashing):
        return False
    tables = merged.base, merged.source, merged.target
    if policy is Policy.ASK_PERSON:
        at = np.setdiff1d(np.arange(expected.num_rows), clashing)
        tables, expected = tuple(t.take(pa.array(at)) for t in tables), expected.take(pa.array(at))
    return all(table.equals(expected) for table in tables)


def _delta_report(count: int, rounds: int, subjects: list[Subject]) -> str:
    peers = [median(s.seconds) for s in subjects if not s.ours]
    lines = [
        f"## Delta of two snapshots of {count:,} rows x 12 columns, 2 % changed, by field",
        "",
        f"Seconds, in memory: the median of {rounds} rounds in turns (and the least).",
        "",
        "|  | delta | / the best peer | right? |",
        "| --- | --- | --- | --- |",
    ]
    for subject in subjects:
        middle = median(subject.seconds)
        ratio = f"{middle / min(peers):.2f}" if peers else "-"
        told = f"{middle:.3f} ({min(subject.seconds):.3f})"
        lines.append(f"| {subject.label} | {told} | {ratio} | {_yes(subject)} |")
    wanted = f"Wanted of LiveSync: at most {WANTED_RATIO}. Load: {os.getloadavg()[0]:.1f}."
    return "\n".join([*lines, "", wanted, ""])


def _merge_report(count: int, rounds: int, subjects: list[Subject]) -> str:
    lines = [
        f"## Merge of {count:,} three-way rows x 12 columns, 1 % clash in two fields each",
        "",
        f"The median of {rounds} rounds.",
        "",
        "| policy | seconds | rows/s | right? |",
        "| --- | --- | --- | --- |",
    ]
    for subject in subjects:
        middle = median(subject.seconds)
        lines.append(
            f"| {subject.label} | {middle:.3f} | {count / middle:,.0f} | {_yes(subject)} |"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wanted = f"Wanted: {WANTED_ROWS_PER_S:,} rows/s. Peak of this process: {peak:,.0f} MB."
    return "\n".join([*lines, "", wanted, ""])


def _yes(subject: Subject) -> str:
    return "yes" if subject.right else "no"


if __name__ == "__main__":
    sys.exit(main(1_000_000, 7))
