"""One vendor's API, called for one account: its credentials, its paths, its words for errors.

Credentials go with calls to the API's own origin and to nothing else: not along a redirect, and not
to a URL of another origin that an answer named (a pre-signed download, a next page).
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any, Protocol, TypeVar

import httpx

from livesync_pipelines.model.errors import BadInput, LiveSyncError, Unavailable

from .asking import PLAIN, Terms
from .client import Answer, Client
from .judging import Judge, Refusal, judged_by
from .verdict import BadAnswer, Unauthorised

T = TypeVar("T")
Params = Mapping[str, str | int | bool]


class Account(Protocol):
    """In whose name an API is called. May be used by several threads."""

    def headers(self) -> Mapping[str, str]:
        """The credentials, as headers. Raises `Reauthorise` where there are none any more."""

    def renewed(self) -> bool:
        """After a 401: whether there are other credentials now, so that one more try makes
        sense."""


class Anonymous:
    """No credentials at all."""

    def headers(self) -> Mapping[str, str]:
        return {}

    def renewed(self) -> bool:
        return False


ANONYMOUS = Anonymous()


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that is what it is: nothing renews it."""

    token: str

    def __repr__(self) -> str:
        return "Bearer(...)"

    def headers(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def renewed(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and its password or token (RFC 7617), which nothing renews."""

    user: str
    token: str

    def __repr__(self) -> str:
        return "Basic(...)"

    def headers(self) -> Mapping[str, str]:
        coded = b64encode(f"{self.user}:{self.token}".encode()).decode()
        return {"authorization": f"Basic {coded}"}

    def renewed(self) -> bool:
        return False


def silent(refusal: Refusal) -> LiveSyncError | None:
    """Of a vendor whose refusals mean what HTTP says."""
    return None


class Api:
    """Calls below `base_url`, a vendor's address that ends where its paths begin.

    A path is below it (`files/1`); a URL of its own stands for itself. `judge` is asked what a
    refusal means before HTTP is.
    """

    def __init__(
        self,
        client: Client,
        base_url: str,
        account: Account,
        judge: Judge = silent,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._base = httpx.URL(base_url.rstrip("/") + "/")
        self._account = account
        self._judge = judged_by(judge)
        self._headers = dict(headers or {})

    def get(self, path: str, params: Params | None = None) -> Any:
        """The JSON that a path answers with."""
        return self.json("GET", path, params)

    def json(self, method: str, path: str, params: Params | None = None) -> Any:
        """The JSON that a call without a body answers with."""
        return parsed(self.call(method, path, params=params))

    def post(self, path: str, body: Any, *, repeats: bool | None = None) -> Any:
        """The JSON that a path answers a JSON body with. `repeats`: as in `Terms`; True for what
        only asks."""
        return parsed(self.call("POST", path, body=body, terms=Terms(repeats=repeats)))

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        terms: Terms = PLAIN,
    ) -> Answer:
        """One call; `body` goes as it is where it is bytes, as JSON where it is anything but None.
        The judge of `terms` is the API's own. Raises as `Client.call`, and `BadInput` for what JSON
        cannot say; that is not sent."""
        url = self.url(path, params)
        content, kind = _spelled(body, self._base.host)
        fixed = {**self._headers, **kind, **dict(headers or {})}
        judged = replace(terms, judge=self._judge)
        return self._signed(
            url,
            fixed,
            lambda said: self._client.call(
                method, url, headers=said, content=content, terms=judged
            ),
        )

    def download(
        self,
        path: str,
        into: IO[bytes],
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        method: str = "GET",
    ) -> Answer:
        """A body onto an open, empty, seekable file. Raises as `Client.download`."""
        url = self.url(path, params)
        terms = Terms(judge=self._judge, max_bytes=max_bytes)
        return self._signed(
            url,
            {**self._headers, **dict(headers or {})},
            lambda said: self._client.download(url, into, headers=said, terms=terms, method=method),
        )

    def url(self, path: str, params: Params | None = None) -> str:
        """The whole address, its query added to one that it has."""
        own = path.startswith(("http://", "https://"))
        url = httpx.URL(path if own else f"{self._base}{path.lstrip('/')}")
        return str(url.copy_merge_params({k: _text(v) for k, v in (params or {}).items()}))

    def owns(self, url: str) -> bool:
        """Whether a call of this address would carry the credentials."""
        try:
            asked = httpx.URL(url)
        except httpx.InvalidURL:
            return False
        mine = self._base
        return (asked.scheme, asked.host, asked.port) == (mine.scheme, mine.host, mine.port)

    def _signed(
        self, url: str, fixed: Mapping[str, str], make: Callable[[Mapping[str, str]], Answer]
    ) -> Answer:
        """A call with credentials, made once more where these are refused and there are others.

        Raises `Unavailable` where those are refused too that were given a moment ago: whether an
        account was revoked is for its vendor's login to say.
        """
        if not self.owns(url):
            return make(fixed)
        try:
            return make({**fixed, **self._account.headers()})
        except Unauthorised:
            if not self._account.renewed():
                raise
        try:
            return make({**fixed, **self._account.headers()})
        except Unauthorised as error:
            raise Unavailable(
                f"{error.message}, also with a token that was given a moment ago",
                hint="It is tried again. Where it lasts, connect the account again.",
                where=error.where,
            ) from error


def parsed(answer: Answer) -> Any:
    """The JSON of an answer, None for no body. Raises `BadAnswer` for what is none (a login page,
    say)."""
    if not answer.content:
        return None
    try:
        return json.loads(answer.content)
    except ValueError as error:
        host = httpx.URL(answer.url).host
        raise BadAnswer(f"{host} answered with something that is no JSON", where=host) from error


def paged(
    ask: Callable[[str | None], T], after: Callable[[T], str | None], start: str | None = None
) -> Iterator[T]:
    """Pages, from the one that a token (None: the first) leads to, while each names the next one.

    Raises `BadAnswer` where a token comes a second time: that listing would never end.
    """
    token, seen = start, {start}
    while True:
        page = ask(token)
        yield page
        token = after(page)
        if not token:
            return
        if token in seen:
            raise BadAnswer("a listing names a page that it has shown before, and has no end")
        seen.add(token)


def _spelled(body: Any, host: str) -> tuple[bytes | None, Mapping[str, str]]:
    if body is None or isinstance(body, bytes):
        return body, {}
    try:
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise BadInput(
            f"what was to be sent to {host} holds something that JSON cannot say",
            hint="A number must be finite (no NaN, no Infinity), and a text whole characters.",
            where=host,
        ) from error
    return content, {"content-type": "application/json"}


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
