"""sync plan: what a run would write."""

from __future__ import annotations

from livesync_pipelines.cli.output import emit, note, say, table
from livesync_pipelines.cli.work.session import open_house
from livesync_pipelines.cli.work.syncs import EXITS, show_counts
from livesync_pipelines.engine.plan import SHOWN_ITEMS, Plan, plan_sync
from livesync_pipelines.engine.triggers import refuse_idle


def show_plan(sync_id: str, *, full: bool, as_json: bool) -> int:
    """Rehearse a run; returns the exit code of its status."""
    with open_house() as house:
        refuse_idle(house.engine, house.connection, sync_id)
        plan = plan_sync(house.engine, sync_id, full=full)
    if as_json:
        emit(plan.as_dict())
    else:
        _show(sync_id, plan)
    return EXITS.get(plan.result.status, 1)


def _show(sync_id: str, plan: Plan) -> None:
    told, changes = plan.as_dict(), plan.result.counts.synced_items
    if told["items"]:
        rows = ((i["op"], i["key"], ", ".join(i["fields"]) or "-") for i in told["items"])
        table(("OP", "ITEM", "CHANGED"), rows)
        say()
    if changes > SHOWN_ITEMS:
        say(f"... the first {SHOWN_ITEMS} of {changes}.")
    say(f"{sync_id} would be: {told['status']}")
    say(f"  {show_counts(told)}")
    say(f"  plan {plan.plan_hash}")
    if plan.result.error:
        note(plan.result.error["message"])
        note(plan.result.error.get("hint", ""))
