"""What a caller's document asks for, in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livesync_pipelines.engine._checked import nearest
from livesync_pipelines.engine.desired import PROJECT
from livesync_pipelines.model.errors import BadInput

DOOR = "request"
"""Where a caller is told that something is wrong."""

_WORDS = {
    "project_id": "project_id",
    "sync_type": "mode",
    "mode": "mode",
    "source_platform": "source",
    "source": "source",
    "target_entity": "target",
    "target": "target",
    "schedule": "schedule",
}


@dataclass(frozen=True, slots=True)
class End:
    """A connection and what is selected of it; `table` is what stands behind the slash of
    `CONNECTION/TABLE`."""

    connection: str
    table: str | None = None
    select: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for, in our words. Either `capsule` or `target` is set; a `mode` or a
    `schedule` of None was not said."""

    project_id: str
    source: End
    capsule: str | None
    target: End | None
    mode: object
    schedule: object


def end(raw: object, word: str) -> End:
    """`CONNECTION`, `CONNECTION/TABLE` or `{"connection": ..., "table": ..., ...}`."""
    if isinstance(raw, str) and raw:
        name, _, table = raw.partition("/")
        return End(name, table or None)
    if isinstance(raw, Mapping) and isinstance(raw.get("connection"), str):
        return End(raw["connection"], None, {k: v for k, v in raw.items() if k != "connection"})
    raise BadInput(
        f"{word!r} is missing or names no connection",
        hint='Write "CONNECTION", "CONNECTION/TABLE", or {"connection": "NAME", "table": "NAME"}.',
        where=f"{DOOR}: {word}",
    )


def understood(document: Mapping[str, Any], also: Sequence[str] = ()) -> Wish:
    """A document in our words. Raises `BadInput` for unknown or missing keys; it says that those in
    `also` are allowed, too, which the door has read already."""
    said: dict[str, Any] = {}
    for key, value in document.items():
        word = _WORDS.get(key)
        if word is None:
            raise BadInput(
                f"unknown key {key!r}", hint=nearest(key, [*_WORDS, *also]), where=f"{DOOR}: {key}"
            )
        if word in said:
            twins = " and ".join(name for name, meant in _WORDS.items() if meant == word)
            raise BadInput(
                f"{twins} mean the same",
                hint=f"Give one of them: leave {key!r} out.",
                where=f"{DOOR}: {key}",
            )
        if value is not None:
            said[word] = value
    capsule, target = _target(said.get("target"))
    return Wish(
        project_id=_text(said.get("project_id", PROJECT), "project_id"),
        source=end(said.get("source"), "source"),
        capsule=capsule,
        target=target,
        mode=said.get("mode"),
        schedule=said.get("schedule"),
    )


def _text(value: object, word: str) -> str:
    if not isinstance(value, str):
        raise BadInput(
            f"{word!r} must be a text", hint="Write it in quotes.", where=f"{DOOR}: {word}"
        )
    return value


def _target(raw: object) -> tuple[str | None, End | None]:
    if isinstance(raw, str) and raw and "/" not in raw:
        return raw, None
    if isinstance(raw, Mapping) and isinstance(raw.get("capsule"), str) and len(raw) == 1:
        return raw["capsule"], None
    if raw is None or raw == "":
        raise BadInput(
            "'target' is missing",
            hint='Write the name of a capsule, or "CONNECTION/TABLE" for rows.',
            where=f"{DOOR}: target",
        )
    return None, end(raw, "target")
