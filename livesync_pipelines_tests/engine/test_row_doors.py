"""What a configuration file may say of the key and the feed of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.desired import load
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import Desired

FILE = """
connections:
  crm: {platform: sql_table, url: "%s"}
  shop: {platform: sql_table, url: "postgresql://localhost/shop"}
syncs:
  people:
    connection: crm
    select: {table: contacts%s}
    target: {connection: shop, table: customers%s}
"""
SQLITE, POSTGRES = "sqlite:////srv/crm.db", "postgres://localhost/crm"


def said(folder: Path, url: str, select: str = "", target: str = "") -> Desired:
    file = folder / "livesync.yaml"
    file.write_text(FILE % (url, select, target))
    return load([file], REGISTRY, {"DB": "mysql://localhost/crm"})


@pytest.mark.parametrize(
    ("url", "select", "target", "wrong"),
    [
        (POSTGRES, ", key: []", "", "the key is empty"),
        (POSTGRES, "", ", key: [id, id]", "the key names id more than once"),
        (POSTGRES, "", ", key: []", "the key is empty"),
        (SQLITE, ", feed: trigger", "", "only a table of Postgres can have triggers for a feed"),
        ("mariadb+pymysql://localhost/crm", ", feed: trigger", "", "and this is mysql"),
        ("${DB}", ", feed: trigger", "", "and this is mysql"),
        (f'{POSTGRES}", key: [], schema: "public', "", "", "the key is empty"),
    ],
)
def test_a_key_that_tells_no_rows_apart_and_a_feed_that_cannot_be_are_refused(
    tmp_path: Path, url: str, select: str, target: str, wrong: str
) -> None:
    with pytest.raises(BadInput) as error:
        said(tmp_path, url, select, target)
    assert wrong in error.value.message
    assert error.value.hint


@pytest.mark.parametrize("url", [POSTGRES, "postgresql+psycopg://localhost/crm"])
def test_a_table_of_postgres_has_a_feed_where_that_is_asked_for(tmp_path: Path, url: str) -> None:
    (sync,) = said(tmp_path, url, ", key: [id], feed: trigger").syncs
    assert sync.select["feed"] == "trigger"
