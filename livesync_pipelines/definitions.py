"""Where Dagster comes in."""

from __future__ import annotations

import dagster as dg

from livesync_pipelines.connectors import PLATFORMS
from livesync_pipelines.defs.assets import corridor
from livesync_pipelines.defs.automation import ALL_JOBS, DRAINS, POLLS
from livesync_pipelines.defs.cleaning import clean_up, nightly
from livesync_pipelines.defs.drift import daily, measure_drift
from livesync_pipelines.defs.freshness import windows_of
from livesync_pipelines.defs.housekeeping import keep_house
from livesync_pipelines.defs.io import StageInputs
from livesync_pipelines.defs.notices import send_notifications
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.defs.subscriptions import keep_subscriptions

livesync = LiveSync()

defs = dg.Definitions(
    assets=[corridor(connector, windows=windows_of(name)) for name, connector in PLATFORMS.items()],
    jobs=[*ALL_JOBS, clean_up, measure_drift],
    schedules=[*POLLS, nightly, daily],
    sensors=[*DRAINS, keep_house, keep_subscriptions, send_notifications],
    resources={"livesync": livesync, "stages": StageInputs(livesync)},
    executor=dg.in_process_executor,
)
