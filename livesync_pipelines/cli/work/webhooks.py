"""webhooks, and what `doctor` asks about them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from livesync_pipelines.auth.call import Scheme
from livesync_pipelines.cli.output import ago, emit, note, say, table
from livesync_pipelines.cli.work import subscriptions
from livesync_pipelines.cli.work.checks import Finding, failed
from livesync_pipelines.cli.work.session import House, open_house
from livesync_pipelines.engine.announcements import inbox_of
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.webhook_config import known, troubles
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.model.sync import Connection as Place
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import announced, catalog, subscription_list, unread, webhooks
from livesync_pipelines.store.announced import Share
from livesync_pipelines.store.database import Connection

_SENDERS = (
    "CONNECTION",
    "CALLED AT",
    "SCHEME",
    "LAST",
    "CAME",
    "DOUBLED",
    "REFUSED",
    "TOO MANY",
    "UNTOLD",
)
_EVENTS = ("RECEIVED", "CONNECTION", "DELIVERY", "SEEN", "SYNCED", "HINTS")
_NAME_CHARS = 40


def show_webhooks(connection: str | None, limit: int, *, as_json: bool) -> None:
    """Who may call and has called, and what came last. Raises `NotFound`."""
    with open_house() as house:
        if connection is not None:
            catalog.connection_of(house.connection, connection)
        now = house.engine.now()
        shares = announced.shares(house.connection, now=now)
        tokens = _tokens(house)
        senders = [
            {
                **row,
                "path": path(row),
                **_share(shares.get(row["connection"], Share())),
                "token": tokens.get(row["connection"]),
            }
            for row in webhooks.senders(house.connection)
            if connection in {None, row["connection"]}
        ]
        found = webhooks.listed(house.connection, of=connection, limit=limit)
        subscribed = subscription_list.listed(house.connection, of=connection)
        if as_json:
            emit({"senders": senders, "subscriptions": subscribed, "webhooks": found})
            return
        if not (senders or subscribed):
            say("Nobody may call: no connection has a `webhook` (see the README).")
            return
        table(_SENDERS, (_sender(sender, now) for sender in senders))
        if subscribed:
            say("")
            subscriptions.show(subscribed, now)
        if found:
            say("")
            table(_EVENTS, ((ago(e["received_at"], now), *_event(e, now)) for e in found))
        _remark(_awaited_all(house, connection))
        _remark(_unread(house.connection, connection))
        _remark(subscriptions.check(house.engine, house.connection))
        house.remark()


def _awaited_all(house: House, connection: str | None) -> Iterator[Finding]:
    """Of the connections whose platform makes the secret, or of one."""
    for one in catalog.called(house.connection):
        if connection in {None, one.name} and (scheme := _sent_by(one)) is not None:
            yield _awaited(house.settings, one.name, scheme.title)


def _sent_by(one: Place) -> Scheme | None:
    """After which scheme the platform is to send the secret; None where it need not."""
    assert one.webhook is not None
    scheme = known().get(one.webhook.scheme)
    is_sent = scheme is not None and scheme.sends_secret and one.webhook.secret is None
    return scheme if is_sent else None


def _tokens(house: House) -> dict[str, dict[str, Any]]:
    """Of the connections whose platform makes the secret: whether it has come, and where it then
    waits for a person."""
    files = {
        one.name: _token_file(house.settings, one.name)
        for one in catalog.called(house.connection)
        if _sent_by(one) is not None
    }
    return {name: {"waits": file.exists(), "file": f"{file}"} for name, file in files.items()}


def _token_file(settings: Settings, name: str) -> Path:
    return settings.home / "webhooks" / name


def _share(share: Share) -> dict[str, Any]:
    return {"told": share.told, "missed": share.missed, "missed_share": share.missed_share}


def path(sender: Mapping[str, Any]) -> str:
    """Where a platform calls, behind the host under which it can reach this machine."""
    return f"/sync/webhook/{sender['platform']}/{sender['connection']}"


def _sender(sender: Mapping[str, Any], now: datetime) -> tuple[object, ...]:
    who = sender["connection"], sender["path"], sender["scheme"] or "-"
    counts = (sender[name] for name in ("delivered", "doubled", "refused", "held_back"))
    share = sender["missed_share"]
    missed = "-" if share is None else f"{share:.0%}"
    return (*who, ago(sender["last_at"], now), *counts, missed)


def _event(event: Mapping[str, Any], now: datetime) -> tuple[object, ...]:
    name = event["delivery_id"]
    short = name if len(name) <= _NAME_CHARS else f"{name[:_NAME_CHARS]}..."
    synced = ago(event["synced_at"], now) if event["synced_at"] else "-"
    return event["connection"], short, event["seen"], synced, ", ".join(event["hints"][:3]) or "-"


def check(
    settings: Settings,
    engine: Engine,
    connection: Connection,
    *,
    among: Collection[str] | None = None,
) -> Iterator[Finding]:
    """That whoever may call can prove himself, and what came; of all connections, or `among`."""
    counted = {row["connection"]: row for row in webhooks.senders(connection)}
    shares = announced.shares(connection, now=engine.now())
    for one in catalog.called(connection):
        assert one.webhook is not None
        if among is not None and one.name not in among:
            continue
        about = f"webhooks of {one.name}"
        wrong = list(troubles(one.webhook, engine.environ))
        for trouble in wrong:
            place = "".join(f"{part}: " for part in trouble.path)
            said = f"nobody may call: {place}{trouble.message}"
            yield Finding(about, "failed", said, trouble.hint)
        if wrong:
            continue
        if (scheme := _sent_by(one)) is not None:
            yield _awaited(settings, one.name, scheme.title)
        else:
            yield Finding(about, "ok", _told(counted[one.name], engine))
            yield from _missed(about, shares.get(one.name, Share()))


def _missed(about: str, share: Share) -> Iterator[Finding]:
    if share.is_high:
        said = f"nobody called for {share.missed} of {share.missed + share.told} changes"
        do = (
            "Is the platform still told to call? Until then it is polled every 15 minutes at least."
        )
        yield Finding(about, "warning", said, do)


def _unread(connection: Connection, of: str | None) -> Iterator[Finding]:
    """Of all connections, or of one."""
    for name, trouble in unread.listed(connection).items():
        if of in {None, name}:
            yield Finding(f"queue of {name}", "warning", trouble["message"], trouble["hint"])


def queues(engine: Engine, connection: Connection) -> Iterator[Finding]:
    """That the queues into which platforms put their messages can be read."""
    for one in catalog.announced(connection):
        about = f"queue of {one.name}"
        try:
            inbox = inbox_of(engine, one)
            if inbox is not None:
                yield Finding(about, "ok", f"{inbox.depth()} messages wait")
        except LiveSyncError as error:
            yield failed(about, error)


def _awaited(settings: Settings, name: str, platform: str) -> Finding:
    file = _token_file(settings, name)
    if file.exists():
        said = f"{platform} has sent its token; it is in {file}, and waits for you"
        do = (
            "Compare it with what the platform shows, put it into a variable, write secret: "
            "${NAME}, apply, and delete the file. While it lies there no other one is taken."
        )
    else:
        said = f"nobody may call before {platform} has sent its token"
        do = f"Subscribe /sync/webhook/... of {name} there (`livesync webhooks`)."
    return Finding(f"webhooks of {name}", "warning", said, do)


def _told(row: Mapping[str, Any], engine: Engine) -> str:
    if row["last_at"] is None:
        return f"{row['scheme']}; none has come yet, {row['refused']} refused"
    came = f"{row['delivered']} came, {row['doubled']} more than once, {row['refused']} refused"
    return f"{row['scheme']}; the last {ago(row['last_at'], engine.now())}; {came}"


def remark(
    settings: Settings, engine: Engine, connection: Connection, among: Collection[str]
) -> None:
    """What a person should know at once of these connections."""
    _remark(check(settings, engine, connection, among=among))
    _remark(subscriptions.check(engine, connection, among=among))


def _remark(findings: Iterable[Finding]) -> None:
    for finding in findings:
        if finding.verdict != "ok":
            note(f"Note: {finding.check}: {finding.message}. {finding.do}")
