"""Requests that fit our OpenAPI document, requests that do not, and bytes that are none: no 5xx."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.sync import Desired, Webhook
from livesync_pipelines.store import catalog
from livesync_pipelines.web.app import create_app

from .conftest import SETTINGS
from .served import serving
from .test_gate import ENVIRON, PLACE, signed

FEW = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


@pytest.fixture
def address(engine: Engine, docs: Path) -> Iterator[str]:
    house = replace(engine, environ=ENVIRON)
    with engine.database.pooled() as connection:
        source = catalog.connection_of(connection, "files")
        called = replace(source, webhook=Webhook(scheme="standard", secret="${HOOK}"))
        catalog.apply(connection, Desired(connections=(called,)))
    with serving(create_app(house, SETTINGS)) as address:
        yield address


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_what_the_openapi_document_allows_and_what_it_forbids_is_no_fault(
    address: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    faults: set[str] = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @FEW
        @given(case=operation.as_strategy(generation_mode=mode))
        def call(case: schemathesis.Case[Any]) -> None:
            answer = case.call(timeout=30)
            if answer.status_code >= 500:
                faults.add(f"{case.method} {case.path}: {answer.text[:200]}")

        with suppress(Unsatisfiable):  # nothing is wrong with what takes no words at all
            call()
    assert faults == set()


NAMES = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=30)


def test_no_bytes_at_the_gate_are_a_fault(address: str) -> None:
    headers = st.dictionaries(
        st.sampled_from(
            [
                *signed(),
                "authorization",
                "content-length",
                "transfer-encoding",
                "host",
                "x-hub-signature",
                "box-delivery-timestamp",
            ]
        ),
        NAMES,
        max_size=6,
    )
    places = st.just(PLACE) | NAMES.map(lambda name: f"/sync/webhook/folder/{name}")

    @FEW
    @given(place=places, said=headers, body=st.binary(max_size=2_000), query=NAMES)
    def call(place: str, said: dict[str, str], body: bytes, query: str) -> None:
        lines = [f"POST {place}?{query} HTTP/1.1", "connection: close"]
        lines += [f"{name}: {value}" for name, value in said.items()]
        if "content-length" not in said:
            lines.append(f"content-length: {len(body)}")
        assert _status(address, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body) < 500

    @FEW
    @given(raw=st.binary(max_size=400))
    def shout(raw: bytes) -> None:
        assert _status(address, b"POST " + PLACE.encode() + raw + b"\r\n\r\n") < 500

    call()
    shout()
    assert httpx.get(f"{address}/health").status_code == 200


def _status(address: str, raw: bytes) -> int:
    """The status of the first answer; 0 where the server only hung up."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4_096)
        except ConnectionError:
            return 0
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/") else 0
