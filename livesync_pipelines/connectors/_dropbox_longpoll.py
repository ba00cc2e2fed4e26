"""Dropbox's own notice that something has changed: a call that is answered when that is so.

`files/list_folder/longpoll` in `files.stone` of dropbox-api-spec, commit 0d994ebe, read 2026-11-22.
It is asked without credentials, and answered after half a minute at the soonest, with up to a
minute and a half of chance on top, where nothing happens.
"""

from __future__ import annotations

from dataclasses import replace
from threading import Event, Thread

from livesync_pipelines.connectors._api_client import client_for
from livesync_pipelines.connectors._dropbox_calls import DROPBOX, NOTIFY, api_of, judge, latest
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import CursorExpired, LiveSyncError
from livesync_pipelines.net.api import ANONYMOUS
from livesync_pipelines.net.pace import UNPACED

_ASKED_S = 30
_CHANCE_S = 90
_SPARE_S = 10.0


class Longpoll:
    """One thread, from the first `wait` on, that is always in such a call. After `close` it ends
    with the call that it is in, and keeps no process alive."""

    def __init__(self, limits: FetchLimits) -> None:
        """Its calls wait longer than others, and are not counted."""
        timeout_s = _ASKED_S + _CHANCE_S + _SPARE_S
        self._client = client_for(replace(limits, timeout_s=timeout_s, pacer=UNPACED))
        self._api = api_of(DROPBOX, self._client, limits, judge)
        self._notices = api_of(NOTIFY, self._client, limits, judge, ANONYMOUS)
        self._told = Event()
        self._over = Event()
        self._failed: LiveSyncError | None = None
        self._thread: Thread | None = None

    def wait(self, timeout_s: float) -> bool:
        """As `Watches.wait`. Raises what has ended the thread."""
        if self._thread is None:
            self._thread = Thread(target=self._listen, args=(latest(self._api, ""),), daemon=True)
            self._thread.start()
            return True
        if not self._told.wait(timeout_s):
            return False
        self._told.clear()
        if self._failed is not None:
            raise self._failed
        return True

    def close(self) -> None:
        self._over.set()
        if self._thread is None:
            self._client.close()

    def _listen(self, cursor: str) -> None:
        """The next cursor is taken before anybody is told, so that nothing lies between."""
        try:
            while not self._over.is_set():
                if self._changed(cursor) and not self._over.is_set():
                    cursor = latest(self._api, "")
                    self._told.set()
        except LiveSyncError as error:
            self._failed = error
            self._told.set()
        finally:
            self._client.close()

    def _changed(self, cursor: str) -> bool:
        """Whether something has, or may have: a cursor that is forgotten cannot tell."""
        asked = {"cursor": cursor, "timeout": _ASKED_S}
        try:
            said = self._notices.post("files/list_folder/longpoll", asked, repeats=True)
        except CursorExpired:
            return True
        self._over.wait(said.get("backoff", 0))
        return bool(said["changes"])
