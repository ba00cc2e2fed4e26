"""Budgets whose every answer a test decides."""

from __future__ import annotations

from livesync_pipelines.net.pace import PATIENCE_S


class Ticker:
    """A pacer that says one wait after the other, the last one for ever, and remembers all."""

    def __init__(self, *waits_s: float, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        self.waits_s = list(waits_s) or [0.0]
        self.asked: list[str] = []
        self.held: list[tuple[str, float]] = []

    def take(self, host: str) -> float:
        self.asked.append(host)
        return self.waits_s.pop(0) if len(self.waits_s) > 1 else self.waits_s[0]

    def hold(self, host: str, for_s: float) -> None:
        self.held.append((host, for_s))
