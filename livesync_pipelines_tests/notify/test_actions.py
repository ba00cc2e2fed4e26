"""Actions: webhooks that are told of committed changes, of documents and of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from livesync_pipelines.engine.desired import asked
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import Action, ActionOn, Desired, Trigger
from livesync_pipelines.notify.relay import relay, undeliverable
from livesync_pipelines.store import actions, catalog
from livesync_pipelines_tests.engine.house import a_sync, prose
from livesync_pipelines_tests.engine.pair import URL, Pair, a_pair

from .conftest import Desk
from .receivers import SECRET, Receiver

OTHER = "whsec_" + "b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC1vdGhlcg=="


@pytest.fixture
def own(desk: Desk, receiver: Receiver) -> Receiver:
    """A receiver that knows only the secret in HOOK_SECRET."""
    desk.environ |= {"HOOK_SECRET": SECRET, "HOOK": receiver.url("/action")}
    desk.variables["LIVESYNC_WEBHOOK_SECRET"] = OTHER
    return receiver


def an_action(*on: ActionOn, **more: Any) -> Action:
    plain = Action(on=on or tuple(ActionOn), call="${HOOK}", secret="${HOOK_SECRET}")
    return replace(plain, **more)


def told(receiver: Receiver) -> list[list[tuple[str, str]]]:
    """Of each message, the kind and the key of its changes."""
    return [
        [(change["op"], change["key"]) for change in message["data"]["changes"]]
        for message in receiver.messages
    ]


def test_an_action_is_told_of_each_change_once_and_signed_with_its_own_secret(
    desk: Desk, own: Receiver
) -> None:
    desk.house.configure(a_sync(actions=(an_action(),)))
    desk.change("a")
    assert desk.relay().delivered == 1
    desk.change("a")
    desk.house.source.remove("a")
    desk.house.run()
    desk.relay()
    assert told(own) == [[("added", "a")], [("updated", "a")], [("removed", "a")]]
    assert own.kinds() == ["sync.changes"] * 3
    assert own.paths == ["/action"] * 3
    data = own.messages[1]["data"]
    assert (data["sync_id"], data["project_id"], data["more"]) == ("docs", "demo", 0)
    assert data["operation_id"]
    assert "text" in data["changes"][0]["fields"]
    assert {m["data"]["changes"][0]["item_id"] for m in own.messages} == {"a"}
    assert SECRET not in desk.everything()
    assert OTHER not in desk.everything()


def test_a_run_that_changes_nothing_calls_nothing(desk: Desk, own: Receiver) -> None:
    desk.house.configure(a_sync(actions=(an_action(),)))
    desk.change()
    desk.relay()
    desk.house.run()
    desk.house.run(full=True)
    assert desk.relay().delivered == 0
    assert len(own.messages) == 1


def test_only_what_is_called_for_is_told(desk: Desk, own: Receiver) -> None:
    removed, named = an_action(ActionOn.REMOVED), an_action(ActionOn.UPDATED, fields=("title",))
    desk.house.configure(a_sync(actions=(removed, named)))
    desk.change("a")
    desk.change("a")
    desk.house.source.remove("a")
    desk.house.run()
    desk.relay()
    fields = [c["fields"] for m in own.messages for c in m["data"]["changes"] if c["fields"]]
    assert all("title" in found for found in fields)
    assert told(own)[-1] == [("removed", "a")]


def test_what_was_not_committed_is_told_to_nobody(desk: Desk, own: Receiver) -> None:
    desk.house.configure(a_sync(actions=(an_action(),)))
    desk.house.source.put("a", prose("a"))
    desk.house.execute("alter table livesync.ledger add constraint no check (op <> 'added')")
    try:
        with pytest.raises(Exception, match="no"):
            desk.house.run()
    finally:
        desk.house.execute("alter table livesync.ledger drop constraint no")
    assert desk.relay().delivered == 0
    desk.house.run()
    assert desk.relay().delivered == 1
    assert told(own) == [[("added", "a")]]


def test_a_receiver_that_fails_is_told_again_with_the_same_id(desk: Desk, own: Receiver) -> None:
    desk.house.configure(a_sync(actions=(an_action(),)))
    desk.change()
    own.answers = [500, 503]
    for _ in range(3):
        desk.relay()
        desk.later(minutes=10)
    assert desk.deliveries() == [("delivered", 3)]
    assert len(own.ids) == 3
    assert len(set(own.ids)) == 1
    assert own.messages[0] == own.messages[2]


def test_what_never_arrives_becomes_a_dead_letter(desk: Desk, own: Receiver) -> None:
    desk.house.configure(a_sync(actions=(an_action(),)))
    desk.change()
    own.answers = [500] * 3
    for _ in range(4):
        desk.relay()
        desk.later(days=1)
    assert desk.deliveries() == [("dead", 3)]


def test_of_many_changes_the_first_are_shown_and_the_rest_counted(
    desk: Desk, own: Receiver
) -> None:
    desk.house.configure(a_sync(actions=(an_action(),)))
    count = actions.MOST + 5
    for n in range(count):
        desk.house.source.put(f"{n:03}", prose(f"{n}", sections=1))
    desk.house.run()
    desk.relay()
    shown = [len(message["data"]["changes"]) for message in own.messages]
    assert max(shown) <= actions.MOST
    assert sum(shown) + sum(m["data"]["more"] for m in own.messages) == count


@pytest.mark.parametrize("secret", ["", "whsec_short"])
def test_without_its_secret_nothing_is_sent_and_doctor_says_so(
    desk: Desk, own: Receiver, secret: str
) -> None:
    desk.house.configure(a_sync(actions=(an_action(),)))
    desk.change()
    desk.environ["HOOK_SECRET"] = secret
    done = desk.relay()
    assert done.delivered == 0
    assert "HOOK_SECRET" in done.unsendable["${HOOK}"]
    engine = replace(desk.house.engine, environ=desk.environ)
    with engine.database.pooled() as connection:
        wrong = undeliverable(engine, desk.settings(), connection)
    assert "HOOK_SECRET" in wrong["docs"]["${HOOK}"].message
    assert desk.deliveries() == [("waiting", 0)]
    desk.environ["HOOK_SECRET"] = SECRET
    assert desk.relay().delivered == 1


@pytest.fixture
def pair(desk: Desk, bare_database_url: str) -> Iterator[Pair]:
    desk.environ[URL] = bare_database_url
    with a_pair(desk.house.engine, bare_database_url) as pair:
        yield pair


def rows(desk: Desk, told_of: dict[str, Any], **more: Any) -> None:
    """Configure the sync `people` between the two tables, and run it."""
    engine = replace(desk.house.engine, environ=desk.environ)
    sync = {
        "connection": "crm",
        "select": {"table": "contacts"},
        "target": {"connection": "shop", "table": "customers"},
        "mode": "bidirectional",
        "schedule": "manual",
        "actions": [told_of],
        **more,
    }
    with engine.database.pooled() as connection:
        known = catalog.stored(connection)
        data = {"project": "demo", "syncs": {"people": sync}}
        wanted = asked("test", data, engine.registry, desk.environ, known=known)
        catalog.apply(connection, Desired(syncs=wanted.syncs))
        assert catalog.sync(connection, "people") == wanted.syncs[0], "it is stored as it was said"
    run(desk)


def run(desk: Desk) -> None:
    engine = replace(desk.house.engine, environ=desk.environ)
    result = run_sync(engine, "people", trigger=Trigger.PERSON)
    assert result.status == "success", result.error
    relay(engine, desk.settings())


def test_rows_are_told_with_what_they_were_and_are(desk: Desk, own: Receiver, pair: Pair) -> None:
    action = {
        "on": ["added", "updated", "removed", "conflict"],
        "call": "${HOOK}",
        "secret": "${HOOK_SECRET}",
    }
    rows(desk, action)
    (first,) = own.messages
    assert [change["op"] for change in first["data"]["changes"]] == ["added", "added"]
    assert first["data"]["changes"][0]["before"] is None
    pair.execute("update crm.contacts set phone = '12' where id = 1")
    run(desk)
    (change,) = own.messages[1]["data"]["changes"]
    assert (change["op"], change["fields"]) == ("updated", ["phone"])
    assert (change["before"]["phone"], change["after"]["phone"]) == ("11", "12")
    pair.execute("update crm.contacts set phone = '13' where id = 1")
    pair.execute("update shop.customers set phone = '14' where id = 1")
    run(desk)
    found = {change["op"]: change for change in own.messages[2]["data"]["changes"]}
    assert found["conflict"]["fields"] == ["phone"]
    assert {found["conflict"]["source"], found["conflict"]["target"]} == {"13", "14"}
    assert found["conflict"]["winner"] in {"source", "target"}


EVERYTHING = {"on": list(ActionOn), "call": "${HOOK}", "secret": "${HOOK_SECRET}"}


def test_the_key_of_several_columns_is_told_as_people_write_it(
    desk: Desk, own: Receiver, pair: Pair
) -> None:
    for table in ("crm.contacts", "shop.customers"):
        pair.execute(f"alter table {table} drop constraint {table.split('.')[1]}_pkey")
        pair.execute(f"alter table {table} add primary key (id, name)")
    rows(desk, EVERYTHING)
    (first,) = own.messages
    assert [c["key"] for c in first["data"]["changes"]] == ["id=1, name=Ada", "id=2, name=Grace"]
    for table, phone in (("crm.contacts", "13"), ("shop.customers", "14")):
        pair.execute(f"update {table} set phone = '{phone}' where id = 1")
    run(desk)
    changes = own.messages[1]["data"]["changes"]
    assert {(c["op"], c["key"]) for c in changes} >= {("conflict", "id=1, name=Ada")}
    assert {c["key"] for c in changes} == {"id=1, name=Ada"}


def test_json_is_told_as_json(desk: Desk, own: Receiver, pair: Pair) -> None:
    for table in ("crm.contacts", "shop.customers"):
        pair.execute(f"alter table {table} add column more jsonb")
    more = {"n": [1, 2.5, 1e20], "s": "1"}
    pair.execute(f"update crm.contacts set more = '{json.dumps(more)}' where id = 1")
    rows(desk, EVERYTHING)
    ada, grace = own.messages[0]["data"]["changes"]
    assert (ada["after"]["more"], grace["after"]["more"]) == (more, None)
    for table, said in (("crm.contacts", '"a"'), ("shop.customers", '{"b": null}')):
        pair.execute(f"update {table} set more = '{said}' where id = 1")
    run(desk)
    found = {c["op"]: c for c in own.messages[1]["data"]["changes"]}
    assert (found["conflict"]["source"], found["conflict"]["target"]) == ("a", {"b": None})
    assert found["conflict"]["base"] == more


def test_numbers_of_any_size_are_told(desk: Desk, own: Receiver, pair: Pair) -> None:
    pair.execute("alter table crm.contacts add column mass float8 default 1e300")
    rows(desk, {"on": ["added"], "call": "${HOOK}", "secret": "${HOOK_SECRET}"}, mode="pull")
    (first,) = own.messages
    assert [change["after"]["mass"] for change in first["data"]["changes"]] == [1e300, 1e300]


def test_only_rows_whose_fields_changed_are_told(desk: Desk, own: Receiver, pair: Pair) -> None:
    action = {"on": ["updated"], "fields": ["phone"], "call": "${HOOK}", "secret": "${HOOK_SECRET}"}
    rows(desk, action)
    pair.execute("update crm.contacts set name = 'Augusta' where id = 1")
    run(desk)
    assert own.messages == []
    pair.execute("update crm.contacts set phone = '23' where id = 2")
    run(desk)
    ((key,),) = [[c["key"] for c in m["data"]["changes"]] for m in own.messages]
    assert key == "2"


@pytest.mark.parametrize(
    ("wrong", "where", "said"),
    [
        ({"call": "mailto:a@b.example"}, "actions.0.call", "no address of a webhook"),
        ({"call": "${NOWHERE}"}, "actions.0.call", "NOWHERE is not set"),
        ({"secret": SECRET}, "actions.0.secret", "written out"),
        ({"secret": "${NOWHERE}"}, "actions.0.secret", "NOWHERE is not set"),
        ({"secret": "${HOOK}"}, "actions.0.secret", "holds no signing secret"),
        ({"on": []}, "actions.0.on", "at least 1"),
        ({"on": ["renamed"]}, "actions.0.on.0", "not allowed"),
        ({"retries": 3}, "actions.0.retries", "unknown key"),
    ],
)
def test_a_wrong_action_is_refused_with_its_place(
    desk: Desk, own: Receiver, wrong: dict[str, Any], where: str, said: str
) -> None:
    plain = {"on": ["added"], "call": "${HOOK}", "secret": "${HOOK_SECRET}"}
    sync = {"connection": "fake", "target": "handbook", "actions": [{**plain, **wrong}]}
    data = {"project": "demo", "syncs": {"it": sync}}
    with desk.house.engine.database.pooled() as connection:
        known = catalog.stored(connection)
    with pytest.raises(BadInput) as caught:
        asked("test", data, desk.house.engine.registry, desk.environ, known=known)
    assert caught.value.where == f"test: syncs.it.{where}"
    assert said in caught.value.message
    assert SECRET not in caught.value.message
