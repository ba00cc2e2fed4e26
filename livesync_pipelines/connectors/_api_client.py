"""The client of a connector that calls a vendor's API."""

from __future__ import annotations

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.net.client import Client

_ANSWER_BYTES = 50_000_000
"""Of JSON: a page of a thousand files. What a file may have is said when it is downloaded."""


def client_for(limits: FetchLimits, *, max_bytes: int = _ANSWER_BYTES) -> Client:
    """Within the limits, but for how large an answer may be."""
    return Client(
        allow_private=limits.allow_private,
        timeout_s=limits.timeout_s,
        max_bytes=max_bytes,
        pacer=limits.pacer,
    )
