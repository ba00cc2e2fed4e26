"""connect: an account, a connection, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from livesync_pipelines.cli.output import emit, note, say
from livesync_pipelines.cli.work.accounts import (
    connect_account,
    seen_document,
    show_account,
    show_seen,
)
from livesync_pipelines.cli.work.configure import valued, write
from livesync_pipelines.cli.work.session import House, open_house
from livesync_pipelines.engine.choosing import Seen, seen_by, seen_through
from livesync_pipelines.engine.desired import PROJECT, asked
from livesync_pipelines.engine.difference import changed, difference
from livesync_pipelines.engine.first_look import Sight, first_look
from livesync_pipelines.engine.unsigned import unsigned
from livesync_pipelines.model.errors import BadInput, LiveSyncError, in_a_line
from livesync_pipelines.model.sync import Connection
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import accounts, catalog
from livesync_pipelines.store.accounts import AccountState


@dataclass(frozen=True, slots=True)
class NewConnection:
    """What `connect` was told; None where it was told nothing."""

    platform: str
    name: str | None
    account: str | None
    project: str | None
    write: str | None
    options: tuple[tuple[str, str], ...]


def connect_platform(new: NewConnection, *, check: bool, as_json: bool) -> None:
    """Sign in the account where one is named and that is due, and save the connection where one
    is."""
    if new.name is None and new.account is None:
        raise BadInput(
            "What is to be connected?",
            hint="--account NAME signs in an account, --name NAME saves a connection.",
        )
    if new.write is not None and new.account is None:
        raise BadInput("--write is of an account.", hint="Say --account, too.")
    if new.name is None and new.options:
        raise BadInput("Options are of a connection.", hint="Say --name, too.")
    with open_house() as house:
        signed_in = _signed_in(house, new)
        seen = _seen(house, signed_in) if signed_in and check and new.name is None else None
        if signed_in and not as_json:
            show_account(signed_in)
            show_seen(seen)
        if new.name is not None:
            _make_connection(house, new, new.name, check=check, as_json=as_json)
        elif as_json and signed_in:
            emit({**signed_in, **seen_document(seen)})


def _seen(house: House, signed_in: Mapping[str, object]) -> Seen | None:
    """What the account sees; that it is connected holds, whatever becomes of the question."""
    account = accounts.found(house.connection, str(signed_in["account"]))
    assert account is not None
    try:
        return seen_by(
            house.engine, account.name, platform=account.platform, project_id=account.project_id
        )
    except LiveSyncError as error:
        note(f"Note: what the account sees could not be asked: {in_a_line(error.as_dict())}")
        return None


def _signed_in(house: House, new: NewConnection) -> dict[str, object] | None:
    """Of an account that is connected already, nothing is asked for the sake of a connection."""
    if new.account is None:
        return None
    there = accounts.found(house.connection, new.account)
    connected = there is not None and there.state is AccountState.CONNECTED
    if new.name is not None and connected and new.write is None:
        return None
    if there is not None and new.project not in (None, there.project_id):
        raise BadInput(
            f"The account '{there.name}' is of the project {there.project_id}.",
            hint="Leave --project out, or choose another name.",
        )
    return connect_account(house, new.platform, new.account, _project(house, new), write=new.write)


def _project(house: House, new: NewConnection) -> str:
    """The one that is said; else that of the connection or the account that is there, or of those
    connections that wait for the account."""
    if new.project is not None:
        return new.project
    there = catalog.connections(house.connection, [new.name or ""]).get(new.name or "")
    account = accounts.found(house.connection, new.account) if new.account else None
    owner = there or account
    if owner is not None:
        return owner.project_id
    waiting = {
        one.project_id
        for one in unsigned(house.engine, house.connection)
        if (one.account, one.platform) == (new.account, new.platform)
    }
    return waiting.pop() if len(waiting) == 1 else PROJECT


def _make_connection(
    house: House, new: NewConnection, name: str, *, check: bool, as_json: bool
) -> None:
    """Check a new connection against its source and save it."""
    engine = house.engine
    known = catalog.stored(house.connection)
    kind = engine.registry.get(new.platform)
    raw = valued(new.options, kind.Connection if kind else None)
    raw |= {"account": new.account} if new.account else {}
    connections = {name: {**raw, "platform": new.platform}}
    data = {"project": _project(house, new), "connections": connections}
    wanted = asked("connect", data, engine.registry, engine.environ, known=known)
    there = wanted.connections[0]
    sight = _look(house, there) if check else None
    seen = seen_through(engine, there) if sight else None
    (change,) = difference(known, wanted)
    write(house, changed(wanted, [change]), dry_run=False)
    unchecked = None if sight else ("--no-check" if engine.enabled else DISABLED_REASON)
    if as_json:
        shown = {**_sight_document(sight), **_choices_document(seen)} if sight else None
        emit({**asdict(change), "platform": new.platform, "sees": shown, "unchecked": unchecked})
        return
    _show_sight(sight, seen)
    say(f"Connection {name} to {new.platform}: {change.action}.")
    if unchecked:
        note(f"Note: the source was not asked: {unchecked}")


def _look(house: House, connection: Connection) -> Sight | None:
    engine = house.engine
    return first_look(engine, connection) if engine.enabled else None


def _sight_document(sight: Sight) -> dict[str, Any]:
    return {**asdict(sight), "failures": [asdict(failure) for failure in sight.failures]}


def _choices_document(seen: Seen | None) -> dict[str, Any]:
    return {"choices": [asdict(one) for one in seen.choices]} if seen else {}


def _show_sight(sight: Sight | None, seen: Seen | None) -> None:
    """Where there is to choose from, that tells a person more than keys do."""
    if sight is None:
        return
    plural = "item" if sight.items == 1 else "items"
    count = f"It shows {sight.items} {plural}{' on the first page, and more' if sight.more else ''}"
    say(f"{count}{'.' if seen else ':'}")
    show_seen(seen)
    if seen is None:
        for key in sight.keys:
            say(f"  {key}")
        if sight.items > len(sight.keys):
            say("  ...")
    for failure in sight.failures:
        say(f"  {failure.key}: {failure.reason}")
