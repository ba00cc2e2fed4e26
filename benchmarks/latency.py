"""How long after an edit its words are found, through the processes of a real `livesync up`.

Files in watched folders are edited one after the other; a search asks for the new words all the
time. Where the time goes is told by what is stored: when the sync was queued (it is in the key of
its request), when its run was made, when that began, when its operation did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import sleep, time
from typing import Any

import psycopg

from benchmarks import content, running
from benchmarks.pursuit import Sought, legs_table, lost, new_word, pursued

LEGS = {
    "noticed": "-",
    "sensor": "0.13",
    "launch": "0.06",
    "run begins": "0.23, with the next",
    "operation, until found": "",
}
"""And what each costs Dagster alone (see `pursuit.FLOOR_S`)."""
_FILES = 100
"""So many files are in a folder, so that no edit covers one that has not been found."""

_WARM_UP = 3
_OPERATIONS = """
    select o.sync_id, extract(epoch from o.started_at)::float8,
        extract(epoch from r.create_timestamp at time zone 'utc')::float8, r.start_time, t.value
    from livesync.operations o
    join public.runs r on r.run_id = o.run_id
    join public.run_tags t on t.run_id = o.run_id and t.key = 'dagster/run_key'
    order by o.started_at
"""


def main(edits: int, syncs: int, per_s: float) -> int:
    """Prints the table; 1 where an edit was not found."""
    found = measure(edits, syncs, per_s)
    print(report(found, syncs, per_s))
    return 1 if lost(found) else 0


def measure(edits: int, syncs: int, per_s: float) -> list[Sought]:
    place = content.a_place(None)
    names = [f"notes-{number}" for number in range(syncs)]
    for name in names:
        (place / name).mkdir()
        for number in range(_FILES):
            (place / name / f"{number}.md").write_text(f"# Notes {number}\n")

    def edit(number: int) -> Sought:
        name, word = names[number % len(names)], new_word()
        text = f"# Notes\n\nA heron, {word}.\n"
        (place / name / f"{number % _FILES}.md").write_text(text)
        return Sought(name, word, time())

    with (
        running.up(place, _configuration(place, names)) as house,
        psycopg.connect(house.url, autocommit=True) as connection,
    ):
        pursued(connection, _capsule_of, edit, count=_WARM_UP, per_s=0.5)
        sleep(2)
        found = pursued(connection, _capsule_of, edit, count=edits, per_s=per_s)
        _set_legs(connection, found)
    return found


def _capsule_of(_: str) -> str:
    return "notes"


def _configuration(place: Path, names: Sequence[str]) -> Mapping[str, Any]:
    return {
        "capsules": {"notes": {}},
        "connections": {n: {"platform": "folder", "path": f"{place / n}"} for n in names},
        "syncs": {n: {"connection": n, "target": "notes", "schedule": "realtime"} for n in names},
    }


def _set_legs(connection: psycopg.Connection[Any], edits: Sequence[Sought]) -> None:
    """What is stored of the operation that brought each edit in: the first of its sync that began
    after the edit."""
    operations = connection.execute(_OPERATIONS).fetchall()
    for edit in edits:
        for sync_id, started_at, made_at, began_at, key in operations:
            if sync_id == edit.sync_id and started_at > edit.at and edit.found_at:
                queued_at = float(key.rsplit(":", 2)[1])
                edit.set_legs([edit.at, queued_at, made_at, began_at, started_at, edit.found_at])
                break


def report(edits: Sequence[Sought], syncs: int, per_s: float) -> str:
    """Markdown: the whole, and each leg."""
    lines = [
        f"{len(edits)} edits in {syncs} watched folders, {per_s:g} a second;"
        f" {lost(edits)} not found.",
        "",
        *legs_table("edit to found", LEGS, [(f"{syncs} folders, {per_s:g}/s", edits)]),
    ]
    return "\n".join([*lines, ""])
