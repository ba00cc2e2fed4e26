"""How long history is kept."""

from __future__ import annotations

from dataclasses import dataclass

RESTORABLE_DAYS = 30
"""A deletion can be undone for so long at least, however short the ledger is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Ages in days from which on something may go; None: never.

    - `operations`: operations that nothing refers to and that are not among a sync's newest, and
      what was told of them.
    - `ledger`: what superseded ledger entries, and deletions, say of an item.
    - `dagster`: Dagster's runs with their event logs.
    """

    operations: int | None = 90
    ledger: int | None = 365
    dagster: int | None = 30
