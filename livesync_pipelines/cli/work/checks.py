"""The questions that `doctor` asks; each answers with findings and changes nothing of value."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from livesync_pipelines.core.patience import resuming
from livesync_pipelines.engine import report
from livesync_pipelines.engine.accounts import document
from livesync_pipelines.engine.desired import load
from livesync_pipelines.engine.house import Engine, database_url
from livesync_pipelines.engine.options import budgets_of, check_options
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.net.client import Client
from livesync_pipelines.settings import DISABLED_REASON, Settings
from livesync_pipelines.store import accounts as stored_accounts
from livesync_pipelines.store import budgets, catalog, holders
from livesync_pipelines.store.accounts import AccountState
from livesync_pipelines.store.database import Connection, Database
from livesync_pipelines.store.operations import advice

OLDEST, NEWEST = (3, 11), (3, 13)
_ROOM_BYTES = 1_000_000_000
_PATIENCE_S = 2.0
_CLOCKS_APART_S = 2

Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. `do` is what a person can do about it; empty when nothing needs doing."""

    check: str
    verdict: Verdict
    message: str
    do: str = ""


def failed(check: str, error: LiveSyncError) -> Finding:
    return Finding(check, "failed", error.message, error.hint)


def python() -> Iterator[Finding]:
    version = sys.version_info[:2]
    said = f"Python {version[0]}.{version[1]}"
    if OLDEST <= version <= NEWEST:
        yield Finding("python", "ok", said)
    else:
        yield Finding("python", "failed", said, "Use Python 3.11, 3.12 or 3.13.")


def configuration(settings: Settings) -> Iterator[Finding]:
    for notice in settings.notices:
        yield Finding("environment", "warning", notice)
    if not settings.notices:
        yield Finding("environment", "ok", "every variable is understood")
    if settings.external_sync_enabled:
        yield Finding("external sync", "ok", "EXTERNAL_SYNC_ENABLED is true")
    else:
        do = "Set EXTERNAL_SYNC_ENABLED=true."
        yield Finding("external sync", "warning", DISABLED_REASON, do)


def home(settings: Settings) -> Iterator[Finding]:
    place = settings.home
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        said = f"{place} cannot be written to: {error.strerror}"
        yield Finding("home", "failed", said, "Set LIVESYNC_HOME to a folder of yours.")
        return
    if free < _ROOM_BYTES:
        said = f"{place} has {free / 1e6:,.0f} MB left"
        yield Finding("home", "warning", said, "Make room, or move LIVESYNC_HOME.")
    else:
        yield Finding("home", "ok", f"{place}, {free / 1e9:,.0f} GB free")


def database(settings: Settings) -> Iterator[Finding | Database]:
    """What is found, and last the database, if it can be used."""
    try:
        found = Database(database_url(settings))
        applied = found.migrate()
        with found.connect() as connection:
            version = connection.info.server_version // 10_000
    except LiveSyncError as error:
        yield failed("database", error)
        return
    kind = "embedded" if settings.database_url is None else "your own"
    yield Finding("database", "ok", f"Postgres {version} ({kind}) answers")
    made = f"{applied} migrations applied just now" if applied else "up to date"
    yield Finding("schema", "ok", f"livesync: {made}")
    yield found


def clock(now: Callable[[], datetime], connection: Connection) -> Iterator[Finding]:
    """Whether this machine's is near that of the database, and so those of all machines."""
    before = now()
    (theirs,) = connection.execute("select clock_timestamp()").fetchone() or (before,)
    ahead_s = (before + (now() - before) / 2 - theirs).total_seconds()
    if abs(ahead_s) < _CLOCKS_APART_S:
        yield Finding("clock", "ok", f"within {_CLOCKS_APART_S} s of the database's")
        return
    how = "ahead of" if ahead_s > 0 else "behind"
    said = f"this machine's is {abs(ahead_s):,.0f} s {how} the database's"
    do = "Keep all machines' clocks in step (NTP): what is due and what came first go by them."
    yield Finding("clock", "failed", said, do)


def broker(settings: Settings) -> Iterator[Finding]:
    """The one that is shared by machines; the folder of a home has nobody who could fail."""
    if settings.broker_url is None:
        return
    from kombu.connection import Connection as Broker
    from kombu.exceptions import KombuError

    url = settings.broker_url.get_secret_value()
    place = urlsplit(url)
    said = f"{place.scheme} at {place.hostname}:{place.port or 'its usual port'}"
    try:
        with Broker(url, connect_timeout=_PATIENCE_S) as asked:  # type: ignore[no-untyped-call]  # it has no types
            asked.ensure_connection(max_retries=1, timeout=_PATIENCE_S)
    except (KombuError, OSError) as error:
        do = "Start it, or correct LIVESYNC_BROKER_URL. What waits is carried out once it is there."
        yield Finding("broker", "failed", f"{said} cannot be used, so no run begins: {error}", do)
    else:
        yield Finding("broker", "ok", f"{said} answers")


def ports(settings: Settings) -> Iterator[Finding]:
    doors = (
        ("HTTP port", "LIVESYNC_PORT", settings.port, "/health", b'"livesync"'),
        ("Dagster port", "LIVESYNC_DAGSTER_PORT", settings.dagster_port, "/server_info", b"dagst"),
    )
    for check, variable, number, path, token in doors:
        if _is_free(number):
            yield Finding(check, "ok", f"{number} is free")
        elif _answers(f"http://127.0.0.1:{number}{path}", token):
            yield Finding(check, "ok", f"{number} is served by LiveSync")
        else:
            do = f"Stop that program, or set {variable} to a free port."
            yield Finding(check, "failed", f"{number} is taken by another program", do)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _answers(url: str, token: bytes) -> bool:
    with Client(allow_private=True, timeout_s=_PATIENCE_S, tries=1) as client:
        try:
            return token in client.get(url).content
        except LiveSyncError:
            return False


def files(settings: Settings, engine: Engine, connection: Connection) -> Iterator[Finding]:
    """That the files which LIVESYNC_CONFIG names can be applied."""
    if not settings.config:
        return
    names = ", ".join(map(str, settings.config))
    try:
        known = catalog.stored(connection)
        load(settings.config, engine.registry, engine.environ, known=known)
    except LiveSyncError as error:
        yield failed("LIVESYNC_CONFIG", error)
        return
    yield Finding("LIVESYNC_CONFIG", "ok", f"{names}: understood")


def connections(engine: Engine, connection: Connection) -> Iterator[Finding]:
    """That what the stored connections name is there: platforms and environment variables."""
    for one in catalog.stored(connection).connections:
        check = f"connection {one.name}"
        kind = engine.registry.get(one.platform) or engine.row_ends.get(one.platform)
        if kind is None:
            said = f"there is no connector for {one.platform!r} any more"
            yield Finding(check, "failed", said, "Install the version that has it.")
            continue
        troubles = check_options(kind.Connection, one.options, engine.environ)
        for trouble in troubles:
            said = f"{'.'.join(map(str, trouble.path))}: {trouble.message}"
            yield Finding(check, "failed", said, trouble.hint)
        if not troubles:
            yield Finding(check, "ok", one.platform)


def accounts(engine: Engine, connection: Connection) -> Iterator[Finding]:
    """That every account can still be called for, and was granted what its platform needs."""
    for one in stored_accounts.listed(connection):
        check = f"account {one.name}"
        again = f"`livesync connect {one.platform} --account {one.name}`"
        if one.platform not in {*engine.registry, *engine.row_ends}:
            said = f"there is no connector for {one.platform!r} any more"
            yield Finding(check, "warning", said, f"`livesync accounts remove {one.name}`.")
            continue
        missing = document(engine, one)["missing"]
        if one.state is AccountState.REVOKED:
            why = (one.error or {}).get("message", "")
            yield Finding(check, "failed", f"it was revoked: {why}", f"Connect it again: {again}.")
        elif missing:
            said = f"not granted: {' '.join(missing)}"
            yield Finding(check, "warning", said, f"Agree to all of it: {again}.")
        else:
            yield Finding(check, "ok", f"{one.who or 'connected'}, {one.platform}")


def call_budgets(engine: Engine, connection: Connection) -> Iterator[Finding]:
    """How often each connection may be called, and which servers said wait."""
    held = budgets.held(connection)
    for one in catalog.stored(connection).connections:
        kind = engine.registry.get(one.platform)
        if kind is None or check_options(kind.Connection, one.options, engine.environ):
            continue  # `connections` says so
        check = f"budget of {one.name}"
        for budget in budgets_of(one, kind, engine.environ):
            yield Finding(check, "ok", str(budget))
        for host, until in held.of(one.name, one.platform).items():
            said = f"{host} said wait: 429 until {until.astimezone():%H:%M:%S}"
            yield Finding(check, "warning", said, "Nothing to do: its syncs go on then.")


def waiting(engine: Engine, connection: Connection) -> Iterator[Finding]:
    """That what was asked for is carried out."""
    stalled = report.stalled(engine, connection)
    for each in stalled:
        said = (
            f"{each.waiting} {each.platform} sync{'' if each.waiting == 1 else 's'} waiting since "
            f"{each.since.astimezone():%H:%M:%S}, and none has begun meanwhile"
        )
        do = (
            "See that `livesync up` runs, and on the page Deployment / Concurrency of the Dagster "
            f"UI who has the places of the pool '{each.platform}'; a run can be carried out here "
            "with `livesync sync run SYNC`."
        )
        yield Finding("queue", "warning", said, do)
    if not stalled:
        depth = report.waiting(connection)["depth"]
        yield Finding("queue", "ok", f"{depth} waiting" if depth else "nobody waits")
    places = holders.places(connection)
    yield Finding("places", "ok", f"{places} runs at once, by the workers that live now")


def syncs(engine: Engine, connection: Connection) -> Iterator[Finding]:
    for row in report.status(engine, connection)["syncs"]:
        name, condition = row["sync_id"], row["condition"]
        error: Mapping[str, str] = row["last_error"] or {}
        check = f"sync {name}"
        if condition == "paused":
            do = resuming(name, advice(connection, name))
            yield Finding(check, "warning", row["state_reason"] or "paused", do)
        elif condition in {"failed", "rate_limited"}:
            yield Finding(check, "failed", error.get("message", condition), error.get("hint", ""))
        elif condition in {"waiting_for_approval", "cancelled"}:
            yield Finding(check, "warning", error.get("message", ""), error.get("hint", ""))
        elif condition == "interrupted":
            said = "its last run was interrupted, and has not looked at all that has changed"
            do = (
                "It goes on by itself: Dagster asks for a new run, and after some minutes the "
                f"queue does. `livesync sync run {name}` makes one now."
            )
            yield Finding(check, "warning", error.get("message", said), error.get("hint", do))
        elif row["failed_items"]:
            said = f"{row['failed_items']} items cannot be read"
            yield Finding(check, "warning", said, f"See them with `livesync status {name}`.")
        elif row["bad_cells"]:
            said = f"{row['bad_cells']} cells of the source do not fit"
            do = f"See them with `livesync mapping cells {name}`."
            yield Finding(check, "warning", said, do)
        else:
            yield Finding(check, "ok", condition)
