"""What an account sees, so that a person picks what to sync."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice

from livesync_pipelines.connectors.choosing import Choice, Chooses
from livesync_pipelines.engine.house import Disabled, Engine
from livesync_pipelines.engine.pacing import called_for
from livesync_pipelines.model.sync import Connection
from livesync_pipelines.settings import DISABLED_REASON

MOST = 50


@dataclass(frozen=True, slots=True)
class Seen:
    """The first of what there is to choose from; `more` says that there is more, `otherwise` what a
    sync takes that chooses nothing of it."""

    choices: tuple[Choice, ...]
    more: bool
    otherwise: str


def seen_by(engine: Engine, account: str, *, platform: str, project_id: str) -> Seen | None:
    """What an account sees; None where the platform does not tell. Raises as `seen_through`."""
    source = Connection(
        name="", project_id=project_id, platform=platform, options={"account": account}
    )
    return seen_through(engine, source)


def seen_through(engine: Engine, source: Connection) -> Seen | None:
    """What is seen through a connection; None where the platform does not tell. Raises `Disabled`,
    and what the platform says (`Unavailable`, `Reauthorise` ...)."""
    kind = engine.registry.get(source.platform)
    if kind is None or not issubclass(kind, Chooses):
        return None
    if not engine.enabled:
        raise Disabled(DISABLED_REASON)
    with called_for(engine, source, kind, in_passing=False) as (options, limits):
        found = list(islice(kind.choices(options, limits), MOST + 1))
    defaults = {one.option: kind.Selection.model_fields[one.option].default for one in found}
    lines = [f"`{option}: {json.dumps(values)}`" for option, values in defaults.items() if values]
    otherwise = " and ".join(lines) or "all that the account sees"
    return Seen(tuple(found[:MOST]), more=len(found) > MOST, otherwise=otherwise)
