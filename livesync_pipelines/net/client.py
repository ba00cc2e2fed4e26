"""The client: one polite, suspicious way to call.

Says what an `Answer` is and when there is none. Redirects are followed by hand, so that every hop
passes the address check and no credential reaches another origin. `get` is for pages that anybody
may read, `call` and `download` for APIs, `post` for messages that are sent once.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import IO, Self

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from livesync_pipelines.model.errors import RateLimited, Unavailable

from .address import Gate
from .asking import (
    PLAIN,
    SAFE,
    Ask,
    Terms,
    asked,
    is_too_long,
    is_undone,
    may_help,
    pause_s,
    unclear,
)
from .judging import Refusal
from .pace import UNPACED, Pace, Pacer
from .reading import REFUSAL_BYTES, Reading, Spooled, Whole, anything, nothing
from .transport import PinnedTransport
from .url import call_name, portable, redirect_target
from .verdict import PERMANENT, BadAnswer, Conflict, Unsent, check
from .world import World

USER_AGENT = "LiveSync/0.1 (livesync-pipelines)"
MAX_REDIRECTS = 10
BODY_TIMEOUTS = 10
"""A body that trickles for longer than this many timeouts is given up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said in the end.

    `url` is the URL after all redirects, `permanent_url` after the leading run of 301 and 308
    only; neither has userinfo or a fragment. Header names are in lower case. `content` is
    decoded; of a page it is empty unless the status is 2xx, of a download it went elsewhere.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    content: bytes
    permanent_url: str


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
        wants: Callable[[Mapping[str, str]], bool] = anything,
    ) -> Answer:
        """GET. 2xx, 304 and every 4xx but 408, 425 and 429 are answers.

        Redirects are followed, or with `follow` False come back as answers. A body whose headers
        are not what the caller `wants` is not read.

        Raises `RateLimited` (`OverBudget`), `Unavailable` (after all tries), `BadAnswer`
        (`TooLarge`) for what one item alone is to blame, `Refused` and `BadInput` for URLs that
        may not be called.
        """
        reading = Whole(max_bytes=self._most(max_bytes), wants=wants)
        return self._followed(asked("GET", url, headers), reading, follow=follow)

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        terms: Terms = PLAIN,
    ) -> Answer:
        """A call of an API. Every status below 400 is an answer; a redirect is followed where
        nothing is to be changed, and otherwise an answer too.

        It is tried again while that may help and does no harm: where it changes nothing, may be
        repeated (DELETE, PUT with a precondition, an idempotency key, `terms.repeats`), or was
        certainly not carried out (429, 503 with `Retry-After`, nobody reached).

        Raises, beside what the judge says and what `get` raises, `Unclear` where it may have been
        carried out: look before asking again.
        """
        ask = asked(method, url, headers, content, terms)
        reading = Whole(max_bytes=self._most(terms.max_bytes), refusal_bytes=REFUSAL_BYTES)
        return self._followed(ask, reading, follow=method in SAFE)

    def download(
        self,
        url: str,
        into: IO[bytes],
        *,
        headers: Mapping[str, str] | None = None,
        terms: Terms = PLAIN,
        method: str = "GET",
    ) -> Answer:
        """A body onto an open, empty, seekable file, piece by piece. A try after one that broke
        off goes on where it ended, if the server offers that. Raises as `call` does; what is in
        the file then is of no use."""
        ask = asked(method, url, headers, None, replace(terms, repeats=True))
        return self._followed(ask, Spooled(into=into, max_bytes=self._most(terms.max_bytes)))

    def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Answer:
        """POST, once: to send it again is for the caller to decide, who knows whether that does
        harm. No redirect is followed, no body is read. Raises as `get`; its messages name the
        host alone, for the path of such a URL is often all that keeps others out.
        """
        ask = asked("POST", url, headers, content)
        where = f"POST {ask.url.scheme}://{ask.url.netloc.decode('ascii')}"
        response, _ = self._once(replace(ask, where=where), Whole(max_bytes=0, wants=nothing))
        return _answer(response, b"", None)

    def _most(self, max_bytes: int | None) -> int:
        return self.max_bytes if max_bytes is None else max_bytes

    def _followed(self, ask: Ask, reading: Reading, *, follow: bool = True) -> Answer:
        permanent: httpx.URL | None = None
        for _ in range(MAX_REDIRECTS + 1):
            response, content = self._patiently(ask, reading)
            target = redirect_target(response) if follow else None
            if target is None:
                return _answer(response, content, permanent)
            if response.status_code not in PERMANENT:
                permanent = permanent or ask.url
            carried = portable(ask.headers, ask.url, target)
            where = call_name(target, ask.method)
            ask = replace(ask, url=target, headers=carried, where=where)
        raise BadAnswer(f"{ask.where} redirects more than {MAX_REDIRECTS} times")

    def _patiently(self, ask: Ask, reading: Reading) -> tuple[httpx.Response, bytes]:
        """One hop, tried again with full jitter while that may help."""
        doubtful = False

        def attempt() -> tuple[httpx.Response, bytes]:
            nonlocal doubtful
            try:
                return self._once(ask, reading)
            except Conflict as error:
                if doubtful:  # with what an earlier try of ours has done
                    raise unclear(ask, error) from error
                raise
            except Unavailable as error:
                doubtful = doubtful or (ask.changes and not is_undone(error))
                if doubtful and not may_help(ask, error):
                    raise unclear(ask, error) from error
                raise

        retrying = Retrying(
            retry=retry_if_exception(lambda error: may_help(ask, error)),
            stop=lambda state: stop_after_attempt(self.tries)(state) or is_too_long(state),
            wait=pause_s,
            sleep=self.world.sleep,
            reraise=True,
        )
        return retrying(attempt)

    def _once(self, ask: Ask, reading: Reading) -> tuple[httpx.Response, bytes]:
        request = self._http.build_request(
            ask.method, ask.url, headers=ask.headers, content=ask.content
        )
        request.headers.update(reading.asks())
        host = ask.url.host
        self._pace.wait(host)
        try:
            with closing(self._http.send(request, stream=True, auth=None)) as response:
                pieces = self._in_time(response.iter_raw(), ask.where)
                content = reading.read(response, pieces, ask.where)
                self._judged(ask, response, content)
                return response, content
        except RateLimited as error:
            self._pace.hold(host, error.after_s)
            raise
        except httpx.TransportError as error:
            kind = Unsent if isinstance(error, _NOT_SENT) else Unavailable
            raise kind(f"{ask.where} failed: {_cause(error)}", where=ask.where) from error

    def _judged(self, ask: Ask, response: httpx.Response, content: bytes) -> None:
        """Raise what a refusal means."""
        status, now = response.status_code, self.world.now()
        if ask.judge is not None and status >= 400:
            error = ask.judge(
                Refusal(
                    status=status,
                    headers=response.headers,
                    content=content,
                    where=ask.where,
                    at=now,
                )
            )
            if error is not None:
                raise error
        check(status, response.headers, now, where=ask.where, content=content)

    def _in_time(self, pieces: Iterator[bytes], where: str) -> Iterator[bytes]:
        end_s = self.world.monotonic() + self.timeout_s * BODY_TIMEOUTS
        for piece in pieces:
            if self.world.monotonic() > end_s:
                raise Unavailable(f"{where} sends its body too slowly", where=where)
            yield piece


_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def _answer(response: httpx.Response, content: bytes, permanent: httpx.URL | None) -> Answer:
    return Answer(
        status=response.status_code,
        url=str(response.request.url),
        headers=dict(response.headers),
        content=content,
        permanent_url=str(permanent or response.request.url),
    )


def _cause(error: httpx.TransportError) -> str:
    """What went wrong; only a connect error's own words, for others may quote what was sent."""
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, httpx.ConnectError) else kind
