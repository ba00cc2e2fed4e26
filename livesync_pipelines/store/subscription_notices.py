"""That a platform cannot be asked to tell us, and that it can be again: said once each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from livesync_pipelines.core import telling
from livesync_pipelines.model.notice import EventKind
from livesync_pipelines.store import outbox
from livesync_pipelines.store.database import Connection, rows

TOLD_AFTER = 3
"""So many failures in a row are worth telling."""


def tell(connection: Connection, *, now: datetime) -> int:
    """Write what is to be told of subscriptions, to whom their syncs' `notify` names; returns of
    how many."""
    with connection.transaction():
        found = rows(
            connection,
            "update livesync.subscriptions set told = not told where wanted and"
            " ((not told and state = 'failing' and failures >= %s)"
            " or (told and state = 'active')) returning connection, told, error, failures",
            (TOLD_AFTER,),
        )
        for one in found:
            _tell(connection, one, now)
    return len(found)


def _tell(connection: Connection, one: Mapping[str, Any], now: datetime) -> None:
    kind = EventKind.UNSUBSCRIBED if one["told"] else EventKind.RECOVERED
    syncs = rows(
        connection,
        "select sync_id, project_id, config -> 'notify' as notify from livesync.syncs"
        " where connection = %s and state = 'active' order by sync_id",
        (one["connection"],),
    )
    for sync in syncs:
        notify = sync.pop("notify")
        document = {**sync, **_said(one)}
        seq = connection.execute(
            "insert into livesync.outbox (at, project_id, sync_id, kind, document)"
            " values (%s, %s, %s, %s, %s) returning seq",
            (now, sync["project_id"], sync["sync_id"], kind, Jsonb(document)),
        ).fetchone()
        assert seq is not None
        who = telling.concerns(EventKind.UNSUBSCRIBED)
        if to := telling.addresses(notify["on"], notify["to"], who):
            outbox.deliver(connection, seq[0], to, secret=None, now=now)


def _said(one: Mapping[str, Any]) -> dict[str, str]:
    name = one["connection"]
    if not one["told"]:
        return {"connection": name, "message": f"{name} is told of changes again.", "hint": ""}
    error = one["error"] or {}
    why = f"{error.get('message', '')} {error.get('hint', '')}".strip()
    return {
        "connection": name,
        "message": f"{name} is polled only, for it cannot be subscribed to: {why}",
        "hint": f"See `livesync webhooks {name}`. It is tried again.",
    }
