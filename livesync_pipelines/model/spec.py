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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSpec:
    """One platform, as declared by its connector and held to it by the contract suite.

    - `ordered`: the listing comes in ascending key order (code points), so that a listing can
      be resumed after a key and absence is known range by range.
    - `identity`: a listing carries tokens by which a renamed item is recognised.
    - `explicit_deletes`: the source says itself that an item is gone (404, tombstone).
    - `runs_at_once`: how many runs of this platform may work side by side (Dagster pool).
    - `docs`: the vendor pages that the connector follows, each with the day it was read.
    """

    name: str
    title: str
    clock: Clock
    absence: Absence
    ordered: bool = False
    identity: bool = False
    explicit_deletes: bool = False
    runs_at_once: int = 4
    docs: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
