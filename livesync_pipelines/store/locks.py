"""The advisory locks of Postgres that our processes take: each has a number of its own."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class AdvisoryLock(IntEnum):
    """One lock for the whole house; or one each, where a second number says of which sync, run,
    project or process it is."""

    MIGRATION = 7_340_001
    SYNC = 7_340_002
    SWEEP = 7_340_003
    PLACE = 7_340_004
    RUN = 7_340_005
    WATCH = 7_340_006
    EVENTS = 7_340_007
    OWN_CALLERS = 7_340_008
    DAGSTER_STORAGE = 7_340_009
    SUBSCRIPTIONS = 7_340_021
