"""What a user says of Confluence."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from livesync_pipelines.connectors._confluence_items import Kind
from livesync_pipelines.connectors.base import Options, Remote
from livesync_pipelines.core.spellings import HttpUrl

_USUAL: list[Kind] = ["page", "blogpost", "attachment"]

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\s,/]+$")]


class ConfluenceConnection(Remote):
    """`url`: that of the site, `https://NAME.atlassian.net`. `email` and `api_token` are of the
    account that reads: it syncs what that account sees."""

    url: HttpUrl
    email: str = Field(min_length=3)
    api_token: SecretStr


class ConfluenceSelection(Options):
    """`spaces`: their keys (none: all that the account sees). `labels`: pages and blog posts with
    any of these (none: all), and what hangs on them. `types`: what is read. `archived`: whether
    archived pages are kept."""

    spaces: list[Word] = Field(default=[])
    labels: list[Word] = Field(default=[])
    types: list[Kind] = Field(default=_USUAL, min_length=1)
    archived: bool = False
