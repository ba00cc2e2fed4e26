"""What tells people: a sensor that sends what the outbox holds."""

import dagster as dg

from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.notify.relay import relay
from livesync_pipelines.settings import DISABLED_REASON, Settings
from livesync_pipelines.store import deliveries
from livesync_pipelines.store.database import Connection

HOLD_S = 15.0
"""So long an evaluation waits for something to send; Dagster allows it 60 s, sending included."""


@dg.sensor(
    name="send_notifications",
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends notifications to the addresses of each sync, waiting for the outbox instead "
    "of sleeping. `livesync notifications list` shows what became of each.",
)
def send_notifications(livesync: LiveSync) -> dg.SkipReason:
    engine = livesync.engine()
    if not engine.enabled:
        return dg.SkipReason(DISABLED_REASON)
    settings = Settings.load()
    with engine.database.connect() as connection:
        deliveries.listen(connection)
        done = relay(engine, settings)
        if not (done.delivered or done.failed):
            _await_delivery(engine, connection)
            done = relay(engine, settings)
    lacking = "".join(f" {address}: {why}." for address, why in done.unsendable.items())
    return dg.SkipReason(f"Sent {done.delivered}, failed {done.failed}.{lacking}")


def _await_delivery(engine: Engine, connection: Connection) -> None:
    """Return when there is something new, or a delivery's next try has come, or in the end."""
    now = engine.now()
    at = deliveries.next_at(connection, after=now)
    wait_s = (at - now).total_seconds() if at else HOLD_S
    deliveries.wait(connection, timeout_s=min(wait_s, HOLD_S))
