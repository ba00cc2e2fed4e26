"""Notion read in the name of an account: signed in, renewed, and given back."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from livesync_pipelines.engine import accounts, signing_in
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.drawer import DOOR
from livesync_pipelines_tests.sandbox.served import ADA

from .account_world import engine_at
from .notion_world import Desk, a_desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


@pytest.fixture
def house(engine: Engine, desk: Desk) -> Engine:
    """One that has an account and a sync of what its owner has shared."""
    known = engine_at("notion", engine, desk.sandbox)
    begun = signing_in.begin(known, "notion", "ada", "demo", door=DOOR)
    form = {"person": ADA, "decision": "allow"}
    led = desk.sandbox.client.post(begun.url, data=form).headers["location"]
    brought = {name: value for name, (value,) in parse_qs(urlsplit(led).query).items()}
    assert signing_in.complete(known, "notion", brought).who == "Garden"
    options = {"account": "ada"}
    place = Connection(name="notes", project_id="demo", platform="notion", options=options)
    sync = SyncConfig(
        sync_id="notes", project_id="demo", connection="notes", capsule="c", schedule="manual"
    )
    capsules = (Capsule(name="c", project_id="demo"),)
    wanted = Desired(connections=(place,), capsules=capsules, syncs=(sync,))
    with known.database.pooled() as connection:
        catalog.apply(connection, wanted)
    return known


def test_an_account_is_renewed_when_its_token_has_ended_and_given_back_in_the_end(
    house: Engine, desk: Desk
) -> None:
    desk.page("Ferns", "Green.")
    for added in (2, 0, 0):
        result = run_sync(house, "notes", trigger=Trigger.PERSON)
        assert (result.status, result.counts.added) == (Status.SUCCESS, added), result.error
        desk.sandbox.control("POST", "/oauth/notion/expire")
    assert desk.sandbox.count("POST /notion/v1/oauth/token") == 3
    run_sync(house, "notes", trigger=Trigger.PERSON)
    assert accounts.remove(house, "ada").trouble == ""
    assert desk.sandbox.count("POST /notion/v1/oauth/revoke") == 1
    assert run_sync(house, "notes", trigger=Trigger.PERSON).status is Status.FAILED
