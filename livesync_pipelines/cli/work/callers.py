"""sync add with a JSON document: what a program asks for, run once."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from livesync_pipelines.cli.failures import tell
from livesync_pipelines.cli.output import emit
from livesync_pipelines.cli.work.session import open_house
from livesync_pipelines.cli.work.syncs import EXITS, note_failed
from livesync_pipelines.engine import callers
from livesync_pipelines.engine.triggers import refuse_idle
from livesync_pipelines.model.errors import BadInput, LiveSyncError
from livesync_pipelines.model.operation import Status
from livesync_pipelines.store import outcomes

_DOCUMENT = (
    'Write on standard input, or instead of -: {"project_id": "NAME", "source": "CONNECTION", '
    '"target": "CAPSULE", "mode": "pull", "schedule": "hourly"}; for rows, source and target are '
    '"CONNECTION/TABLE".'
)


def run_asked(text: str, options: Sequence[str]) -> int:
    """Make or find the sync that the document means and run it once; `-` reads standard input.

    Standard output is one JSON document, of an error too. Returns the exit code.
    """
    try:
        return _run(_read(text, options))
    except LiveSyncError as error:
        return tell(error, as_json=True)


def _run(document: dict[str, Any]) -> int:
    from livesync_pipelines.cli.runs import run

    with open_house() as house:
        with house.connection.transaction():  # refused: nothing is made either
            sync = callers.found_or_made(house.engine, house.connection, document)
            refuse_idle(house.engine, house.connection, sync.sync_id)
        result = run(house.settings, sync.sync_id, full=False)
        ended = outcomes.of_operation(house.connection, result["operation_id"])
        emit(callers.told(sync, ended, queued=False))
    note_failed(result)
    return EXITS.get(Status(result["status"]), 1)


def _read(text: str, options: Sequence[str]) -> dict[str, Any]:
    if options:
        named = ", ".join(f"--{option}" for option in options)
        raise BadInput(
            f"The document says it all; {named} cannot stand beside it.",
            hint="Say it in the document, or leave the document out and say all by options.",
        )
    if text == "-":
        text = sys.stdin.read()
    try:
        document = json.loads(text)
    except ValueError as error:
        said = f"This is no JSON document: {error}" if text.strip() else "Nothing was asked for."
        raise BadInput(said, hint=_DOCUMENT, where="request") from error
    if not isinstance(document, dict):
        raise BadInput("The document must be a JSON object.", hint=_DOCUMENT, where="request")
    return document
