"""What keeps platforms telling us of changes; it may wait for them, and nothing else does."""

import dagster as dg

from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.engine.subscribing import keep_up
from livesync_pipelines.settings import DISABLED_REASON


@dg.sensor(
    name="keep_subscriptions",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks platforms to tell of changes, renews that before it ends, and takes it back "
    "where no sync needs it. `livesync webhooks` shows what there is.",
)
def keep_subscriptions(livesync: LiveSync) -> dg.SkipReason:
    engine = livesync.engine()
    if not engine.enabled:
        return dg.SkipReason(DISABLED_REASON)
    return dg.SkipReason(f"Asked for {keep_up(engine)} subscriptions.")
