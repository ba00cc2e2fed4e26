"""Messages of Amazon SNS over real HTTP, beside those of strangers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.sync import Desired, Webhook
from livesync_pipelines.store import catalog, webhooks
from livesync_pipelines.web.app import create_app
from livesync_pipelines_tests.auth.amazon import (
    CERT_URL,
    SLOW,
    TOPIC,
    Amazon,
    a_message,
    as_body,
)

from .conftest import SETTINGS
from .served import a_door

PLACE = "/sync/webhook/folder/files"
STRANGERS = 40
"""More than there are threads."""


def test_who_signs_is_heard_while_the_certificates_of_strangers_do_not_come(
    engine: Engine, docs: Path
) -> None:
    with engine.database.pooled() as connection:
        source = catalog.connection_of(connection, "files")
        called = replace(source, webhook=Webhook(scheme="sns", topic=TOPIC))
        catalog.apply(connection, Desired(connections=(called,)))
    app = create_app(engine, SETTINGS)
    with ExitStack() as stack:
        amazon = stack.enter_context(Amazon(datetime.now(UTC)))
        app.state.gate._certificates.client = amazon.client()
        door = stack.enter_context(a_door(app))
        pool = stack.enter_context(ThreadPoolExecutor(STRANGERS))
        stack.callback(amazon.let_go.set)
        assert door.post(PLACE, content=as_body(amazon.signed(a_message()))).status_code == 200
        slow = CERT_URL.replace("0123456789abcdef", SLOW)
        forged = as_body({**amazon.signed(a_message()), "SigningCertURL": slow})
        strangers = [
            pool.submit(door.post, PLACE, content=forged, timeout=60) for _ in range(STRANGERS)
        ]
        assert amazon.begun.wait(30)
        for number in range(10):
            good = amazon.signed(a_message(MessageId=f"good-{number}"))
            assert door.post(PLACE, content=as_body(good)).status_code == 200
        amazon.let_go.set()
        assert {one.result().status_code for one in strangers} == {401}
    assert amazon.calls == 2
    with engine.database.pooled() as connection:
        assert len(webhooks.listed(connection)) == 11
