"""The certificates that Amazon signs with, fetched for callers of whom nothing is proved yet.

So strangers choose what is asked for, of Amazon at least, and nothing that they name may hold up
or use up what others need: a certificate that is there is found beside every fetch, only so much
is fetched, and what is more is to be sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf
from threading import Lock
from time import monotonic

from cryptography import x509

from livesync_pipelines.core.allowance import Allowance
from livesync_pipelines.model.errors import LiveSyncError, Unavailable
from livesync_pipelines.net.client import Answer, Client

AT_ONCE = 4
"""So many certificates are fetched side by side."""

PER_MINUTE = 20
"""And so many in a minute. A region has one, and another one when Amazon changes it."""

FAILED_S = 10.0
"""So long a certificate that could not be had is not asked for again. SNS sends a message anew
after 20 seconds (https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.retry.html,
2026-11-22)."""

KEPT = 32
_LONGEST = 20_000
_PATIENCE_S = 5.0
_NOT_NOW = "The certificate that this message is signed with cannot be fetched at this moment."
_AGAIN = "Send it again."

Found = x509.Certificate | LiveSyncError | None
"""None: there is none at this address. An error is a value here, for whoever asked to raise."""


@dataclass(slots=True)
class _Asked:
    """`until`: when it may be asked for again; while it is being fetched, never."""

    found: Future[Found]
    until: float = inf


@dataclass(slots=True)
class Certificates:
    """One for each HTTP process; may be shared by threads. `clock` is in seconds."""

    client: Client | None = None
    clock: Callable[[], float] = monotonic
    _kept: dict[str, Future[Found]] = field(default_factory=dict)
    _asked: dict[str, _Asked] = field(default_factory=dict)
    _allowance: Allowance = field(default_factory=lambda: Allowance(PER_MINUTE))
    _lock: Lock = field(default_factory=Lock)
    _confirming: Lock = field(default_factory=Lock)
    _workers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, thread_name_prefix="certificates")
    )

    def ask(self, url: str) -> Future[Found]:
        """Done at once where it is known; else fetched, once for all who ask. Raises `Unavailable`
        where too much is being fetched."""
        with self._lock:
            kept = self._kept.pop(url, None)
            if kept is not None:
                self._kept[url] = kept  # what has been of no use for longest goes first
                return kept
            now = self.clock()
            self._asked = {name: one for name, one in self._asked.items() if one.until > now}
            if url not in self._asked:
                self._refuse_more(now)
                self._asked[url] = _Asked(self._workers.submit(self._fetch, url))
            return self._asked[url].found

    def at(self, url: str) -> x509.Certificate | None:
        """The certificate; None where there is none. Raises `Unavailable` where it cannot be had
        now, which names no address: whoever called hears that."""
        found = self.ask(url).result()
        if isinstance(found, LiveSyncError):
            raise Unavailable(_NOT_NOW, hint=_AGAIN) from found
        return found

    def confirm(self, url: str) -> None:
        """Tell Amazon that the subscription is wanted. Raises `Unavailable` where it does not
        take that or another one is being confirmed, and what the client raises."""
        if not self._confirming.acquire(blocking=False):
            raise Unavailable("Another subscription is being confirmed.", hint=_AGAIN)
        try:
            status = self._get(url).status
        finally:
            self._confirming.release()
        if not 200 <= status < 300:
            raise Unavailable(f"SNS answered {status} to the confirmation of a subscription")

    def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)
        if self.client is not None:
            self.client.close()

    def _refuse_more(self, now: float) -> None:
        fetching = sum(one.until == inf for one in self._asked.values())
        if fetching >= AT_ONCE or self._allowance.take("", now / 60) > 0:  # its unit is a minute
            raise Unavailable(_NOT_NOW, hint=_AGAIN)

    def _fetch(self, url: str) -> Found:
        found: Found = None
        try:
            found = _read(self._get(url).content)
        except LiveSyncError as error:
            found = error
        finally:
            self._settle(url, found)
        return found

    def _settle(self, url: str, found: Found) -> None:
        with self._lock:
            if not isinstance(found, x509.Certificate):
                self._asked[url].until = self.clock() + FAILED_S
                return
            if len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[url] = self._asked.pop(url).found

    def _get(self, url: str) -> Answer:
        with self._lock:
            if self.client is None:  # few installations ever need one
                self.client = Client(timeout_s=_PATIENCE_S, tries=2)
        return self.client.get(url, max_bytes=_LONGEST, follow=False)


def _read(pem: bytes) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None
