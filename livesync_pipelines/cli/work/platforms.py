"""platforms: what can be connected, read from the connectors themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from livesync_pipelines.auth.signatures import STANDARD
from livesync_pipelines.cli.output import emit, say, table, title
from livesync_pipelines.connectors import FILE_ENDS, PLATFORMS, ROW_ENDS
from livesync_pipelines.connectors.base import (
    Announced,
    Feeds,
    Options,
    Platform,
    Probes,
    Remote,
    Watches,
)
from livesync_pipelines.connectors.files import RendersFiles, WritesFiles
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.connectors.subscribing import Subscribes
from livesync_pipelines.engine.webhook_config import WebhookDoor, known
from livesync_pipelines.model.errors import NotFound
from livesync_pipelines.model.spec import Clock, PlatformSpec

_ABILITIES: Mapping[str, type] = {
    "probe": Probes,
    "changes": Feeds,
    "watch": Watches,
    "inbox": Announced,
    "subscribe": Subscribes,
}
_WEBHOOK = {
    "name": "webhook",
    "type": f"{{{', '.join(WebhookDoor.model_fields)}}}",
    "required": False,
    "default": None,
}
_ROW_ABILITIES = {"write": "rows are written", "changed": "rows are followed"}


def list_platforms(*, as_json: bool) -> None:
    """Every platform, in a line each."""
    if as_json:
        emit({"platforms": [document(kind) for kind in PLATFORMS.values()]})
        return
    lines = []
    for kind in PLATFORMS.values():
        found = document(kind)
        needed = [option["name"] for option in found["options"] if option["required"]]
        lines.append((kind.spec.name, kind.spec.title, ", ".join(needed) or "-"))
    table(("PLATFORM", "TITLE", "NEEDS"), lines)


def show_platform(name: str, *, as_json: bool) -> None:
    """One platform with its options and quirks. Raises `NotFound`."""
    kind = PLATFORMS.get(name)
    if kind is None:
        raise NotFound(
            f"There is no platform '{name}'.", hint=f"There are: {', '.join(sorted(PLATFORMS))}."
        )
    found = document(kind)
    if as_json:
        emit(found)
        return
    title(f"{found['name']}: {found['title']}")
    say(f"  an item that is no longer listed is {found['absence']}")
    say(f"  clock: {_clock(kind.spec.clock)}")
    say(f"  limits: {_limits(kind)}")
    hook = found["webhook"]
    say(f"  webhook: scheme {hook['scheme']} ({hook['title']}); {hook['keyed_by']}: {hook['how']}")
    if hook["sends_secret"]:
        say("    without a secret: LIVESYNC_HOME/webhooks/CONNECTION holds it once it has come")
    say(f"  subscribed to: {_subscribed(hook)}")
    if kind.spec.oauth is not None:
        say(f"  its accounts must grant: {' '.join(kind.spec.oauth.scopes) or 'nothing in parts'}")
        if kind.spec.oauth.writes:
            say(f"  and to be written to: {' or '.join(kind.spec.oauth.writes)}")
    say(f"  abilities: {', '.join(found['abilities']) or 'listing and fetching only'}")
    _say_options(found)
    say("\n  to know:")
    for quirk in found["quirks"]:
        say(f"    - {quirk}")


def _say_options(found: Mapping[str, Any]) -> None:
    for heading, options in (
        ("connections", [*found["options"], _WEBHOOK]),
        ("select, of a sync of documents", found["selection"]),
        ("select or target, of a sync of rows", found["rows"]),
        ("select or target, of a copy of files", found["files"]),
    ):
        if not options:
            continue
        say(f"\n  {heading}:")
        for option in options:
            default = "required" if option["required"] else f"default {option['default']!r}"
            say(f"    {option['name']}: {option['type']} ({default})")


def _clock(clock: Clock) -> str:
    step_s = clock.granularity_s
    said = [f"times in steps of {step_s:g} s" if step_s else "versions are not times"]
    if not clock.trusted:
        said.append("what has changed may show the same version")
    if clock.late_s:
        said.append(f"a change may stay unseen for {clock.late_s:g} s")
    if clock.zone != "UTC":
        said.append(f"times without a zone are in {clock.zone}")
    return "; ".join(said)


def _subscribed(hook: Mapping[str, Any]) -> str:
    key = hook["subscribed_by"]
    if key:
        return f"by LiveSync itself, where a connection has `{key}`"
    by_hand = hook["called_by_platform"]
    return "by hand" if by_hand else "not at all: it calls nobody itself, programs of yours may"


def _limits(kind: type[Platform]) -> str:
    if not issubclass(kind.Connection, Remote):
        return "none"
    return "; ".join(f"no more than {one}" for one in kind.spec.budgets) or "none known"


def document(kind: type[Platform]) -> dict[str, Any]:
    """What a connector declares of itself."""
    spec, rows = kind.spec, ROW_ENDS.get(kind.spec.name)
    files = FILE_ENDS.get(spec.name, kind)
    return {
        "name": spec.name,
        "title": spec.title,
        "absence": spec.absence,
        "clock": asdict(spec.clock),
        "ordered": spec.ordered,
        "identity": spec.identity,
        "explicit_deletes": spec.explicit_deletes,
        "runs_at_once": spec.runs_at_once,
        "budgets": [asdict(budget) for budget in spec.budgets],
        "webhook": _webhook_document(spec),
        "oauth": asdict(spec.oauth) if spec.oauth else None,
        "abilities": [*_abilities(kind), *_file_abilities(files), *_row_abilities(rows)],
        "options": _options(kind.Connection),
        "selection": _options(kind.Selection) if kind is not rows else [],
        "rows": _options(rows.Selection) if rows else [],
        "files": _options(files.Selection) if files.Selection is not kind.Selection else [],
        "quirks": spec.quirks,
        "docs": spec.docs,
    }


def _webhook_document(spec: PlatformSpec) -> dict[str, Any]:
    """After which scheme calls for a connection are proved, unless it says another."""
    scheme = known()[spec.webhook]
    told = {"scheme": scheme.name, "title": scheme.title, "how": scheme.how}
    return {
        **told,
        "keyed_by": scheme.keyed_by,
        "called_by_platform": scheme.name != STANDARD,
        "sends_secret": scheme.sends_secret,
        "subscribed_by": spec.subscribed_by or None,
    }


def _abilities(kind: type[Platform]) -> list[str]:
    if issubclass(kind, RowEnd):
        return []
    return [name for name, can in _ABILITIES.items() if issubclass(kind, can)]


def _file_abilities(files: type[Platform]) -> list[str]:
    if issubclass(files, RendersFiles):
        return ["documents are written as pages"]
    return ["files are written"] if issubclass(files, WritesFiles) else []


def _row_abilities(kind: type[RowEnd] | None) -> list[str]:
    if kind is None:
        return []
    told = [said for name, said in _ROW_ABILITIES.items() if callable(getattr(kind, name, None))]
    return ["rows are read", *told]


def _options(model: type[Options]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(by_alias=True)
    required, parts = set(schema.get("required", [])), schema.get("$defs", {})
    return [
        {
            "name": name,
            "type": _type(said, parts),
            "required": name in required,
            "default": said.get("default"),
        }
        for name, said in schema.get("properties", {}).items()
    ]


def _type(said: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """A field's type in words: `list of text`, `text or list of text`, `one of a, b`, `{a, b}`."""
    if "$ref" in said:
        return f"{{{', '.join(parts[said['$ref'].rpartition('/')[2]].get('properties', {}))}}}"
    if said.get("format") == "password":
        return "secret"
    if "enum" in said:
        return f"one of {', '.join(map(str, said['enum']))}"
    if "anyOf" in said:
        kinds = dict.fromkeys(
            _type(inner, parts) for inner in said["anyOf"] if inner != {"type": "null"}
        )
        return " or ".join(kinds)
    if said.get("type") == "array":
        return f"list of {_type(said.get('items', {}), parts)}"
    names = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    kind = str(said.get("type", "value"))
    return names.get(kind, kind)
