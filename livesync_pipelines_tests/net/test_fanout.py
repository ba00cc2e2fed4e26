from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from livesync_pipelines.net.fanout import fan_out


def test_answers_keep_the_order_of_the_items() -> None:
    assert list(fan_out(str, range(100), width=7)) == [str(n) for n in range(100)]


def test_work_is_done_side_by_side() -> None:
    everybody = threading.Barrier(4)

    def meet(item: int) -> int:
        everybody.wait(timeout=5)
        return item

    assert list(fan_out(meet, range(8), width=4)) == list(range(8))


def test_no_more_than_the_width_is_taken_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for n in range(100):
            taken.append(n)
            yield n

    answers = fan_out(str, items(), width=3)
    assert [next(answers), next(answers)] == ["0", "1"]
    assert taken == [0, 1, 2, 3]
    answers.close()


def test_a_reader_that_stops_leaves_no_thread_behind() -> None:
    done: list[int] = []
    answers = fan_out(done.append, range(1000), width=4)
    next(answers)
    answers.close()
    assert len(done) <= 8
    assert not [t for t in threading.enumerate() if t.name.startswith("fan-out")]


def test_what_the_work_raises_comes_out_at_its_place() -> None:
    def work(item: int) -> int:
        return 10 // (item - 3)

    answers = fan_out(work, range(10), width=4)
    assert [next(answers) for _ in range(3)] == [-4, -5, -10]
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_no_items_are_no_answers() -> None:
    assert list(fan_out(str, [], width=4)) == []
