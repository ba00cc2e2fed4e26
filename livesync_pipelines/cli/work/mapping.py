"""mapping check, cells, suggest."""

from __future__ import annotations

import json

from livesync_pipelines.cli.output import emit, named, say, table
from livesync_pipelines.cli.work.session import open_house
from livesync_pipelines.engine import row_looking
from livesync_pipelines.store import catalog, row_history


def check_mapping(sync_id: str, rows: int, *, as_json: bool) -> int:
    """Say what the mapping makes of real rows; 1 where something does not fit."""
    with open_house() as house:
        found = row_looking.check(house.engine, house.connection, sync_id, rows=rows)
    wrong = bool(found["bad_cells"] or found["failed"] or found["unlike"])
    if as_json:
        emit(found)
        return int(wrong)
    say(f"{found['rows']} rows of {sync_id} were mapped; nothing was written.")
    table(
        ("FIELD", "TYPE", "CELLS THAT DO NOT FIT"),
        ([f["field"], f["type"], str(f["bad_cells"])] for f in found["fields"]),
    )
    for cell in found["bad_cells"]:
        say(f"row {named(cell['key'])}, {cell['field']}: {cell['reason']}")
    for row in found["failed"]:
        say(f"row {named(row['key'])} cannot be read: {row['reason']}")
    for problem in found["one_way"]:
        say(f"One way only: {problem}")
    for remark in found["kept_out"]:
        say(remark)
    for cell in found["unlike"]:
        say(
            f"row {named(cell['key'])}, {cell['field']}: {cell['went']} would come back as "
            f"{cell['came']}"
        )
    return int(wrong)


def show_cells(sync_id: str, *, as_json: bool) -> None:
    """List the cells that did not fit when their rows were last synced."""
    with open_house() as house:
        catalog.sync(house.connection, sync_id)
        found = row_history.bad_cells(house.connection, sync_id)
    if as_json:
        emit({"cells": found})
        return
    if not found:
        say(f"Every cell of {sync_id} fits.")
        return
    table(
        ("ROW", "FIELD", "STANDS AT", "VALUE", "WHY"),
        ([c["key"], c["field"], c["side"], repr(c["value"]), c["reason"]] for c in found),
    )


def suggest_mapping(sync_id: str, *, as_json: bool) -> None:
    """Print a first mapping, as it would stand in a configuration file."""
    with open_house() as house:
        found = row_looking.suggestions(house.engine, house.connection, sync_id)
    if as_json:
        emit({"suggestions": found})
        return
    say("mapping:")
    for each in found:
        field = each["mapping"]
        sources = field.get("sources", ())
        line = {"from": sources[0] if len(sources) == 1 else list(sources), "to": field["target"]}
        said = ", ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in line.items())
        say(f"  - {{{said}}}  # {each['score']:.2f}: {each['why']}")
