"""Rate limits: a bucket of tokens for each person at each vendor."""

from __future__ import annotations

from dataclasses import dataclass

from livesync_pipelines.sandbox.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """`calls` in every `per_s` seconds; `burst` of them may come at once."""

    calls: int
    per_s: float
    burst: int

    def __post_init__(self) -> None:
        if self.calls < 1 or self.per_s <= 0 or self.burst < 1:
            raise ValueError("calls and burst are 1 or more, and per_s is more than 0")

    @property
    def per_second(self) -> float:
        return self.calls / self.per_s


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at_s: float


class Limits:
    """No limit for a vendor unless one is set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limits: dict[str, Limit] = {}
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def set(self, vendor: str, limit: Limit | None) -> None:
        """None lifts it. Everybody begins with a full bucket."""
        self._buckets = {key: kept for key, kept in self._buckets.items() if key[0] != vendor}
        self._limits.pop(vendor, None)
        if limit is not None:
            self._limits[vendor] = limit

    def of(self, vendor: str) -> Limit | None:
        return self._limits.get(vendor)

    def wait_s(self, vendor: str, person: str) -> float:
        """0.0, and the call is counted; or so many seconds until one is free again."""
        limit = self._limits.get(vendor)
        if limit is None:
            return 0.0
        now_s = self._clock.now_s()
        bucket = self._buckets.setdefault((vendor, person), _Bucket(limit.burst, now_s))
        gained = (now_s - bucket.filled_at_s) * limit.per_second
        bucket.tokens = min(float(limit.burst), bucket.tokens + gained)
        bucket.filled_at_s = now_s
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / limit.per_second
