"""How often each of many may do something, forgotten as soon as it does not matter any more."""

from __future__ import annotations

from dataclasses import dataclass, field

_FORGOTTEN_AT = 1_000


@dataclass(slots=True)
class Allowance:
    """`per_s` in any second, for each name (the generic cell rate algorithm: one number a name).

    Made for a path that is taken a thousand times a second: the libraries for it start a timer
    thread with every call, or wait where we refuse.
    """

    per_s: int
    _full_at: dict[str, float] = field(default_factory=dict)

    def take(self, name: str, now: float) -> float:
        """Zero, and one is taken; or the seconds to wait, and none is. `now` in seconds."""
        full_at = max(self._full_at.get(name, now), now)
        wait_s = full_at + 1 / self.per_s - (now + 1)
        if wait_s > 1e-9:
            return wait_s
        if len(self._full_at) >= _FORGOTTEN_AT:
            self._full_at = {n: at for n, at in self._full_at.items() if at > now}
        self._full_at[name] = full_at + 1 / self.per_s
        return 0.0
