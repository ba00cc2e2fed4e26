"""Connections whose account nobody has signed in, and what goes on once somebody has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from livesync_pipelines.connectors.notion import Notion
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.unsigned import Unsigned, unsigned
from livesync_pipelines.model.sync import Connection, Desired, SyncState
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.engine.drawer import REGISTRY, Office, an_office
from livesync_pipelines_tests.engine.test_accounts import configured, run
from livesync_pipelines_tests.sandbox.served import ADA


@pytest.fixture
def office(engine: Engine) -> Iterator[Office]:
    with an_office(engine) as office:
        configured(office)
        yield office


def asked(office: Office) -> list[Unsigned]:
    with office.engine.database.pooled() as connection:
        return unsigned(office.engine, connection)


def sync_of(office: Office) -> dict[str, Any]:
    with office.engine.database.pooled() as connection:
        return rows(connection, "select state, state_reason, paused_by from livesync.syncs")[0]


def queued(office: Office) -> list[str]:
    with office.engine.database.pooled() as connection:
        return [row["trigger"] for row in rows(connection, "select * from livesync.queue")]


def test_an_account_that_was_never_connected_is_asked_for_with_the_way_to_it(
    office: Office,
) -> None:
    (one,) = asked(office)
    assert (one.account, one.connections, one.why) == ("ada", ("papers",), "")
    assert one.start == "/oauth/drawer/start?account=ada&project=demo"
    office.connect()
    assert asked(office) == []


def test_an_account_that_was_revoked_is_asked_for_with_the_reason(office: Office) -> None:
    office.connect()
    office.sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})
    run(office.engine)
    (one,) = asked(office)
    assert "invalid_grant" in one.why


def test_an_account_of_this_name_at_another_platform_is_another_one(office: Office) -> None:
    office.connect(platform="spinning")
    assert [one.platform for one in asked(office)] == ["drawer"]


def test_a_connection_that_holds_a_token_waits_for_nobody(office: Office) -> None:
    office.engine = replace(office.engine, registry={**REGISTRY, "notion": Notion})
    options = {"token": "${NOTION_TOKEN}"}
    notes = Connection(name="notes", project_id="demo", platform="notion", options=options)
    with office.engine.database.connect() as connection, connection.transaction():
        catalog.apply(connection, Desired(connections=(notes,)))
    assert [one.platform for one in asked(office)] == ["drawer"]


def test_what_rested_for_want_of_the_account_runs_once_somebody_has_signed_in(
    office: Office,
) -> None:
    run(office.engine)
    assert sync_of(office)["paused_by"] == "reauthorise"
    office.connect()
    assert sync_of(office) == {"state": "active", "state_reason": None, "paused_by": None}
    assert queued(office) == ["person"]
    assert run(office.engine).counts.added == 1


def test_what_a_person_has_paused_rests_on(office: Office) -> None:
    with office.engine.database.pooled() as connection:
        catalog.set_state(connection, "papers", SyncState.PAUSED, "we move house")
    office.connect()
    assert sync_of(office)["state_reason"] == "we move house"
    assert queued(office) == []


def test_where_nothing_may_run_signing_in_begins_nothing(office: Office) -> None:
    office.engine = replace(office.engine, enabled=False)
    office.connect()
    assert queued(office) == []


def test_a_platform_that_could_not_be_asked_to_call_is_asked_at_once(office: Office) -> None:
    subscription = (
        "insert into livesync.subscriptions (connection, project_id, platform, options, base,"
        " state, made_at, next_at) values ('papers', 'demo', 'drawer', '{}', 'http://x', 'failing',"
        " now(), now() + interval '1 hour')"
    )
    with office.engine.database.pooled() as connection:
        connection.execute(subscription)
    office.connect()
    with office.engine.database.pooled() as connection:
        due = rows(connection, "select next_at <= now() as due from livesync.subscriptions")
    assert due == [{"due": True}]
