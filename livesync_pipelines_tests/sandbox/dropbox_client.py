"""Dropbox's own client for Python, pointed at a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import dropbox
import requests
from requests.adapters import HTTPAdapter

from livesync_pipelines.sandbox.dropbox.door import SCOPES
from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET

from .served import ADA, Sandbox

_NOT_YET = datetime(2100, 1, 1)
"""Without this the client renews every token before it uses it; it knows no zones."""


class _Elsewhere(HTTPAdapter):
    """Sends what is for one of Dropbox's hosts to a sandbox."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        request.url = f"{self._address}/dropbox{request.path_url}"
        return super().send(request, *args, **more)


@contextmanager
def dropbox_of(sandbox: Sandbox, person: str = ADA, *scopes: str) -> Iterator[dropbox.Dropbox]:
    """The client for one person; with all scopes, unless some are named."""
    tokens = sandbox.tokens(person, *(scopes or sorted(SCOPES)), vendor="dropbox")
    with requests.Session() as session:
        session.mount("https://", _Elsewhere(sandbox.address))
        yield dropbox.Dropbox(
            oauth2_access_token=tokens["access_token"],
            oauth2_refresh_token=tokens["refresh_token"],
            oauth2_access_token_expiration=_NOT_YET,
            app_key=CLIENT_ID,
            app_secret=CLIENT_SECRET,
            session=session,
            max_retries_on_error=0,
            max_retries_on_rate_limit=0,
        )


def entries(client: dropbox.Dropbox, path: str = "", **asked: Any) -> list[Any]:
    """All entries of a listing, page by page."""
    page = client.files_list_folder(path, recursive=True, **asked)
    told = list(page.entries)
    while page.has_more:
        page = client.files_list_folder_continue(page.cursor)
        told += page.entries
    return told


def latest(client: dropbox.Dropbox, path: str = "") -> str:
    """A cursor from which only what is to come is told."""
    return str(client.files_list_folder_get_latest_cursor(path, recursive=True).cursor)


def told_after(client: dropbox.Dropbox, cursor: str) -> list[Any]:
    """What a cursor tells of, to its end."""
    told, more = [], True
    while more:
        page = client.files_list_folder_continue(cursor)
        told += page.entries
        cursor, more = page.cursor, page.has_more
    return told
