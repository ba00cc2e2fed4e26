"""What is wrong with a sync of rows, as a user has written it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import join, normpath
from typing import Any

from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.core.row_place import schema_and_table
from livesync_pipelines.engine._checked import Trouble
from livesync_pipelines.engine.options import check_options, expand
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Policy, Side
from livesync_pipelines.model.sync import Connection, Mode, SyncConfig

_WRITTEN = {
    Mode.PULL: (Side.TARGET,),
    Mode.PUSH: (Side.SOURCE,),
    Mode.BIDIRECTIONAL: (Side.SOURCE, Side.TARGET),
}

_POSTGRES = "postgresql"
_ALSO_CALLED = {"postgres": _POSTGRES, "mariadb": "mysql"}
WHERE = ("url", "schema", "table", "path", "bucket", "prefix", "endpoint_url", "rows", "database")
"""Options that say where rows are, together."""


def troubles(
    sync: SyncConfig,
    ends: Mapping[Side, Connection],
    row_ends: Mapping[str, type[RowEnd]],
    environ: Mapping[str, str],
) -> Iterator[Trouble]:
    """Everything that can be known without asking either end."""
    if _is_one_place(sync, ends, environ):
        yield Trouble(
            ("target",),
            "the source and the target are the same",
            "Name another table or file: rows cannot be kept in step with themselves.",
        )
    selected = {Side.SOURCE: sync.select, Side.TARGET: sync.target.select if sync.target else {}}
    said = {Side.SOURCE: "select", Side.TARGET: "target"}
    for side, connection in ends.items():
        kind = row_ends.get(connection.platform)
        if kind is None:
            where = ("connection",) if side is Side.SOURCE else ("target", "connection")
            yield Trouble(
                where, f"{connection.platform} has no rows", f"Have rows: {', '.join(row_ends)}."
            )
            continue
        wrong = check_options(kind.Selection, selected[side], environ)
        for trouble in wrong:
            yield Trouble((said[side], *trouble.path), trouble.message, trouble.hint)
        for trouble in () if wrong else _unusable(connection, selected[side], environ):
            yield Trouble((said[side], *trouble.path), trouble.message, trouble.hint)
        why = None if wrong else kind.unwritable(selected[side])
        if side in _WRITTEN[sync.mode] and why is not None:
            can = [mode for mode in Mode if side not in _WRITTEN[mode]]
            yield Trouble(
                ("mode",),
                f"{sync.mode} writes to the {side}, and {why}",
                f"Allowed: {', '.join(can) or 'no mode; choose another end'}.",
            )
        looked_at = side.other in _WRITTEN[sync.mode]
        if sync.schedule == "realtime" and looked_at and not kind.tells(selected[side]):
            yield Trouble(
                ("schedule",),
                f"the {side} cannot tell that its rows have changed, so not in real time",
                "Write every_15_minutes, or less often; or, for a table of a Postgres whose owner "
                "agrees to triggers, `feed: trigger` beside its name.",
            )
    if sync.mode is not Mode.BIDIRECTIONAL and Policy.ASK_PERSON in sync.policy.fields.values():
        yield Trouble(
            ("policy", "fields"),
            f"nobody is asked in mode {sync.mode}: one end always wins",
            "Write mode: bidirectional, or leave the policy out.",
        )


def key_troubles(said: Mapping[str, Any]) -> Iterator[Trouble]:
    """Of a key that is written and tells no rows apart."""
    key = said.get("key")
    if not isinstance(key, list):
        return
    if not key:
        hint = "Name its columns, as key: [id], or leave `key` out for the primary key."
        yield Trouble(("key",), "the key is empty", hint)
    twice = sorted({str(name) for name in key if key.count(name) > 1})
    if twice:
        said_twice = f"the key names {', '.join(twice)} more than once"
        yield Trouble(("key",), said_twice, "Name each of its columns once.")


def _unusable(
    connection: Connection, selected: Mapping[str, Any], environ: Mapping[str, str]
) -> Iterator[Trouble]:
    """Of a selection whose options are well-formed."""
    yield from key_troubles(selected)
    database = _database_of(connection, environ) if selected.get("feed") == "trigger" else None
    if database not in (None, _POSTGRES):
        yield Trouble(
            ("feed",),
            f"only a table of Postgres can have triggers for a feed, and this is {database}",
            "Leave `feed` out: its rows are compared whenever the sync is due.",
        )


def _database_of(connection: Connection, environ: Mapping[str, str]) -> str | None:
    """Which database its url leads to; None where that is not known."""
    try:
        url = expand(connection.options, environ).get("url")
    except BadInput:  # a variable is not set: that is said where it is named
        return None
    return _split(url)[0] if isinstance(url, str) else None


def _split(url: str) -> tuple[str, str]:
    """Of a database's url: what it is, whatever the driver, and where."""
    scheme, _, address = url.partition("://")
    database = scheme.partition("+")[0]
    return _ALSO_CALLED.get(database, database), address


def _is_one_place(
    sync: SyncConfig, ends: Mapping[Side, Connection], environ: Mapping[str, str]
) -> bool:
    """Whether both ends are the same table, or file, as far as their settings tell."""
    if len(ends) < len(Side) or sync.target is None:
        return False
    source, target = ends[Side.SOURCE], ends[Side.TARGET]
    try:
        places = [
            place_of(end.platform, expand({**end.options, **select}, environ))
            for end, select in ((source, sync.select), (target, sync.target.select))
        ]
    except BadInput:  # a variable is not set: that is said where it is named
        return False
    return places[0] == places[1]


def place_of(platform: str, said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What tells where rows are, and nothing of how they are read."""
    where = {name: said[name] for name in WHERE if name in said}
    if "rows" in where:
        parts = [str(where.pop(name)) for name in ("path", "prefix", "rows") if name in where]
        where["rows"] = normpath(join(*parts))
    database, address = _split(str(where.get("url")))
    if database == _POSTGRES:
        where["url"] = f"{database}://{_whoever_asks(address, port=5432)}"
        where["schema"], where["table"] = schema_and_table(
            where.get("schema"), str(where.get("table"))
        )
        where["schema"] = where["schema"] or "public"
    elif database == "sqlite":
        where |= {"url": normpath(address), "table": str(where.get("table")).casefold()}
    elif database == "mysql":
        where["url"] = f"{database}://{_whoever_asks(address, port=3306)}"
    return platform, where


def _whoever_asks(address: str, *, port: int) -> str:
    """Without who logs in, and without the port that holds where none is written."""
    host, slash, rest = address.partition("/")
    return f"{host.rpartition('@')[2].lower().removesuffix(f':{port}')}{slash}{rest}"
