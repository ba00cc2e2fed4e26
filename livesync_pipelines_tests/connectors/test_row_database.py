"""The database that sorts the rows of files."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import pytest

from livesync_pipelines.connectors._row_database import PrivateDatabase

ENDLESS = "select count(*) from range(1000000000000) n where n.range % 7 = 3"


@contextmanager
def a_signal_soon() -> Iterator[None]:
    """One comes whose handler raises, as those of a terminal and of a run that is cancelled do."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, stop)
    timer = Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        yield
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


def test_a_signal_interrupts_a_question_as_it_does_anything_else() -> None:
    database = PrivateDatabase()
    with a_signal_soon(), pytest.raises(KeyboardInterrupt):
        database.rows(ENDLESS)
    assert database.rows("select 1") == [(1,)]
    database.close()
