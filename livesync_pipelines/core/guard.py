"""Loss asks first: whether a run may remove what it found to be absent."""

from __future__ import annotations

from livesync_pipelines.model.sync import Limits


def refusal(*, removals: int, total: int, approved: int, limits: Limits) -> str | None:
    """Why these removals must wait for a person, in one sentence; None when they may go on.

    `total` is how many items were in step before (what came and went within this run counts
    too); `approved` how many removals a person has allowed for this run.
    """
    total = max(total, removals)
    if removals <= limits.delete_items or removals <= limits.delete_share * total:
        return None
    if removals <= approved:
        return None
    return (
        f"{removals} of {total} items ({removals / total:.0%}) are gone at the source; more than "
        f"{limits.delete_items} items and {limits.delete_share:.0%} are not removed unasked."
    )
