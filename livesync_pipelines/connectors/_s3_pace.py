"""The calls that boto makes, one by one, its own retries included, under our budgets.

botocore 1.44.5, `botocore/endpoint.py`: `before-send` and `response-received` come with every
attempt; what a handler raises ends the call. Read 2026-11-21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livesync_pipelines.net.pace import Pace, Pacer
from livesync_pipelines.net.verdict import retry_after_s
from livesync_pipelines.net.world import World

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SLOW_DOWN_S = 5.0
"""How long a throttling answer is taken to mean; S3 does not say."""

_THROTTLED = frozenset({"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded"})


def keep_pace(client: S3Client, pacer: Pacer, *, bucket: str) -> S3Client:
    """The same client, whose every attempt waits for its turn. A throttling answer holds up
    whoever shares the budget."""
    world = World()
    pace = Pace(world, pacer=pacer)

    def before(**_: Any) -> None:
        pace.wait(bucket)

    def after(response_dict: Any, parsed_response: Any, **_: Any) -> None:
        if response_dict is None:
            return
        code = parsed_response.get("Error", {}).get("Code")
        if response_dict["status_code"] in (429, 503) or code in _THROTTLED:
            said_s = retry_after_s(response_dict["headers"].get("retry-after"), world.now())
            pace.hold(bucket, SLOW_DOWN_S if said_s is None else said_s)

    client.meta.events.register("before-send.s3", before)
    client.meta.events.register("response-received.s3", after)
    return client
