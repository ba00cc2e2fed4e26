"""From a record's attributes to the fields of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from livesync_pipelines.core.canon import canonical, content_hash
from livesync_pipelines.model.sync import FieldMapping


def apply(mapping: Sequence[FieldMapping], attributes: Mapping[str, str]) -> Mapping[str, str]:
    """The target's fields. Without a mapping every attribute keeps its name; with one, only
    what it names goes over, and a field whose source is missing is left out."""
    if not mapping:
        return attributes
    found = {
        field.target: field.value if field.source is None else attributes.get(field.source)
        for field in mapping
    }
    return {name: value for name, value in found.items() if value is not None}


def version(mapping: Sequence[FieldMapping]) -> str:
    """A short name of this very mapping; it changes when any part of it does."""
    if not mapping:
        return "identity"
    spelled = canonical([[m.target, m.source, m.value] for m in mapping]).decode()
    return content_hash(spelled).hex()[:12]
