"""Pure functions are asked many times over; on a shared machine one answer may be late."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
