"""What a user says of a JSON API: where it is, what an item is, where the next page is."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import jmespath
from jmespath.exceptions import JMESPathTypeError
from pydantic import AfterValidator, Field, SecretStr, model_validator

from livesync_pipelines.connectors.base import Options, Remote
from livesync_pipelines.core.spellings import HttpUrl

ITSELF = "@"
"""JMESPath for what it is applied to."""

_PATH = re.compile(r"[^?#\s]*")


def _expression(words: str) -> str:
    """Raises `ValueError` for what is no JMESPath."""
    try:
        compiled = jmespath.compile(words)
        with suppress(JMESPathTypeError):  # nothing is what there is to look at
            compiled.search(None)
    except ValueError as error:
        said = str(error).splitlines()[0].rpartition(": ")[2].rstrip(":").lower()
        raise ValueError(f"{words!r} is no JMESPath: {said}") from None
    return words


def _path(words: str) -> str:
    if not _PATH.fullmatch(words):
        raise ValueError("give the path alone, below `url`: what is asked for goes into `params`")
    return words


def _base(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.query or parts.fragment:
        raise ValueError(
            "give the address alone: credentials go into `token`, `user` and `password` or "
            "`headers`, what is asked for into `path` and `params`"
        )
    return url


Path = Annotated[str, AfterValidator(_path)]
Expression = Annotated[str, AfterValidator(_expression)]
Param = Annotated[str, Field(min_length=1, pattern=r"^[^\s&=#]+$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]


class JsonApiConnection(Remote):
    """`url`: that below which every path lies. Who calls: `token` (Bearer), or `user` and
    `password` (Basic), or secret `headers` (`{x-api-key: ...}`), which go to this server alone.
    `allow_private`: whether it may be on a private address."""

    url: Annotated[HttpUrl, AfterValidator(_base)]
    token: SecretStr | None = None
    user: str | None = None
    password: SecretStr | None = None
    headers: dict[HeaderName, SecretStr] = Field(default={})
    allow_private: bool = False

    @model_validator(mode="after")
    def _is_one_way_to_call(self) -> JsonApiConnection:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        if self.token is not None and self.user is not None:
            raise ValueError("give a token, or user and password")
        secret = self.token or self.password or self.headers
        if secret and urlsplit(self.url).scheme != "https" and not self.allow_private:
            raise ValueError("credentials go over https:// only (or to a private address)")
        return self


class Linked(Options):
    """The `Link` header of an answer names the next page (RFC 8288)."""

    by: Literal["link"]


class Addressed(Options):
    """The answer holds the address of the next page `at` this place."""

    by: Literal["url"]
    at: Expression


class Cursored(Options):
    """The answer holds `at` this place what the next call says as `param`."""

    by: Literal["cursor"]
    at: Expression
    param: Param


class Numbered(Options):
    """Pages are numbered, from `first` on; one without items is behind the last."""

    by: Literal["page"]
    param: Param = "page"
    first: int = Field(default=1, ge=0)


class Counted(Options):
    """A call says how many items it passes over; a page without items is behind the last."""

    by: Literal["offset"]
    param: Param = "offset"


Paging = Annotated[Linked | Addressed | Cursored | Numbered | Counted, Field(discriminator="by")]


class Asked(Options):
    """What is asked for, and what of an answer is an item.

    - `params`: of every call whose address is not the API's own.
    - `items`: JMESPath of an answer that finds the list of its items.
    - `pages`: how the next page is found; without it there is one.
    """

    params: dict[Param, str | int | bool] = Field(default={})
    items: Expression = ITSELF
    pages: Paging | None = None


class JsonApiSelection(Asked):
    """`path`: below the connection's `url`. The rest is JMESPath of an item.

    - `id`: what tells items apart, a text or a number.
    - `text`: what it says, a text or a list of texts, in the form that `format` names; without it,
      an item is read as the JSON that it is.
    - `title`, `link` (for a person), `modified` (ISO 8601): of the document, where there are such.
    - `attributes`: more that is kept of it and can be searched by, each by its name.
    """

    path: Path = ""
    id: Expression = "id"
    text: Expression | None = None
    format: Literal["markdown", "html", "text"] = "markdown"
    title: Expression | None = None
    link: Expression | None = None
    modified: Expression | None = None
    attributes: dict[str, Expression] = Field(default={})


def found(expression: str, value: Any) -> Any:
    """What JMESPath finds; None where it finds nothing. Raises `ValueError` where its functions
    cannot take what they are given."""
    return jmespath.search(expression, value)
