"""Conflicts as they wait in an intent, until what was sent is known to have landed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from livesync_pipelines.model.conflict import Conflict, Version
from livesync_pipelines.model.merge import Side


def to_json(found: Iterable[Conflict]) -> list[dict[str, Any]]:
    """As `from_json` reads them."""
    told = [asdict(each) for each in found]
    for each in told:
        for side in Side:
            moment = each[side]["at"]
            each[side]["at"] = moment.isoformat() if moment else None
    return told


def from_json(told: Iterable[Mapping[str, Any]]) -> list[Conflict]:
    return [
        Conflict(**{**each, "source": _version(each["source"]), "target": _version(each["target"])})
        for each in told
    ]


def _version(told: Mapping[str, Any]) -> Version:
    moment = told["at"]
    return Version(**{**told, "at": datetime.fromisoformat(moment) if moment else None})
