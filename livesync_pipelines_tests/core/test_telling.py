from __future__ import annotations

import pytest

from livesync_pipelines.core.telling import End, Told, addresses, verdict
from livesync_pipelines.model.notice import EventKind as Kind
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import NotifyOn as On

FAILED, FINE, PARTLY = Status.FAILED, Status.SUCCESS, Status.PARTIAL
WAITING, LIMITED = Status.WAITING, Status.RATE_LIMITED
BEGAN, OVER = Kind.FAILED, Kind.RECOVERED


def end(status: Status, changed: int = 0, code: str = "", *, paused: bool = False) -> End:
    return End(status=status, changed=changed, code=code, paused=paused)


AWAY, OTHER = end(FAILED, code="away"), end(FAILED, code="other")
RESTS = end(FAILED, code="away", paused=True)


def told(ends: list[End]) -> list[Kind | None]:
    """What is told of these ends, one after the other."""
    before: Told = ()
    kinds = []
    for each in ends:
        found = verdict(each, before)
        kinds.append(found.kind)
        before = found.told
    return kinds


@pytest.mark.parametrize(
    ("ends", "kinds"),
    [
        ([end(FINE), end(FINE)], [None, None]),
        ([end(FINE, 3), end(FINE)], [Kind.CHANGED, None]),
        ([AWAY, AWAY, AWAY, end(FINE), end(FINE)], [BEGAN, None, None, OVER, None]),
        ([AWAY, OTHER, AWAY, OTHER], [BEGAN, BEGAN, None, None]),
        ([AWAY, end(FINE), AWAY, end(FINE)], [BEGAN, OVER, BEGAN, OVER]),
        ([AWAY, AWAY, RESTS], [BEGAN, None, Kind.PAUSED]),
        ([RESTS, RESTS, end(FINE)], [Kind.PAUSED, Kind.PAUSED, OVER]),
        ([end(WAITING), end(WAITING), end(FINE, 30)], [Kind.WAITING, None, OVER]),
        ([end(PARTLY), end(PARTLY), end(PARTLY, 1)], [Kind.PARTIAL, None, Kind.CHANGED]),
        ([end(PARTLY), end(FINE, 1), end(FINE)], [Kind.PARTIAL, OVER, None]),
        ([end(PARTLY), AWAY, end(PARTLY), end(PARTLY)], [Kind.PARTIAL, BEGAN, OVER, None]),
        ([AWAY, end(PARTLY), end(PARTLY)], [BEGAN, OVER, Kind.PARTIAL]),
        ([end(LIMITED), end(LIMITED, 2)], [None, Kind.CHANGED]),
        ([AWAY, end(LIMITED), AWAY], [BEGAN, None, None]),
        ([end(FAILED, 5, "away"), end(FAILED, 5, "away")], [BEGAN, None]),
        ([end(WAITING, 1), end(WAITING, 1)], [Kind.WAITING, Kind.CHANGED]),
    ],
)
def test_a_trouble_is_told_when_it_begins_and_when_it_is_over(
    ends: list[End], kinds: list[Kind | None]
) -> None:
    assert told(ends) == kinds


def test_a_replay_that_works_does_not_say_that_the_source_does() -> None:
    before = verdict(end(FAILED, 0, "a"), ()).told
    replayed = End(status=FINE, changed=2, looked=False)
    assert verdict(replayed, before).kind is Kind.CHANGED
    assert verdict(replayed, before).told == before


def test_who_was_told_that_it_began_is_told_that_it_is_over() -> None:
    before: Told = ()
    for each in (end(FAILED, 0, "a"), end(Status.WAITING)):
        before = verdict(each, before).told
    assert verdict(end(FINE), before).concerns == {On.ERROR, On.APPROVAL}
    assert verdict(end(FINE, 1), before).concerns == {On.ERROR, On.APPROVAL, On.SUCCESS}


def test_who_wants_to_know_of_changes_hears_of_them_whatever_else_there_is_to_tell() -> None:
    assert verdict(end(PARTLY, 1), ()).concerns == {On.PARTIAL, On.SUCCESS}
    assert verdict(end(WAITING, 1), ()).concerns == {On.APPROVAL, On.SUCCESS}
    assert verdict(end(FAILED, 1), ()).concerns == {On.ERROR}, "they are told when it works again"


def test_an_address_is_told_once_and_only_of_what_it_asked_for() -> None:
    assert addresses(["error"], ["b", "a", "b"], {On.ERROR}) == ["b", "a"]
    assert addresses(["success", "partial"], ["a"], {On.ERROR}) == []
    assert addresses([], ["a"], {On.ERROR}) == []
