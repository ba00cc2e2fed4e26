"""The one bounded fan-out: many calls side by side, answers in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def fan_out(work: Callable[[T], R], items: Iterable[T], *, width: int) -> Generator[R, None, None]:
    """`map(work, items)` with at most `width` items taken ahead of the reader.

    What `work` raises is raised here, at its place in the order. When the reader stops early
    or something is raised, what has not begun never begins, and what has begun is waited for.
    """
    ahead: deque[Future[R]] = deque()
    with ThreadPoolExecutor(max_workers=width, thread_name_prefix="fan-out") as pool:
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) >= width:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
