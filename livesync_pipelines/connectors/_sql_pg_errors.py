"""What Postgres says went wrong, named for what comes next.

The SQLSTATE codes of https://www.postgresql.org/docs/18/errcodes-appendix.html, read 2026-11-21.
"""

from __future__ import annotations

import adbc_driver_manager as adbc
from psycopg import errors

from livesync_pipelines.model.errors import (
    BadInput,
    Broken,
    LiveSyncError,
    Reauthorise,
    Unavailable,
)

BY_ROW = ("22", "23", "44", "P0", "54")
"""Classes of SQLSTATE that speak of what a row holds."""
_PASSING = ("08", "40", "53", "55", "57", "58")
"""Classes that may be gone later: connection, rollback, resources, locks, operators, I/O."""
_CODES = {
    "23502": "null",
    "23503": "foreign_key",
    "23505": "duplicate",
    "23514": "check",
    "22001": "too_long",
    "22003": "out_of_range",
}
_SHOWN = 300


class Refused(Broken):
    """The database refuses what a row holds; `refusal` has its own short sentence."""

    def __init__(self, state: str, reason: str, *, where: str) -> None:
        super().__init__(f"{where} refuses: {reason}", where=where)
        self.refusal = (reason_code(state), reason)


def reason_code(state: str) -> str:
    """One short word for an SQLSTATE that speaks of a row."""
    return _CODES.get(state, "bad_value" if state.startswith("22") else "refused")


def clipped(message: str) -> str:
    """The first line of what the database said."""
    return message.partition("\n")[0][:_SHOWN]


def said(error: adbc.Error) -> str:
    """The database's own sentence, which quotes no row. The names of details are bytes, whatever
    their type says."""
    details = (
        (name.decode() if isinstance(name, bytes) else name, value)
        for name, value in error.details or ()
    )
    found = next((value for name, value in details if name == "PG_DIAG_MESSAGE_PRIMARY"), b"")
    return clipped(bytes(found).decode(errors="replace"))


_MISSING = {
    "42P01": "It was there before: was it dropped?",
    "3F000": "Create the schema, or correct its name.",
}


def answered(state: str, said: str, where: str) -> LiveSyncError:
    """What an SQLSTATE means that does not speak of a row."""
    name = _name_of(state)
    if state.startswith("28"):
        return Reauthorise(
            f"{where} refuses the login ({name})", hint="Correct user and password in `url`."
        )
    if state == "42501":
        return Reauthorise(
            f"{where} does not let this user do so: {said}",
            hint="Its owner can grant it: select to read; insert, update and delete to write; "
            "create on the schema to make tables. Only the owner of a table can alter it.",
            where=where,
        )
    if state == "25006":
        return BadInput(
            f"{where} takes no writes: it is a replica or read-only",
            hint="Give the url of the primary server.",
            where=where,
        )
    if state in _MISSING:
        return BadInput(f"{where}: {said}", hint=_MISSING[state], where=where)
    if state.startswith(_PASSING):
        return Unavailable(f"{where} could not do it now ({name})", where=where)
    return Broken(f"{where} answered {name}: {said}", where=where)


def _name_of(state: str) -> str:
    try:
        return f"{state} {errors.lookup(state).__name__}"
    except KeyError:
        return state or "an error without a code"


def not_connected(said: str, where: str) -> LiveSyncError:
    """libpq gives no code where no connection comes about, so its words are looked at; they
    quote the name of the user, never the password."""
    if "password" in said or "no pg_hba.conf entry" in said or 'role "' in said:
        return Reauthorise(
            f"{where} refuses the login",
            hint="Correct user and password in `url`; the server's pg_hba.conf says who may come.",
            where=where,
        )
    if 'database "' in said and "does not exist" in said:
        return BadInput(
            f"{where} is not there: the server has no such database",
            hint="Correct the database in `url`.",
            where=where,
        )
    if "could not translate host name" in said:
        why = "its host name is unknown"
    elif "refused" in said or "No such file" in said:
        why = "nobody listens there"
    elif "timeout" in said or "timed out" in said:
        why = "it did not answer in time"
    elif "SSL" in said or "certificate" in said:
        why = "no encrypted connection came about"
    else:
        why = "it takes no connection now"
    return Unavailable(
        f"{where} cannot be reached: {why}",
        hint="See that the server runs and can be reached from here, and correct `url`.",
        where=where,
    )
