"""Times as people write them at the doors."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from livesync_pipelines.model.errors import BadInput

_SPAN = re.compile(r"([0-9]{1,5})(min|h|d|w)")
_SPANS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, *, now: datetime) -> datetime:
    """`2026-11-01`, `2026-11-01T12:00Z`, or a span before now such as `7d`; without a zone it
    is UTC. Raises BadInput."""
    if span := _SPAN.fullmatch(text):
        return now - timedelta(**{_SPANS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"{text!r} is no time.",
            hint="Write 2026-11-01, 2026-11-01T12:00Z, or a span such as 30min, 12h, 7d, 4w.",
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
