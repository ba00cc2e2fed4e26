"""A table is not kept in step with itself."""

from __future__ import annotations

from typing import Any

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.desired import asked
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import Desired

ENVIRON = {"URL": "postgresql://localhost/crm", "SAME": "postgres://localhost/crm"}


def made(**target: Any) -> Desired:
    data = {
        "connections": {
            "one": {"platform": "sql_table", "url": "${URL}"},
            "two": {"platform": "sql_table", "url": "${SAME}", "schema": "public"},
            "three": {"platform": "sql_table", "url": "${URL}", "schema": "old"},
        },
        "syncs": {"self": {"connection": "one", "select": {"table": "people"}, "target": target}},
    }
    return asked("test", data, REGISTRY, ENVIRON, known=Desired())


@pytest.mark.parametrize("name", ["one", "two"])
def test_one_table_as_source_and_target_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="source and the target are the same"):
        made(connection=name, table="people", key=["id"])


@pytest.mark.parametrize(("name", "table"), [("one", "contacts"), ("three", "people")])
def test_another_table_or_schema_is_another_end(name: str, table: str) -> None:
    assert made(connection=name, table=table).syncs
