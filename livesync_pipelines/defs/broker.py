"""The broker of one machine: a folder, where each message is a file. Larger houses have Redis or
RabbitMQ (LIVESYNC_BROKER_URL).

Kombu's own transport of this kind opens a message's file under its last name and writes it then.
A worker that looks often finds it empty, and dies of it; the message is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, filesystem

from livesync_pipelines.settings import Settings, made

_LOOK_S = 0.02
"""How often a worker looks into the folder."""


class Channel(filesystem.Channel):
    """Messages get their name when they are whole, and are taken by renaming them."""

    def _put(  # type: ignore[override]  # its two bases call the message by different names
        self, queue: str, payload: Mapping[str, Any], **_: Any
    ) -> None:
        folder = Path(self.data_folder_out)
        name = f"{time_ns()}-{uuid4().hex}"
        unfinished = folder / f"{name}.tmp"
        unfinished.write_text(json.dumps(payload), "utf-8")
        unfinished.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for file in sorted(Path(self.data_folder_in).glob(f"*.{queue}.msg")):
            taken = file.with_suffix(f".{uuid4().hex}")
            try:
                file.rename(taken)
            except FileNotFoundError:
                continue  # another worker was faster
            message = json.loads(taken.read_text("utf-8"))
            taken.unlink()
            return message
        raise Empty


class Transport(filesystem.Transport):
    """Looked into from the worker's event loop. Without one, Celery has a pool whose processes wait
    for work under one lock, and the death of the process that holds it is the end of them all."""

    Channel = Channel
    implements = filesystem.Transport.implements.extend(asynchronous=True)

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        loop.call_repeatedly(_LOOK_S, self._look, (connection,))

    def _look(self, connection: Any) -> None:
        with suppress(TimeoutError):
            while True:
                self.drain_events(connection, timeout=0)  # type: ignore[no-untyped-call]  # it has none


TRANSPORT_ALIASES["folder"] = f"{__name__}:Transport"


def broker_of(settings: Settings) -> Mapping[str, Any]:
    """What Celery is told of the broker."""
    if settings.broker_url is not None:
        return {"broker_url": settings.broker_url.get_secret_value()}
    queue = f"{made(settings.home / 'broker' / 'queue')}"
    return {
        "broker_url": "folder://localhost",
        "broker_transport_options": {
            "data_folder_in": queue,
            "data_folder_out": queue,
            "control_folder": f"{made(settings.home / 'broker' / 'control')}",
            "polling_interval": _LOOK_S,
        },
    }
