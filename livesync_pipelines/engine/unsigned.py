"""Accounts that connections name, and in whose name nothing can be called: who is to sign in, and
what goes on once he has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from livesync_pipelines.connectors.base import Accounted
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.options import expand
from livesync_pipelines.engine.triggers import ask_for
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import Connection
from livesync_pipelines.store import accounts, catalog, database, subscriptions
from livesync_pipelines.store.accounts import AccountState

START = "/oauth/{platform}/start"
"""Where a browser is sent on to the vendor, at our HTTP door."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """An account of a project at a platform, and the connections that name it. `why` is empty where
    it was never connected."""

    account: str
    platform: str
    project_id: str
    why: str = ""
    connections: tuple[str, ...] = ()

    @property
    def start(self) -> str:
        """Where its owner begins to sign in, at our HTTP door."""
        asked = urlencode({"account": self.account, "project": self.project_id})
        return f"{START.format(platform=self.platform)}?{asked}"


def unsigned(engine: Engine, connection: database.Connection) -> list[Unsigned]:
    """One for each account, in the order of their connections."""
    found: dict[tuple[str, tuple[str, str]], Unsigned] = {}
    known = {one.name: one for one in accounts.listed(connection)}
    for one, account in _accounted(engine, catalog.accounted(connection)):
        there = known.get(account)
        is_its = there is not None and (there.platform, there.project_id) == _of(one)
        if there is not None and is_its and there.state is AccountState.CONNECTED:
            continue
        why = (there.error or {}).get("message", "") if there is not None and is_its else ""
        so_far = found.get((account, _of(one)), Unsigned(account, *_of(one), why))
        found[account, _of(one)] = replace(so_far, connections=(*so_far.connections, one.name))
    return list(found.values())


def go_on(engine: Engine, account: str, of: tuple[str, str]) -> None:
    """Run the syncs that waited for this account, and ask its platform to tell of changes where it
    could not be asked; `of`: its platform and project."""
    with engine.database.connect() as connection, connection.transaction():
        stored = _accounted(engine, catalog.accounted(connection))
        names = [one.name for one, named in stored if named == account and _of(one) == of]
        waited = catalog.resume_signed_in(connection, names)
        for sync_id in waited if engine.enabled else ():
            ask_for(engine, connection, sync_id)
        subscriptions.ask_now(connection, names, now=engine.now())


def _accounted(
    engine: Engine, connections: Iterable[Connection]
) -> Iterator[tuple[Connection, str]]:
    """Those that name an account, with its name; not those that name a variable that is not set, or
    that hold a token instead."""
    for one in connections:
        kind = engine.registry.get(one.platform) or engine.row_ends.get(one.platform)
        if kind is None or not issubclass(kind.Connection, Accounted):
            continue
        try:
            said = expand({"account": one.options["account"]}, engine.environ)
        except BadInput:
            continue
        if said["account"]:
            yield one, str(said["account"])


def _of(one: Connection) -> tuple[str, str]:
    return one.platform, one.project_id
