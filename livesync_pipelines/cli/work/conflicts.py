"""conflicts list, show, resolve, restore; sync accept."""

from __future__ import annotations

import getpass
import json
from typing import Any

from livesync_pipelines.cli.output import ago, briefly, emit, is_cut, named, note, say, table, title
from livesync_pipelines.cli.work.session import House, open_house
from livesync_pipelines.engine.row_looking import take_columns
from livesync_pipelines.engine.triggers import ask_to_carry_out
from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.sync import SyncState
from livesync_pipelines.store import catalog, conflicts, row_names, row_shapes
from livesync_pipelines.store.conflict_restores import restore

_VALUES = ("base", "source", "target")


def show_conflicts(sync_id: str | None, limit: int, *, settled: bool, as_json: bool) -> None:
    """The conflicts of a sync or of all."""
    with open_house() as house:
        if sync_id is not None:
            catalog.sync(house.connection, sync_id)
        found, more = conflicts.newest(
            house.connection, sync_id=sync_id, settled=settled, limit=limit or None
        )
        found = row_names.told(house.connection, found)
        now = house.engine.now()
    if as_json:
        emit({"conflicts": found, "more": more})
    elif found:
        heads = ("ID", "SYNC", "ROW", "FIELD", "BASE", "SOURCE", "TARGET", "STATE", "OPENED")
        table(heads, ([*_line(row), ago(row["opened_at"], now)] for row in found))
        if any(is_cut(row[end]) for row in found for end in _VALUES):
            note("A value that ends in … is longer: livesync conflicts show ID")
        if more:
            note(f"There are {more} more: --limit 0 lists all.")
    else:
        say("There are no conflicts." if settled else "There are no open conflicts.")


def show_conflict(conflict_id: int, *, as_json: bool) -> None:
    """One conflict, with whole values."""
    with open_house() as house:
        (found,) = row_names.told(house.connection, [conflicts.one(house.connection, conflict_id)])
        now = house.engine.now()
    if as_json:
        emit(found)
        return
    title(
        f"{conflict_id}: {found['sync_id']} {named(found['key'])}, {_field(found)}: {_state(found)}"
    )
    for end in _VALUES:
        say(f"  {end:<10}{named(json.dumps(found[end], ensure_ascii=False))}{_origin(found, end)}")
    say(f"  {'policy':<10}{found['policy']}: {found['reason']}")
    say(f"  {'opened':<10}{ago(found['opened_at'], now)}")
    if found["owner"]:
        say(f"  {'asked':<10}{found['owner']}")
    for word, moment in (("deadline", found["deadline"]), ("settled", found["settled_at"])):
        if moment is not None:
            by = f" by {found['settled_by']}" if word == "settled" and found["settled_by"] else ""
            say(f"  {word:<10}{ago(moment, now)}{by}")


def _origin(row: dict[str, Any], end: str) -> str:
    """By whom and when an end says so, as far as it tells."""
    actor, at = row.get(f"{end}_actor"), row.get(f"{end}_time")
    told = [*([f"by {actor}"] if actor else []), *([f"at {at:%Y-%m-%d %H:%M:%S%z}"] if at else [])]
    return f"  ({', '.join(told)})" if told else ""


def _line(row: dict[str, Any]) -> list[str]:
    values = (briefly(row[end]) for end in _VALUES)
    number = str(row["conflict_id"])
    return [number, row["sync_id"], row["key"], _field(row), *values, _state(row)]


def _field(row: dict[str, Any]) -> str:
    return row["field"] or f"({_whole(row)})"


def _state(row: dict[str, Any]) -> str:
    return row["state"] if row["state"] == "open" else f"{row['state']}: {row['winner']}"


def _whole(row: dict[str, Any]) -> str:
    return "the file" if row["is_file"] else "the row"


def resolve_conflict(
    conflict_id: int, take: str | None, value: str | None, *, as_json: bool
) -> None:
    """Choose for an open conflict, and ask for a run that carries it out."""
    if (take is None) == (value is None):
        raise BadInput("Give either --take or --value.", hint="--take source, or --take target.")
    given = Answer(Side(take)) if take else Answer(value=_read(value or ""))
    with open_house() as house:
        found = conflicts.answer(house.connection, conflict_id, given, by=getpass.getuser())
        _carry_out(house, found, as_json=as_json)


def restore_conflict(conflict_id: int, take: str | None, *, as_json: bool) -> None:
    """Bring a loser back, and ask for a run that carries it out."""
    with open_house() as house:
        now, side = house.engine.now(), Side(take) if take else None
        found = restore(house.connection, conflict_id, side, by=getpass.getuser(), now=now)
        _carry_out(house, found, as_json=as_json)


def accept_columns(sync_id: str) -> None:
    """Take the source's columns as they are, and resume the sync; not those that the mapping
    cannot bring back in a sync that goes both ways."""
    with open_house() as house:
        fields = catalog.sync(house.connection, sync_id).fields
        done = take_columns(house.engine, house.connection, sync_id)
        row_shapes.forget(house.connection, sync_id)
        catalog.set_state(house.connection, sync_id, SyncState.ACTIVE, None)
    for sentence in done:
        say(f"Target: {sentence}.")
    say(f"The next run of {sync_id} takes the source's columns as they are.")
    if fields:
        say("Its mapping names columns: correct it where one of them is called otherwise now.")


def _carry_out(house: House, found: dict[str, Any], *, as_json: bool) -> None:
    when = ask_to_carry_out(house.engine, house.connection, found["sync_id"])
    (found,) = row_names.told(house.connection, [found])
    if as_json:
        emit({**found, "written": when})
    else:
        field = found["field"] or _whole(found)
        told = f"Conflict {found['conflict_id']} ({found['key']}, {field}) is answered"
        say(f"{told}{_in_place_of(found.get('replaced'))}; {when}.")


def _in_place_of(answer: dict[str, Any] | None) -> str:
    """The answer that was given before, and is not carried out any more."""
    if answer is None:
        return ""
    before = (
        f"--take {answer['side']}" if "side" in answer else f"--value {briefly(answer['value'])}"
    )
    return f" anew, in place of {before}"


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput(
            f"--value is no JSON: {text}", hint="A text stands in quotes: --value '\"a text\"'."
        ) from error
