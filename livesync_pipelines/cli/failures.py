"""How a command that fails ends: one sentence and a hint, or the error document; an exit code."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime

import click

from livesync_pipelines.cli.output import clean, emit
from livesync_pipelines.model.errors import BadInput, LiveSyncError

INTERRUPTED = 130


def usage(error: click.ClickException) -> BadInput:
    """What click found wrong with a command line, in our words."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "livesync"
    return BadInput(error.format_message(), hint=f"See `{path} --help`.")


def tell(error: LiveSyncError, *, as_json: bool) -> int:
    """Show an error that is understood; returns the exit code."""
    _show(error.as_dict(), as_json=as_json)
    return error.exit_code


def tell_fault(error: Exception, *, as_json: bool) -> int:
    """Show an error that nobody foresaw; its traceback is kept for whoever mends it."""
    if _wants_traceback():
        traceback.print_exception(error)
    found = {
        "code": "fault",
        "message": f"{type(error).__name__}: this is a fault of LiveSync, not yours.",
        "hint": f"The traceback is in {_keep(error)}; LIVESYNC_DEBUG=1 shows it here. "
        "Please report it with the command that you ran.",
        "where": "",
    }
    _show(found, as_json=as_json)
    return 1


def tell_interrupted(*, as_json: bool) -> int:
    """Show that a person stopped the command."""
    found = {"code": "interrupted", "message": "Interrupted.", "hint": "", "where": ""}
    _show(found, as_json=as_json)
    return INTERRUPTED


def _show(error: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        emit({"error": error})
        return
    message, where = error["message"], error["where"]
    # a list of problems says of each where it is, and a refusal begins with its call
    if where and "\n" not in message and not message.startswith(where):
        message = f"{where}: {message}"
    click.echo(clean(f"Error: {message}"), err=True)
    if error["hint"]:
        click.echo(clean(f"Hint: {error['hint']}"), err=True)


def _wants_traceback() -> bool:
    from livesync_pipelines.settings import Settings

    try:
        return Settings.load().debug
    except BadInput:
        return False  # the fault came first; what is wrong besides is for `doctor`


def _keep(error: Exception) -> str:
    descriptor, name = tempfile.mkstemp(prefix="livesync-fault-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(f"{datetime.now(UTC).isoformat()}\n")
        out.writelines(traceback.format_exception(error))
    return name
