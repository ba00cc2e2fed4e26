"""Freshness windows of a platform, from the schedules of its syncs."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import cache

from livesync_pipelines.core import cadence
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import Database

DEFAULT = (timedelta(days=2), timedelta(days=4))
"""For a platform without a scheduled sync: the windows of a daily one."""


def windows_of(platform: str) -> tuple[timedelta, timedelta]:
    """When a platform's assets warn and fail: by its most frequent sync, as configured when the
    definitions were loaded. Without a database that answers, the default."""
    found = [
        window
        for name, schedule in _schedules()
        if name == platform and (window := cadence.freshness_window(cadence.parse(schedule)))
    ]
    return min(found, default=DEFAULT)


@cache
def _schedules() -> list[tuple[str, str]]:
    settings = Settings.load()
    if settings.database_url is None:
        return []
    database = Database(settings.database_url.get_secret_value())
    try:
        database.migrate()
        with database.connect() as connection:
            return catalog.schedules(connection)
    except Unavailable as error:
        logging.getLogger(__name__).warning("Freshness windows are the default: %s", error)
        return []
