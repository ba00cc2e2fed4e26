"""What `webhooks` and `doctor` say of what platforms are asked to tell."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from livesync_pipelines.cli.output import ago, table
from livesync_pipelines.cli.work.checks import Finding
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.subscribing import asked_for
from livesync_pipelines.store import catalog, subscription_list
from livesync_pipelines.store.database import Connection

_HEADERS = ("SUBSCRIPTION", "STATE", "CONFIRMED", "ENDS", "LAST CALL", "NEXT", "TROUBLE")


def show(found: Sequence[Mapping[str, Any]], now: datetime) -> None:
    table(_HEADERS, (_line(one, now) for one in found))


def _line(one: Mapping[str, Any], now: datetime) -> tuple[object, ...]:
    state = one["state"] if one["wanted"] or one["state"] == "gone" else f"{one['state']}, ending"
    names = ("confirmed_at", "expires_at", "last_delivery_at", "next_at")
    times = (ago(one[name], now) for name in names)
    return one["connection"], state, *times, (one["error"] or {}).get("message", "-")


def check(
    engine: Engine, connection: Connection, *, among: Collection[str] | None = None
) -> Iterator[Finding]:
    """That the platforms that could be asked to tell us are, and do; of all connections, or
    `among`."""
    by_call = {platform: scheme for platform, key, scheme in asked_for(engine) if key == "webhook"}
    for one in catalog.called(connection):
        assert one.webhook is not None
        if among is not None and one.name not in among:
            continue
        if engine.public_url is None and by_call.get(one.platform) == one.webhook.scheme:
            said = "it is polled only, for its platform cannot be told where to call"
            do = "Set LIVESYNC_PUBLIC_URL to the address under which platforms reach this machine."
            yield Finding(f"subscription of {one.name}", "warning", said, do)
    for row in subscription_list.listed(connection):
        if among is not None and row["connection"] not in among:
            continue
        about, error = f"subscription of {row['connection']}", row["error"] or {}
        if row["state"] == "active" and row["wanted"]:
            ends = row["expires_at"]
            said = f"it ends {ago(ends, engine.now())}" if ends else "it does not end"
            yield Finding(about, "ok", said)
        elif row["state"] == "failing":
            yield Finding(about, "warning", error.get("message", ""), error.get("hint", ""))
