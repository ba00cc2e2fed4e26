"""Which value a field gets where both ends have edited it, and why."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from livesync_pipelines.model.merge import OnDelete, Policy, Side

from .row_inside import Inside, merged_json, merged_list

Winner = Side | Literal["merged"] | None
"""Whose value stands; `merged`: neither's as a whole; None: the question is open."""

Kind = Literal["text", "list", "json"] | None
"""What there is inside the values of a column; None: nothing."""

_TIMES = {
    None: "the times do not tell which edit is later, so the source's stands",
    Side.SOURCE: "the source's edit is the later one",
    Side.TARGET: "the target's edit is the later one",
}


class Dispute(NamedTuple):
    """One field that both ends have changed, and not to the same: plain values. `agreed`: there
    is a base. `later`: the end with the later edit, where times tell. `unfit`: the target cannot
    hold what the source says."""

    base: Any
    source: Any
    target: Any
    agreed: bool
    later: Side | None
    unfit: bool = False


class Choice(NamedTuple):
    """`value` counts only where the winner is `merged`."""

    winner: Winner
    reason: str
    value: Any = None


def by_policy(policy: Policy, dispute: Dispute, kind: Kind) -> Choice:
    """What the policy says of it. A value of the source that the target cannot hold is never
    taken: where it is to stand, the question is open."""
    match policy:
        case Policy.SOURCE_WINS:
            return _carried(dispute, Choice(Side.SOURCE, "the source's value stands by policy"))
        case Policy.TARGET_WINS:
            return Choice(Side.TARGET, "the target's value stands by policy")
        case Policy.ASK_PERSON:
            return Choice(None, "a person is asked")
        case Policy.FIELD_MERGE | Policy.UNION if not dispute.unfit:
            return _brought_together(policy, dispute, kind) or _of_the_later(dispute)
    return _of_the_later(dispute)


def by_answer(answer: object, dispute: Dispute, kind: Kind) -> Choice:
    """What was answered: a side, a policy, or the value itself."""
    match answer:
        case Side():
            return _carried(dispute, Choice(answer, f"the {answer}'s value was chosen"))
        case Policy():
            return by_policy(answer, dispute, kind)
    return Choice("merged", "another value was chosen", answer)


def of_a_deletion(editor: Side, on_delete: OnDelete, answer: object = None) -> Choice:
    """What becomes of a row that `editor` edited and the other end deleted. The winner is the end
    whose state the row gets. An answer is a side, or a policy: one that names no side lets the
    edit survive.

    Raises `ValueError` for an answer that is neither."""
    what = f"edited at the {editor}, deleted at the {editor.other}"
    match answer:
        case Side():
            return Choice(answer, f"{what}: as was answered")
        case Policy.SOURCE_WINS | Policy.TARGET_WINS:
            side = Side.SOURCE if answer is Policy.SOURCE_WINS else Side.TARGET
            return Choice(side, f"{what}: as was answered")
        case Policy():
            asks = answer is Policy.ASK_PERSON
            on_delete = OnDelete.ASK_PERSON if asks else OnDelete.EDIT_SURVIVES
        case None:
            pass
        case _:
            raise ValueError(f"whether a row stays is answered with a side, not with {answer!r}")
    match on_delete:
        case OnDelete.EDIT_SURVIVES:
            return Choice(editor, f"{what}: the edit survives")
        case OnDelete.DELETE_WINS:
            return Choice(editor.other, f"{what}: the deletion stands")
    return Choice(None, f"{what}: a person is asked")


def _of_the_later(dispute: Dispute) -> Choice:
    if dispute.unfit and dispute.later is None:
        return Choice(Side.TARGET, "the times do not tell which edit is later, and only it fits")
    return _carried(dispute, Choice(dispute.later or Side.SOURCE, _TIMES[dispute.later]))


def _carried(dispute: Dispute, choice: Choice) -> Choice:
    """The choice, or an open question where it cannot be carried to the target."""
    if dispute.unfit and choice.winner is Side.SOURCE:
        return Choice(None, f"{choice.reason}, but it cannot be written to the target")
    return choice


def _brought_together(policy: Policy, dispute: Dispute, kind: Kind) -> Choice | None:
    """None where there is nothing inside to bring together."""
    base, source, target, agreed, later, _ = dispute
    if source is None or target is None:
        if agreed:
            return None
        side = Side.TARGET if source is None else Side.SOURCE
        return Choice(side, f"only the {side} has a value")
    inside = Inside(later or Side.SOURCE)
    value = _merged(policy, kind, inside, (base, source, target))
    if value is None or (inside.disputed and value in (source, target)):
        return None
    reason = "both edits are in it"
    if inside.disputed:
        reason = f"{reason}; where they are of the same part, {_TIMES[later]}"
    if value == source:
        return Choice(Side.SOURCE, reason)
    return Choice(Side.TARGET, reason) if value == target else Choice("merged", reason, value)


def _merged(policy: Policy, kind: Kind, inside: Inside, values: tuple[Any, Any, Any]) -> Any:
    base, source, target = values
    match kind:
        case "list":
            return merged_list(base or [], source, target)
        case "json" if policy is Policy.FIELD_MERGE or (_is_list(source) and _is_list(target)):
            return merged_json(inside, base, source, target)
        case "text" if policy is Policy.FIELD_MERGE:
            return inside.text(base or "", source, target)
    return None


def _is_list(json: str) -> bool:
    return json.startswith("[")
