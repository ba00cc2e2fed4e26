"""The client: one polite, suspicious GET, and a POST that is sent once.

Says what an `Answer` is and when there is none. Redirects are followed by hand, so that every hop
passes the address check and no credential reaches another origin.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Self

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from livesync_pipelines.model.errors import OverBudget, RateLimited, Unavailable

from .address import Gate
from .decode import collect, decoded
from .pace import PATIENCE_S, UNPACED, Pace, Pacer
from .transport import PinnedTransport
from .url import call_name, callable_url, portable, redirect_target, with_userinfo
from .verdict import PERMANENT, BadAnswer, TooLarge, check
from .world import World

USER_AGENT = "LiveSync/0.1 (livesync-pipelines)"
MAX_REDIRECTS = 10
BODY_TIMEOUTS = 10
"""A body that trickles for longer than this many timeouts is given up."""

_BACKOFF = wait_random_exponential(multiplier=0.5, max=8.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said in the end.

    `url` is the URL after all redirects, `permanent_url` after the leading run of 301 and 308
    only; neither has userinfo or a fragment. Header names are in lower case. `content` is
    decoded, and empty unless the status is 2xx.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    content: bytes
    permanent_url: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """How much of which bodies is read."""

    max_bytes: int
    wants: Callable[[Mapping[str, str]], bool]


@dataclass(kw_only=True)
class Client:
    """One per connector instance; a context manager; may be shared by threads.

    - `allow_private`: True, or the hosts (as spelled in URLs) that may be on private addresses.
    - `timeout_s`: for connecting, and for each silence while reading.
    - `max_bytes`: of one decoded body.
    - `per_host_s`: pause between two calls to one host.
    - `pacer`: the budgets that every attempt is counted against.
    - `tls`: whom to trust instead of the authorities of `certifi`.
    - `tries`: in all, of one call, where the server or the way to it fails.
    """

    allow_private: bool | Collection[str] = False
    timeout_s: float = 30.0
    max_bytes: int = 50_000_000
    user_agent: str = USER_AGENT
    per_host_s: float = 0.0
    pacer: Pacer = UNPACED
    tries: int = 3
    tls: ssl.SSLContext | None = None
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self._pace = Pace(self.world, per_host_s=self.per_host_s, pacer=self.pacer)
        self._http = httpx.Client(
            transport=PinnedTransport(Gate(self.world.resolve, self.allow_private), self.tls),
            trust_env=False,
            timeout=self.timeout_s,
            headers={"user-agent": self.user_agent, "accept-encoding": "gzip"},
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def slow_down(self, host: str, pause_s: float) -> None:
        """This host asks for at least `pause_s` between two calls (`Crawl-delay`)."""
        self._pace.slow_down(host, pause_s)

    def pause_s(self, host: str) -> float:
        """What is left between two calls to this host, in seconds."""
        return self._pace.pause_s(host)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        follow: bool = True,
        wants: Callable[[Mapping[str, str]], bool] | None = None,
    ) -> Answer:
        """GET. 2xx, 304 and every 4xx but 408, 425 and 429 are answers.

        Redirects are followed, or with `follow` False come back as answers. A body whose headers
        are not what the caller `wants` is not read.

        Raises `RateLimited` (`OverBudget`), `Unavailable` (after all tries), `BadAnswer`
        (`TooLarge`) for what one item alone is to blame, `Refused` and `BadInput` for URLs that
        may not be called.
        """
        reading = _Reading(self.max_bytes if max_bytes is None else max_bytes, wants or _anything)
        here = callable_url(url)
        carried = with_userinfo(httpx.URL(url), httpx.Headers(headers))
        permanent: httpx.URL | None = None
        for _ in range(MAX_REDIRECTS + 1):
            response, content = self._patiently(here, carried, reading)
            target = redirect_target(response) if follow else None
            if target is None:
                return Answer(
                    status=response.status_code,
                    url=str(here),
                    headers=dict(response.headers),
                    content=content,
                    permanent_url=str(permanent or here),
                )
            if response.status_code not in PERMANENT:
                permanent = permanent or here
            carried = portable(carried, here, target)
            here = target
        raise BadAnswer(f"{call_name(here)} redirects more than {MAX_REDIRECTS} times")

    def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Answer:
        """POST, once: to send it again is for the caller to decide, who knows whether that does
        harm. No redirect is followed, no body is read. Raises as `get`; its messages name the
        host alone, for the path of such a URL is often all that keeps others out.
        """
        here = callable_url(url)
        carried = with_userinfo(httpx.URL(url), httpx.Headers(headers))
        request = self._http.build_request("POST", here, headers=carried, content=content)
        where = f"POST {here.scheme}://{here.netloc.decode('ascii')}"
        response, _ = self._exchange(request, _Reading(0, _nothing), where)
        return Answer(
            status=response.status_code,
            url=str(here),
            headers=dict(response.headers),
            content=b"",
            permanent_url=str(here),
        )

    def _patiently(
        self, url: httpx.URL, headers: httpx.Headers, reading: _Reading
    ) -> tuple[httpx.Response, bytes]:
        """One hop, tried again with full jitter while that may help."""
        retrying = Retrying(
            retry=retry_if_exception(_may_help),
            stop=lambda state: (
                stop_after_attempt(self.tries)(state) or state.upcoming_sleep > PATIENCE_S
            ),
            wait=_pause_s,
            sleep=self.world.sleep,
            reraise=True,
        )
        return retrying(self._once, url, headers, reading)

    def _once(
        self, url: httpx.URL, headers: httpx.Headers, reading: _Reading
    ) -> tuple[httpx.Response, bytes]:
        request = self._http.build_request("GET", url, headers=headers)
        return self._exchange(request, reading, call_name(url))

    def _exchange(
        self, request: httpx.Request, reading: _Reading, where: str
    ) -> tuple[httpx.Response, bytes]:
        self._pace.wait(request.url.host)
        try:
            with closing(self._http.send(request, stream=True, auth=None)) as response:
                check(response.status_code, response.headers, self.world.now(), where=where)
                return response, self._content(response, reading, where)
        except RateLimited as error:
            self._pace.hold(request.url.host, error.after_s)
            raise
        except httpx.TransportError as error:
            raise Unavailable(f"{where} failed: {_cause(error)}", where=where) from error

    def _content(self, response: httpx.Response, reading: _Reading, where: str) -> bytes:
        if not (response.is_success and reading.wants(response.headers)):
            return b""
        if response.status_code == 206:
            raise BadAnswer(f"{where} answered with a part that nobody asked for", where=where)
        if int(response.headers.get("content-length", 0)) > reading.max_bytes:
            raise TooLarge(f"{where} is longer than {reading.max_bytes} bytes", where=where)
        pieces = self._in_time(response.iter_raw(), where)
        encoding = response.headers.get("content-encoding", "")
        return collect(
            decoded(pieces, encoding, where=where), max_bytes=reading.max_bytes, where=where
        )

    def _in_time(self, pieces: Iterator[bytes], where: str) -> Iterator[bytes]:
        end_s = self.world.monotonic() + self.timeout_s * BODY_TIMEOUTS
        for piece in pieces:
            if self.world.monotonic() > end_s:
                raise Unavailable(f"{where} sends its body too slowly", where=where)
            yield piece


def _anything(headers: Mapping[str, str]) -> bool:
    return True


def _may_help(error: BaseException) -> bool:
    """Whether the same call may work when it is made again."""
    return isinstance(error, Unavailable) and not isinstance(error, OverBudget)


def _nothing(headers: Mapping[str, str]) -> bool:
    return False


def _pause_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.after_s if isinstance(error, RateLimited) else 0.0
    return asked_s + _BACKOFF(state)


def _cause(error: httpx.TransportError) -> str:
    """What went wrong; only a connect error's own words, for others may quote what was sent."""
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, httpx.ConnectError) else kind
