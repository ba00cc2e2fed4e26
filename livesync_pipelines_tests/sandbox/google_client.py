"""Google's own client for Python, pointed at a sandbox."""

from __future__ import annotations

import json
from typing import Any

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc

from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET

from .served import ADA, Sandbox

DRIVE = "https://www.googleapis.com/auth/drive"
CALENDAR = "https://www.googleapis.com/auth/calendar"


def discovery(api: str = "drive") -> dict[str, Any]:
    """Google's description of the third version of an API, as the client ships it."""
    found: dict[str, Any] = json.loads(get_static_doc(api, "v3"))
    return found


def credentials(sandbox: Sandbox, person: str = ADA, *scopes: str) -> Credentials:
    tokens = sandbox.tokens(person, *(scopes or (DRIVE,)))
    return Credentials(  # type: ignore[no-untyped-call]  # it has no types
        token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        token_uri=f"{sandbox.address}/google/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )


def drive_of(sandbox: Sandbox, person: str = ADA, *scopes: str) -> Any:
    """The client's service object for one person."""
    return _service("drive", sandbox, person, *scopes)


def calendar_of(sandbox: Sandbox, person: str = ADA) -> Any:
    return _service("calendar", sandbox, person, CALENDAR)


def _service(api: str, sandbox: Sandbox, person: str, *scopes: str) -> Any:
    document = discovery(api) | {"rootUrl": f"{sandbox.address}/google/"}
    document["baseUrl"] = f"{sandbox.address}/google/{api}/v3/"
    return build_from_document(document, credentials=credentials(sandbox, person, *scopes))
