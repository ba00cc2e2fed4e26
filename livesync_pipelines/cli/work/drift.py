"""drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livesync_pipelines.cli.output import ago, emit, say, table
from livesync_pipelines.cli.work.session import House, open_house
from livesync_pipelines.engine import drift, report
from livesync_pipelines.model.errors import BadInput


def show_drift(sync_id: str, *, sample: bool, as_json: bool) -> None:
    """The drift document of a sync; `sample`: after a look at the items of today."""
    with open_house() as house:
        if sample:
            _look(house, sync_id)
        document = report.drift(house.engine, house.connection, sync_id)
        if as_json:
            emit(document)
        else:
            _show(house, document)


def _look(house: House, sync_id: str) -> None:
    items = house.settings.drift_sample
    if items == 0:
        raise BadInput(
            "LIVESYNC_DRIFT_SAMPLE is 0, so no item is looked at.",
            hint="Unset it, or set it to a number from 1 to 1000.",
        )
    drift.sample(house.engine, sync_id, items=items)


def _show(house: House, document: Mapping[str, Any]) -> None:
    sync_id, bound = document["sync_id"], document["upper_bound"]
    now = house.engine.now()
    if bound is None:
        say(f"{sync_id}: none of its items was looked at in the last {document['days']} days.")
    else:
        say(
            f"{sync_id}: at most {bound:.1%} of its items are out of step unnoticed "
            f"(at {document['confidence']:.0%} confidence)."
        )
        say(
            f"  {document['divergent']} of {document['samples']} that were looked at in the last "
            f"{document['days']} days; {document['lagging']} more wait for a run, "
            f"{document['unread']} could not be read."
        )
    if document["findings"]:
        shown = ("key", "outcome", "finding", "held", "seen")
        lines = ([*(f[n] for n in shown), ago(f["sampled_at"], now)] for f in document["findings"])
        table(("ITEM", "IS", "WHAT", "HELD", "AT THE SOURCE", "SEEN"), lines)
