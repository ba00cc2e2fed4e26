"""What assets, sensors and schedules are given: the engine of this installation."""

from functools import cache
from typing import Any

import dagster as dg

from livesync_pipelines.engine.house import Engine, open_engine
from livesync_pipelines.settings import Settings


@cache
def _engine(settings: Settings) -> Engine:
    return open_engine(settings)


class LiveSync(dg.ConfigurableResource[Any]):
    """The engine, opened when first used and kept for the life of the process.

    `progress_items`: how many items lie at most between two lines of progress in a run's log.
    """

    progress_items: int = 10_000

    def engine(self) -> Engine:
        return _engine(Settings.load())
