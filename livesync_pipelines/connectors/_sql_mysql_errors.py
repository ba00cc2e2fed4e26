"""What MySQL and MariaDB say went wrong, named for what comes next.

https://mariadb.com/kb/en/mariadb-error-codes/, read 2026-11-21.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from livesync_pipelines.connectors._sql_cells import Refusal
from livesync_pipelines.model.errors import (
    BadInput,
    Broken,
    LiveSyncError,
    Reauthorise,
    Unavailable,
)

_SHOWN = 300
_OF_ROWS = {
    1048: "null",
    1062: "duplicate",
    1264: "out_of_range",
    1265: "bad_value",
    1292: "bad_value",
    1364: "null",
    1366: "bad_value",
    1406: "too_long",
    1411: "bad_value",
    1451: "foreign_key",
    1452: "foreign_key",
    1644: "refused",
    1690: "out_of_range",
    3140: "bad_value",
    3819: "check",
    4025: "check",
}
"""Errors that speak of what a row holds."""

_LOGIN = {1045, 1698, 2049, 2059, 1251, 1130}
_RIGHTS = {1044, 1142, 1143, 1227, 1370}
_UNREACHED = {2002, 2003, 2005}
_LOST = {2006, 2013, 2055, 1053, 1080}
_LATER = {1040, 1203, 1205, 1213, 1021, 1041, 1226, 1317, 1969}


def _code(error: DBAPIError) -> int:
    args = getattr(error.orig, "args", ())
    return args[0] if args and isinstance(args[0], int) else 0


def refusal_of(error: DBAPIError) -> Refusal | None:
    code = _code(error)
    if code not in _OF_ROWS:
        return None
    return _OF_ROWS[code], _said(error)


def _said(error: DBAPIError) -> str:
    """The database's own sentence, which names the privilege, or the column, and the table."""
    args: tuple[object, ...] = getattr(error.orig, "args", ())
    return str(args[1] if len(args) > 1 else error.orig)[:_SHOWN]


def error_of(error: DBAPIError, where: str) -> LiveSyncError:
    code = _code(error)
    if code in _LOGIN:
        return Reauthorise(
            f"{where} refuses the login",
            hint="Correct user and password in `url`; the user must be allowed from this host.",
            where=where,
        )
    if code in _RIGHTS:
        return Reauthorise(
            f"{where} does not let this user do so: {_said(error)}",
            hint="Its owner can grant it: select to read; insert, update and delete to write; "
            "create and alter to make tables fit.",
            where=where,
        )
    if code in _UNREACHED:
        return Unavailable(
            f"{where} cannot be reached",
            hint="See that the server runs and can be reached from here, and correct `url`.",
            where=where,
        )
    if code in _LOST or error.connection_invalidated:
        return Unavailable(
            f"{where} broke off the connection",
            hint="What was under way may or may not have happened.",
            where=where,
        )
    if code in _LATER:
        return Unavailable(f"{where} could not do it now ({code})", where=where)
    return _wrong(code, error, where)


def _wrong(code: int, error: DBAPIError, where: str) -> LiveSyncError:
    if code == 1049:
        return BadInput(
            f"{where} is not there: the server has no such database",
            hint="Correct the database in `url`, or `schema`.",
            where=where,
        )
    if code in {1290, 1836}:
        return BadInput(
            f"{where} takes no writes: it is a replica or read-only",
            hint="Give the url of the primary server.",
            where=where,
        )
    said = str(error.orig)[:_SHOWN]
    return Broken(f"{where} answered {said}", where=where)
