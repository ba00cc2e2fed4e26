"""What is worth telling: the beginning of a trouble and its end, not all that lies between."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from livesync_pipelines.core.canon import storable
from livesync_pipelines.model.notice import EventKind
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import NotifyOn

KEY_CHARS = 200

Told = tuple[str, ...]
"""Marks of what was told since all was well: a kind, for failures with their code after a colon."""

_WANTED_BY: dict[EventKind, frozenset[NotifyOn]] = {
    EventKind.CHANGED: frozenset({NotifyOn.SUCCESS}),
    EventKind.PARTIAL: frozenset({NotifyOn.PARTIAL}),
    EventKind.FAILED: frozenset({NotifyOn.ERROR}),
    EventKind.PAUSED: frozenset({NotifyOn.ERROR}),
    EventKind.WAITING: frozenset({NotifyOn.APPROVAL}),
    EventKind.DEAD_LETTERS: frozenset({NotifyOn.ERROR, NotifyOn.PARTIAL}),
    EventKind.CONFLICT: frozenset({NotifyOn.CONFLICT}),
    EventKind.UNSUBSCRIBED: frozenset({NotifyOn.ERROR}),
}

_GOES_ON = frozenset({Status.SUCCESS, Status.PARTIAL, Status.WAITING, Status.RATE_LIMITED})
"""Ends after which the target is as it should be, as far as it goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an operation ended.

    - `changed`: how many items were changed in the target since that was last told.
    - `code`: of its error; empty without one.
    - `paused`: the sync rests now because of it.
    - `looked`: it asked the source, so that its success ends what was wrong.
    """

    status: Status
    changed: int
    code: str = ""
    paused: bool = False
    looked: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is told of an end, if anything; what has been told by then; and whom it concerns."""

    kind: EventKind | None
    told: Told
    concerns: frozenset[NotifyOn] = frozenset()


def verdict(end: End, told: Told) -> Verdict:
    """Each trouble is told once until the sync is well again, and then that it is."""
    over, left = _over(end, told)
    if over:
        return Verdict(EventKind.RECOVERED, left, _concerned(over, end))
    kind, marks = _trouble(end)
    if kind is not None and (end.paused or not set(marks) <= set(told)):
        return Verdict(kind, tuple(dict.fromkeys([*told, *marks])), _concerned([kind], end))
    if end.changed and end.status in _GOES_ON:
        return Verdict(EventKind.CHANGED, told, concerns(EventKind.CHANGED))
    return Verdict(None, told)


def concerns(kind: EventKind) -> frozenset[NotifyOn]:
    """Who wants to know of such an event, by what they asked to be told of."""
    return _WANTED_BY[kind]


def addresses(asked: Iterable[str], to: Iterable[str], who: Collection[NotifyOn]) -> list[str]:
    """The addresses of a sync's `notify` (its `on` and its `to`) that are told, each once."""
    return list(dict.fromkeys(to)) if any(NotifyOn(on) in who for on in asked) else []


def showable(error: Mapping[str, str], sync_id: str) -> dict[str, str]:
    """What may leave the house of an error: the words of an unforeseen one may quote content."""
    code, said, hint = error.get("code", ""), error.get("message", ""), error.get("hint", "")
    if code == "fault":
        said = f"A fault of LiveSync: {said.partition(':')[0]}"
        hint = f"See `livesync history {sync_id}`, and report it."
    return {"code": code, "message": said, "hint": hint}


def shown(key: str) -> str:
    """A key as it may be told: without the query string of a URL, and not endless."""
    bare = key.partition("?")[0] if "://" in key else key
    return storable(bare)[:KEY_CHARS]


def _trouble(end: End) -> tuple[EventKind | None, list[str]]:
    failure = f"{EventKind.FAILED}:{end.code}"
    if end.paused:
        return EventKind.PAUSED, [EventKind.PAUSED, failure]
    match end.status:
        case Status.FAILED | Status.CANCELLED:
            return EventKind.FAILED, [failure]
        case Status.WAITING:
            return EventKind.WAITING, [EventKind.WAITING]
        case Status.PARTIAL:
            return EventKind.PARTIAL, [EventKind.PARTIAL]
    return None, []


def _over(end: End, told: Told) -> tuple[Told, Told]:
    """Which of the marks are over with this end, and which stay. A run that only some items
    keep from success ends all but that."""
    if not end.looked or end.status not in {Status.SUCCESS, Status.PARTIAL}:
        return (), told
    stays = {EventKind.PARTIAL} if end.status is Status.PARTIAL else set()
    over = tuple(mark for mark in told if mark not in stays)
    return over, tuple(mark for mark in told if mark in stays)


def _concerned(marks: Iterable[str], end: End) -> frozenset[NotifyOn]:
    kinds = {EventKind(mark.partition(":")[0]) for mark in marks}
    if end.changed and end.status in _GOES_ON:
        kinds.add(EventKind.CHANGED)
    return frozenset(on for kind in kinds for on in concerns(kind))
