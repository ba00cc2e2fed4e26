"""What a user says of Confluence."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints

from livesync_pipelines.connectors._confluence_items import Kind
from livesync_pipelines.connectors.base import Options, Remote
from livesync_pipelines.core.spellings import HttpUrl

CLOUD = ".atlassian.net"
_USUAL: list[Kind] = ["page", "blogpost", "attachment"]

_PAGE = re.compile(r"https://[^/]+/wiki/spaces/[^/]+/pages/(\d+)(?:[/?#].*)?")

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\s,/]+$")]


def _site(url: str) -> str:
    parts = urlsplit(url)
    name = (parts.hostname or "").removesuffix(CLOUD)
    if not name or "." in name or f"https://{name}{CLOUD}" != url.removesuffix("/wiki").lower():
        raise ValueError("give the address of the site: https://NAME.atlassian.net")
    return url.removesuffix("/wiki")


def _page_id(said: object) -> str:
    """The id of a page, of its address too. Raises `ValueError`."""
    text = str(said).strip()
    found = _PAGE.fullmatch(text)
    page_id = found[1] if found else text
    if page_id and not page_id.isdecimal():
        raise ValueError("give the id of a page, or its address: https://NAME.atlassian.net/...")
    return page_id


class ConfluenceConnection(Remote):
    """`url`: that of the site, `https://NAME.atlassian.net`: a token is good for all sites of its
    owner, and goes to no host that is not Atlassian's. `email` and `api_token` are of the account
    that reads: it syncs what that account sees."""

    url: Annotated[HttpUrl, AfterValidator(_site)]
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


class ConfluencePagesSelection(Options):
    """`space`: its key. `parent`: the page below which all pages are made, its id or its address;
    without one, the space's home page."""

    space: Word
    parent: Annotated[str, BeforeValidator(_page_id)] = ""
