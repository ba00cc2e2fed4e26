"""Syncs of rows that write what another reads, or writes as well, are told of."""

from __future__ import annotations

from typing import Any

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.desired import asked
from livesync_pipelines.engine.row_graph import remarks, ways
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import Desired

ENVIRON = {"URL": "postgresql://localhost/crm"}


def sync(source: str, target: str, mode: str = "pull", *fields: str) -> dict[str, Any]:
    to = {"connection": "crm", "table": target, "key": ["id"]}
    said = {"connection": "crm", "select": {"table": source}, "target": to, "mode": mode}
    return {**said, "mapping": [{"from": f, "to": f} for f in ("id", *fields)]} if fields else said


def made(*, known: Desired | None = None, **syncs: Any) -> Desired:
    data = {"connections": {"crm": {"platform": "sql_table", "url": "${URL}"}}, "syncs": syncs}
    return asked("test", data, REGISTRY, ENVIRON, known=known or Desired())


def told(**syncs: Any) -> list[tuple[tuple[str, ...], str]]:
    wanted = made(**syncs)
    connections = {one.name: one for one in wanted.connections}
    return [one[:2] for one in remarks(ways(wanted.syncs, connections, ENVIRON))]


@pytest.mark.parametrize("back", [sync("b", "a"), sync("a", "b", "push")])
def test_two_syncs_there_and_back_are_refused(back: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"go there and back between the same two tables"):
        made(there=sync("a", "b"), back=back)
    with pytest.raises(BadInput) as raised:
        made(known=made(there=sync("a", "b")), back=back)
    assert "mode: bidirectional" in raised.value.hint


@pytest.mark.parametrize(
    "second",
    [sync("b", "a", mode) for mode in ("bidirectional", "pull", "push")]
    + [sync("a", "b", mode) for mode in ("bidirectional", "pull", "push")]
    + [sync("b", "a", "bidirectional", "x")],
)
def test_two_tables_that_are_kept_in_step_both_ways_take_no_second_sync(
    second: dict[str, Any],
) -> None:
    first = sync("a", "b", "bidirectional", "y")
    for known, syncs in ((made(first=first), {}), (None, {"first": first})):
        with pytest.raises(BadInput, match="first keeps these two tables in step both ways") as e:
            made(known=known, **syncs, second=second)
        assert "second would write over what it has written" in e.value.message
        assert "livesync sync remove first" in e.value.hint


def test_two_tables_with_a_one_way_sync_take_none_both_ways_beside_it() -> None:
    with pytest.raises(BadInput, match=r"second keeps these two .*, and first would write over"):
        made(known=made(first=sync("a", "b")), second=sync("b", "a", "bidirectional"))


def test_a_sync_that_is_made_to_go_both_ways_stands_in_its_own_way_never() -> None:
    assert made(known=made(one=sync("a", "b")), one=sync("a", "b", "bidirectional")).syncs


def test_a_sync_of_another_project_is_not_named() -> None:
    known = made(first=sync("a", "b", "bidirectional"))
    data = {
        "project": "other",
        "connections": {"own": {"platform": "sql_table", "url": "${URL}"}},
        "syncs": {
            "second": {
                "connection": "own",
                "select": {"table": "b"},
                "target": {"connection": "own", "table": "a"},
            }
        },
    }
    with pytest.raises(BadInput, match="a sync of another project keeps these two") as raised:
        asked("test", data, REGISTRY, ENVIRON, known=known)
    assert "first" not in f"{raised.value.message} {raised.value.hint}"


def test_a_longer_way_back_is_remarked_once() -> None:
    ((names, said),) = told(one=sync("a", "b"), two=sync("b", "c"), three=sync("c", "a"))
    assert sorted(names) == ["one", "three", "two"]
    assert "goes round for ever" in said


def test_a_chain_and_a_sync_that_goes_both_ways_are_no_way_back() -> None:
    assert told(one=sync("a", "b"), two=sync("b", "c"), three=sync("a", "d", "bidirectional")) == []


def test_two_syncs_that_write_the_same_fields_of_a_table_are_remarked() -> None:
    found = told(one=sync("a", "c", "pull", "x", "y"), two=sync("b", "c", "pull", "y"))
    assert found == [(("one", "two"), "one and two both write y of the same table")]
    ((_, said),) = told(one=sync("a", "c"), two=sync("b", "c"))
    assert said == "one and two both write all fields of the same table"


def test_two_syncs_that_write_fields_of_their_own_share_a_table() -> None:
    assert told(one=sync("a", "c", "pull", "x"), two=sync("b", "c", "pull", "y")) == []
