"""What a configuration file may say of one field of a mapping between rows."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from livesync_pipelines.engine._checked import checked
from livesync_pipelines.engine._map_doors import FieldMapDoor
from livesync_pipelines.model.row_map import FieldMap, OnError, Unit

LINES: list[tuple[dict[str, Any], FieldMap]] = [
    ({"from": "full_name", "to": "name"}, FieldMap(target="name", sources=("full_name",))),
    (
        {"from": "created", "to": "at", "cast": "timestamp", "zone": "Europe/Berlin"},
        FieldMap(target="at", sources=("created",), cast="timestamp", zone="Europe/Berlin"),
    ),
    ({"to": "country", "value": "DE"}, FieldMap(target="country", value="DE")),
    ({"to": "no", "value": False}, FieldMap(target="no", value=False)),
    (
        {"from": "phone", "to": "phone", "default": "unknown"},
        FieldMap(target="phone", sources=("phone",), default="unknown"),
    ),
    ({"to": "l", "template": "{a} {b}"}, FieldMap(target="l", template="{a} {b}")),
    (
        {"from": "a", "to": "b", "lookup": {"open": 1, "closed": None}, "else": None},
        FieldMap(
            target="b", sources=("a",), lookup=(("open", 1), ("closed", None)), otherwise=(None,)
        ),
    ),
    (
        {"from": "a", "path": "x.y[0]", "to": "b", "on_error": "keep"},
        FieldMap(target="b", sources=("a",), path="x.y[0]", on_error=OnError.KEEP),
    ),
    ({"from": "a", "to": "b", "split": ","}, FieldMap(target="b", sources=("a",), split=",")),
    (
        {"from": ["a", "c"], "to": "b", "join": "", "on_error": None},
        FieldMap(target="b", sources=("a", "c"), join=""),
    ),
    (
        {"from": "a", "to": "b", "unit": {"from": "cm", "to": "m"}, "lossy": True},
        FieldMap(target="b", sources=("a",), unit=Unit("cm", "m"), lossy=True),
    ),
    (
        {"to": "b", "expression": "a + 1", "cast": "decimal(5,2)"},
        FieldMap(target="b", expression="a + 1", cast="decimal(5,2)"),
    ),
]


@pytest.mark.parametrize(("raw", "noun"), LINES)
def test_a_line_becomes_a_noun_that_is_the_same_after_its_way_through_json(
    raw: dict[str, Any], noun: FieldMap
) -> None:
    door, troubles = checked(FieldMapDoor, raw)
    assert troubles == []
    assert door is not None
    assert door.noun() == noun
    assert FieldMap.from_json(json.loads(json.dumps(noun.to_json()))) == noun
    assert FieldMap.from_json(json.loads(json.dumps(asdict(noun)))) == noun


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"to": "b"}, "give one of 'from', 'value', 'template' and 'expression'"),
        ({"to": "b", "from": "a", "value": 1}, "give one of 'from'"),
        ({"to": "b", "value": None}, "give one of 'from'"),
        ({"to": "b", "from": "a", "split": ",", "join": ","}, "give one of split, join"),
        ({"to": "b", "value": 1, "split": ","}, "split needs a column: say 'from'"),
        ({"to": "b", "template": "{a}", "path": "x"}, "path needs a column"),
        ({"to": "b", "from": "a", "else": 1}, "else is for a lookup, and there is none"),
        ({"to": "b", "from": ["a", "c"]}, "what comes from more than one column"),
        ({"to": "b", "from": []}, "what comes from more than one column"),
        ({"to": "b", "from": "a", "cast": "number"}, "there is no type 'number'"),
        ({"to": "b", "from": "a", "cast": "decimal(39,2)"}, "there is no type 'decimal(39,2)'"),
        ({"to": "b", "from": "a", "zone": "Berlin"}, "there is no time zone 'Berlin'"),
        ({"to": "b", "expression": "a.b"}, "the expression holds Attribute"),
        ({"to": "b", "from": "a", "on_error": "skip"}, "this value is not allowed"),
        ({"to": "b", "from": "a", "castt": "text"}, "unknown key 'castt'"),
        ({"from": "a"}, "'to' is missing"),
    ],
)
def test_what_makes_no_sense_is_told(raw: dict[str, Any], said: str) -> None:
    door, (trouble, *_) = checked(FieldMapDoor, raw)
    assert door is None
    assert said in trouble.message


def test_what_is_told_comes_with_what_would_be_right() -> None:
    _, (trouble,) = checked(FieldMapDoor, {"to": "b", "from": "a", "cast": "number"})
    assert "Write one of: text, integer" in trouble.hint
