"""What assets, sensors and schedules are given: the engine of this installation."""

import logging
from functools import cache
from typing import Any

import dagster as dg

from livesync_pipelines.engine.house import Engine, open_engine
from livesync_pipelines.settings import Settings

_log = logging.getLogger("livesync_pipelines")


@cache
def _engine(settings: Settings) -> Engine:
    date_logs()
    return open_engine(settings)


def date_logs() -> None:
    """Give what is logged beside Dagster's events its time, where nobody has said how it is to
    look: code servers, as Dagster sets them up."""
    if not _log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        _log.addHandler(handler)


class LiveSync(dg.ConfigurableResource[Any]):
    """The engine, opened when first used and kept for the life of the process.

    `progress_items`: how many items lie at most between two lines of progress in a run's log.
    """

    progress_items: int = 10_000

    def engine(self) -> Engine:
        return _engine(Settings.load())
