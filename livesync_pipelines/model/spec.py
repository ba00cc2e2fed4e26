"""What is known of a platform before the first call, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STAGES = ("source", "records", "deltas", "mapped_rows", "resolved_rows", "capsule_chunks")


class Absence(StrEnum):
    """What it means that a complete listing no longer shows an item."""

    DELETED = "deleted"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How the source stamps its changes.

    - `granularity_s`: the smallest step between two stamps, in seconds, rounded down (0 when
      versions are not times).
    - `trusted`: whether a changed item always shows a changed version.
    - `inclusive`: whether what has changed "since" a stamp includes what bears that stamp.
    - `late_s`: for how long after its stamp a change may stay invisible, in seconds (replicas, a
      search index that lags).
    - `zone`: in which the source reads a stamp that names none.
    """

    granularity_s: float
    trusted: bool = True
    inclusive: bool = True
    late_s: float = 0.0
    zone: str = "UTC"


class Scope(StrEnum):
    """Over what a budget is counted."""

    CONNECTION = "connection"
    HOST = "host"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Budget:
    """No more than `calls` in any window of `per_s` seconds, counted over one connection, over
    all connections of the platform to one host, or over all of the platform.

    It is a token bucket: `burst` calls may come at once, one more follows every `spacing_s`
    seconds. n calls then lie at least (n - burst) * spacing_s apart, so that call number
    `calls` + 1 is never in the same window as the first.
    """

    calls: int
    per_s: float
    scope: Scope = Scope.CONNECTION

    @property
    def burst(self) -> int:
        return max(1, self.calls // 10)

    @property
    def spacing_s(self) -> float:
        return self.per_s / (self.calls + 1 - self.burst)

    def __str__(self) -> str:
        return f"{self.calls} calls in {self.per_s:g} s per {self.scope}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """How accounts of a platform are connected: OAuth 2.0, authorisation code with PKCE.

    - `client`: what the variables of our client begin with: `GOOGLE` means GOOGLE_CLIENT_ID and
      GOOGLE_CLIENT_SECRET, and GOOGLE_OAUTH_URL, below which all these addresses are found when
      it is set, each under its own path.
    - `authorize`, `token`, `revoke`: the vendor's addresses; `revoke` empty where there is none.
    - `scopes`: all that the platform's connector needs to read; `separator` stands between them.
    - `writes`: scopes of which one more is needed to write, the widest first; `reads`: those of
      `scopes` that are not asked for beside one of them, for it lets what they let.
    - `extra`: parameters of the authorisation beside those of the standard.
    - `rotates`: each refresh spends its token and brings another one.
    - `basic`: the client shows its secret in a header, not in the body; `json`: bodies are JSON.
    - `whoami`: where the account's name is asked for (empty: it is in the answer with the tokens);
      `who`: the keys that lead to it there.
    """

    client: str
    authorize: str
    token: str
    revoke: str = ""
    scopes: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    separator: str = " "
    extra: tuple[tuple[str, str], ...] = ()
    rotates: bool = False
    basic: bool = False
    json: bool = False
    whoami: str = ""
    whoami_method: str = "GET"
    who: tuple[str, ...] = ()


class Lane(StrEnum):
    """Whose call it is: `backfill` may only take what `live` leaves of a budget."""

    LIVE = "live"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSpec:
    """One platform, as declared by its connector and held to it by the contract suite.

    - `ordered`: the listing comes in ascending key order (code points), so that a listing can
      be resumed after a key and absence is known range by range.
    - `identity`: a listing carries tokens by which a renamed item is recognised.
    - `identity_reused`: after an item has gone, its token may come to another one (inodes).
    - `explicit_deletes`: the source says itself that an item is gone (404, tombstone).
    - `runs_at_once`: how many runs of this platform may work side by side (Dagster pool).
    - `budgets`: how often the platform may be called; all of them hold at once.
    - `webhook`: the scheme of `auth.signatures` after which the platform signs its calls, or the
      neutral one where others call for it.
    - `subscribed_by`: the key of a connection that has the platform asked to tell us of changes:
      `webhook` (by the scheme above) where it calls us, else an option.
    - `oauth`: how an account is connected; None where a connection holds its own credentials.
    - `docs`: the vendor pages that the connector follows, each with the day it was read.
    """

    name: str
    title: str
    clock: Clock
    absence: Absence
    ordered: bool = False
    identity: bool = False
    identity_reused: bool = False
    explicit_deletes: bool = False
    runs_at_once: int = 4
    budgets: tuple[Budget, ...] = ()
    webhook: str = "standard"
    subscribed_by: str = ""
    oauth: OAuth | None = None
    docs: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()

    @property
    def vendor(self) -> str:
        """What the variables of the environment begin with that concern it, GOOGLE for one."""
        return self.oauth.client if self.oauth else self.name.upper()
