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


FILES = {"platform": "folder", "path": "/srv"}
BELOW = {"platform": "folder", "path": "/srv/data/"}
BUCKET = {"platform": "s3", "bucket": "b", "prefix": "data"}
BASE = {"platform": "sql_table", "url": "sqlite:////srv/crm.db"}
SAME_BASE = {"platform": "sql_table", "url": "sqlite:////srv/../srv/crm.db"}
MARIA = {"platform": "sql_table", "url": "mariadb://u@h/crm"}
MYSQL = {"platform": "sql_table", "url": "mysql://u@h/crm"}
DRIVEN = {"platform": "sql_table", "url": "mysql+pymysql://u@h/crm"}
OTHERS = {"platform": "sql_table", "url": "mysql+pymysql://root:p@H:3306/crm"}
PLAIN = {"platform": "sql_table", "url": "postgresql://h/crm"}
LOGGED_IN = {"platform": "sql_table", "url": "postgres://ada:p@h:5432/crm", "schema": "public"}
DRIVE = {"platform": "google_drive", "account": "ada"}


@pytest.mark.parametrize(
    ("source", "select", "target", "there"),
    [
        (FILES, {"rows": "data/a.csv", "key": ["id"]}, FILES, {"rows": "./data/a.csv"}),
        (FILES, {"rows": "data/a.csv", "key": ["id"]}, BELOW, {"rows": "a.csv"}),
        (
            BUCKET,
            {"rows": "a.csv", "key": ["id"]},
            {**BUCKET, "prefix": ""},
            {"rows": "data/a.csv"},
        ),
        (BASE, {"table": "people"}, SAME_BASE, {"table": "People"}),
        (MARIA, {"table": "people"}, MYSQL, {"table": "people"}),
        (MYSQL, {"table": "people"}, DRIVEN, {"table": "people"}),
        (MYSQL, {"table": "people"}, OTHERS, {"table": "people"}),
        (PLAIN, {"table": "people"}, LOGGED_IN, {"table": "people"}),
        (PLAIN, {"table": "public.people"}, LOGGED_IN, {"table": "people"}),
        (FILES, {"include": ["a/**"]}, {**FILES, "path": "/srv/"}, {"include": ["b/**"]}),
        (BUCKET, {}, BUCKET, {}),
        (DRIVE, {"folders": ["1A"]}, DRIVE, {"folder": "1A"}),
    ],
)
def test_one_place_that_is_spelled_in_two_ways_is_refused(
    source: dict[str, Any], select: dict[str, Any], target: dict[str, Any], there: dict[str, Any]
) -> None:
    key = {"key": ["id"]} if "rows" in there else {}
    data = {
        "connections": {"here": source, "there": target},
        "syncs": {
            "self": {
                "connection": "here",
                "select": select,
                "target": {"connection": "there", **there, **key},
            }
        },
    }
    with pytest.raises(BadInput, match="source and the target are the same"):
        asked("test", data, REGISTRY, ENVIRON, known=Desired())


@pytest.mark.parametrize(("name", "table"), [("one", "contacts"), ("three", "people")])
def test_another_table_or_schema_is_another_end(name: str, table: str) -> None:
    assert made(connection=name, table=table).syncs
