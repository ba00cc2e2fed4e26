"""What somebody must know to work with a sandbox as if it were the vendors: the variables of the
environment, by whom they concern."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from livesync_pipelines.sandbox.confluence.site import API_TOKEN
from livesync_pipelines.sandbox.notion.workspace import SECRET
from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET

TOKENS = {"SANDBOX_API_TOKEN": API_TOKEN, "SANDBOX_NOTION_TOKEN": SECRET}
"""Those of the wiki and of Notion, which nobody has to ask for."""

_WITH_LOGIN = ("google", "dropbox", "notion")
_WITHOUT = ("confluence",)


def variables(address: str) -> Mapping[str, Mapping[str, str]]:
    """Where each vendor is, with the client that is registered there; and under `SANDBOX` the
    tokens of the wiki and of Notion, and a new secret for those who are called."""
    found = {
        name.upper(): {
            f"{name.upper()}_CLIENT_ID": CLIENT_ID,
            f"{name.upper()}_CLIENT_SECRET": CLIENT_SECRET,
            f"{name.upper()}_OAUTH_URL": f"{address}/{name}",
            f"{name.upper()}_API_URL": f"{address}/{name}",
        }
        for name in _WITH_LOGIN
    }
    found |= {name.upper(): {f"{name.upper()}_API_URL": f"{address}/{name}"} for name in _WITHOUT}
    return {**found, "SANDBOX": {**TOKENS, "SANDBOX_HOOK": secrets.token_urlsafe(24)}}
