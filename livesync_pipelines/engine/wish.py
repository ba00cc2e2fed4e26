"""What a caller's document asks for, in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livesync_pipelines.core.canon import storable
from livesync_pipelines.engine._checked import checked, nearest
from livesync_pipelines.engine._doors import SyncDoor
from livesync_pipelines.engine._row_doors import key_troubles
from livesync_pipelines.engine._yaml_lines import Document, raise_problems
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
        name, slash, table = raw.partition("/")
        if slash and not table:
            raise BadInput(
                "the name of a table is missing behind the slash",
                hint=f'Write "{raw}TABLE", or "{name}" alone where no table is meant.',
                where=f"{DOOR}: {word}",
            )
        return End(name, table or None)
    if isinstance(raw, Mapping) and isinstance(raw.get("connection"), str):
        return End(raw["connection"], None, {k: v for k, v in raw.items() if k != "connection"})
    raise BadInput(
        f"{word!r} is missing or names no connection",
        hint='Write "CONNECTION", "CONNECTION/TABLE", or {"connection": "NAME", "table": "NAME"}.',
        where=f"{DOOR}: {word}",
    )


def understood(document: Mapping[str, Any], also: Sequence[str] = ()) -> Wish:
    """A document in our words. Raises `BadInput` for unknown or missing keys and for values that no
    sync has; it says that the keys in `also` are allowed, too, which the door has read already."""
    _refuse_unstorable(document)
    said = _in_our_words(document, also)
    _refuse_wrong(said)
    capsule, target = _target(said.get("target"))
    return Wish(
        project_id=_project(said.get("project_id", PROJECT)),
        source=end(said.get("source"), "source"),
        capsule=capsule,
        target=target,
        mode=said.get("mode"),
        schedule=said.get("schedule"),
    )


def words_of(also: Sequence[str]) -> list[str]:
    """The keys of a document, with those that a door reads itself."""
    return [*_WORDS, *also]


def _in_our_words(document: Mapping[str, Any], also: Sequence[str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for key, value in document.items():
        word = _WORDS.get(key)
        if word is None:
            raise BadInput(
                f"unknown key {key!r}", hint=nearest(key, words_of(also)), where=f"{DOOR}: {key}"
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
    return said


def _refuse_wrong(said: Mapping[str, Any]) -> None:
    """Raises `BadInput` for a mode, schedule or key that no sync has, whatever else is asked."""
    alone = {key: said[key] for key in ("mode", "schedule") if key in said}
    _, wrong = checked(SyncDoor, {"connection": "", "target": "", **alone})
    document = Document(DOOR, {})
    for trouble in wrong:
        document.complain(trouble.path, trouble.message, trouble.hint)
    for word in ("source", "target"):
        one = said.get(word)
        for trouble in key_troubles(one) if isinstance(one, Mapping) else ():
            document.complain((word, *trouble.path), trouble.message, trouble.hint)
    raise_problems([document])


def _refuse_unstorable(document: Mapping[str, Any]) -> None:
    for key, value in document.items():
        texts = [*_texts({key: value})]
        if any(storable(text) != text for text in texts):
            raise BadInput(
                f"{key!r} holds a NUL character or half a character (a surrogate)",
                hint="Leave it out: no name and no value has one.",
                where=DOOR,
            )


def _texts(value: object) -> Iterator[str]:
    """All texts in a value of JSON, keys among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _project(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise BadInput(
            "'project_id' must be a text" if value != "" else "'project_id' is empty",
            hint=f"Write the name of a project in quotes, or leave it out for {PROJECT!r}.",
            where=f"{DOOR}: project_id",
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
