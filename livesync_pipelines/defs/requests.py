"""Requests of the queue as runs of Dagster: how many syncs a run has, and what its tags say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import ceil

import dagster as dg
from dagster._core.storage.tags import PRIORITY_TAG

from livesync_pipelines.defs.assets import FULL_TAG
from livesync_pipelines.defs.coordinator import (
    GIVES_WAY_TAG,
    LAST,
    LONG,
    TAKES_LONG_TAG,
    TRIGGER_TAG,
)
from livesync_pipelines.defs.partitions import SYNCS_TAG
from livesync_pipelines.store.queue import Request

RUN_KEY_TAG = "dagster/run_key"

MOST = 20
"""So many syncs are in one run at most."""

_FEW = 3
"""So many are a run each, side by side: a run of several does one after the other. Of what is new
nobody knows how long it takes: it is shared out to so many runs."""


def job_name(platform: str) -> str:
    return f"sync_{platform}"


def job_of_several(platform: str) -> str:
    return f"sync_{platform}_together"


def run_requests(requests: Sequence[Request]) -> Iterator[dg.RunRequest]:
    """A run for each critical sync, first; one for each full resync and each sync that took long
    the last time; and for the rest of a platform as few runs as may be."""
    urgent = [request for request in requests if not request.rank]
    yield from map(_alone, urgent)
    rest = sorted((request for request in requests if request.rank), key=_kind)
    for (is_long, is_new, *_), group in groupby(rest, key=_kind):
        these = list(group)
        if is_long or len(these) <= _FEW:
            yield from map(_alone, these)
        else:
            runs = max(_FEW if is_new else 1, ceil(len(these) / MOST))
            yield from (_shared(these[first::runs]) for first in range(runs))


def _kind(request: Request) -> tuple[bool, bool, str, str, int]:
    is_long = request.full or request.takes_long is True
    is_new = request.takes_long is None
    return is_long, is_new, request.platform, str(request.trigger), request.rank


def _alone(request: Request) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=request.key,
        job_name=job_name(request.platform),
        partition_key=request.sync_id,
        tags=_tags(request),
    )


def _shared(requests: Sequence[Request]) -> dg.RunRequest:
    if len(requests) == 1:
        return _alone(requests[0])
    first = requests[0]
    keys = {request.sync_id: request.key for request in requests}
    return dg.RunRequest(
        run_key=f"{first.key}+{len(requests) - 1}",
        job_name=job_of_several(first.platform),
        tags={**_tags(first), SYNCS_TAG: json.dumps(keys)},
    )


def _tags(request: Request) -> dict[str, str]:
    tags = {
        TRIGGER_TAG: str(request.trigger),
        FULL_TAG: "true" if request.full else "false",
        PRIORITY_TAG: LAST if request.full else f"{1 - request.rank}",
    }
    if request.full or (request.rank and request.takes_long is not False):
        tags[GIVES_WAY_TAG] = LONG
    elif request.takes_long is not False:
        tags[TAKES_LONG_TAG] = "true"
    return tags


def keys_of(run: dg.DagsterRun) -> set[str]:
    """Of the requests that this run answers. The retry of a run of several has the tags of all, and
    the steps of some."""
    several: list[str] = list(json.loads(run.tags.get(SYNCS_TAG, "{}")).values())
    steps = run.step_keys_to_execute
    if several and steps is not None:
        mine = {int(step.rstrip("]").rpartition("_")[2]) for step in steps if step.endswith("]")}
        return {key for number, key in enumerate(several, 1) if number in mine}
    return {run.tags.get(RUN_KEY_TAG, ""), *several}
