"""Loss asks first: whether a run may remove what it found to be absent."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from livesync_pipelines.model.errors import NeedsPerson
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.sync import Limits


def refusal(
    *,
    removals: Mapping[str, int],
    totals: Mapping[str, int],
    limits: Limits,
    waited: bool,
    ends: Collection[Side] = (Side.SOURCE,),
) -> str | None:
    """Why these removals must wait for a person, in one sentence; None when they may go on.

    Both are counts by root; `ends` are those that do not show the items any more. `totals` are the
    items that were in step before, without what this run has brought. A loss that is
    too large for its root is refused, and so is one that is too large for all of them. Where
    removals `waited` before, they are not fewer by what has come since: their share does not count.
    """
    gone = sum(removals.values())
    if gone <= limits.delete_items:
        return None
    whole = max(sum(totals.values()), gone)
    if gone > limits.delete_share * whole:
        return _sentence(gone, whole, "", _at(ends), limits)
    if waited:
        return (
            f"{gone} of {whole} items are gone at {_at(ends)}, and have waited since there were "
            f"fewer; more than {limits.delete_items} items that wait are not removed unasked."
        )
    for root, count in removals.items():
        total = max(totals.get(root, 0), count)
        if count > limits.delete_items and count > limits.delete_share * total:
            return _sentence(count, total, root, _at(ends), limits)
    return None


def _sentence(gone: int, total: int, root: str, at: str, limits: Limits) -> str:
    where = f" of '{root}'" if root else ""
    return (
        f"{gone} of {total} items{where} ({gone / total:.0%}) are gone at {at}; more than "
        f"{limits.delete_items} items and {limits.delete_share:.0%} are not removed unasked."
    )


def _at(ends: Collection[Side]) -> str:
    return " or ".join(f"the {side}" for side in Side if side in ends)


def waiting(sync_id: str, refusal: str, ends: Collection[Side] = (Side.SOURCE,)) -> dict[str, str]:
    """What the person is told whose approval is waited for."""
    return NeedsPerson(
        f"Nothing was removed: {refusal}",
        hint=f"If that is right, run `livesync sync approve {sync_id}` and then "
        f"`livesync sync run {sync_id}`; if not, mend {_at(ends)}.",
    ).as_dict()
