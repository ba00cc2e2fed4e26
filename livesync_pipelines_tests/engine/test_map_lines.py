"""The lines of a mapping as people write them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from livesync_pipelines.core.row_map import compile_map
from livesync_pipelines.engine._map_doors import FieldMapDoor
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines_tests.core.row_map_house import ID, field, shape


def test_the_lines_of_the_readme_make_a_target_that_is_not_there_yet() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    block = readme.partition("may turn it:\n\n```yaml\n")[2].partition("```")[0]
    lines = [FieldMapDoor.model_validate(line).noun() for line in yaml.safe_load(block)]
    source = shape(
        **dict.fromkeys(("full_name", "born", "status", "seen", "tags", "first", "last"), "text"),
        height_cm="integer",
        address="json",
        net="decimal(12,2)",
    )
    made = compile_map([ID, *lines], source, None, may_add=True)
    (gross,) = (r.target for r in made.routes if r.target.name == "gross")
    assert gross.type == pa.decimal128(12, 2)


def test_an_expression_of_no_known_type_is_answered_with_its_line_as_it_should_be() -> None:
    one = field("gross", expression='round(net * 1.19, 2) if kind == "b" else 0')
    with pytest.raises(BadInput) as raised:
        compile_map([ID, one], shape(net="float", kind="text"), None, may_add=True)
    line = raised.value.message.rpartition("text: ")[2].removesuffix(")")
    written = FieldMapDoor.model_validate(yaml.safe_load(line)).noun()
    assert written == replace(one, cast="decimal(12,2)")
