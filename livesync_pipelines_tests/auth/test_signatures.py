"""Every scheme, against the vendors' own vectors and against every bit that can be wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.auth import digests, tokens
from livesync_pipelines.auth.call import ALWAYS, Call, Scheme, verify
from livesync_pipelines_tests.auth.calls import SENT, Sent, bits

VECTORS = json.loads((Path(__file__).parent / "webhook_vectors.json").read_text("utf-8"))["vectors"]
SCHEMES = {scheme.name: scheme for scheme in (*digests.SCHEMES, *tokens.SCHEMES)}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORDS = tuple(
    word.encode() for word in ("bearer ", "BEarer ", "BeArer ", "BeaRer ", "BearEr ", "BeareR ")
)
"""The name of a scheme with one letter in another case, which is the same name."""


def ids(vector: dict[str, Any]) -> str:
    return f"{vector['platform']}: {vector['name']}"


def read(vector: dict[str, Any]) -> tuple[Scheme, str, Call]:
    """The scheme, the secret, and the call, made when its stamp says."""
    headers = {name.lower(): value for name, value in vector.get("headers", {}).items()}
    if "header" in vector:
        headers[vector["header"].lower()] = vector["signature"]
    if "timestamp" in vector:
        headers["x-hubspot-request-timestamp"] = vector["timestamp"]
    scheme = SCHEMES[_scheme_of(vector)]
    call = Call(
        method=vector.get("method", "POST"),
        url=vector.get("uri", "https://livesync.example/sync/webhook/x/y"),
        headers=headers,
        body=vector.get("wire_body", vector.get("body", "")).encode(),
        at=NOON,
    )
    names = ("client_secret", "verification_token", "mac_secret_base64", "secret")
    secret = next((vector[n] for n in names if n in vector), "")
    return scheme, secret or vector["keys"]["primary"], replace(call, at=scheme.stamp(call) or NOON)


def _scheme_of(vector: dict[str, Any]) -> str:
    match vector:
        case {"platform": "hubspot", "version": version}:
            return "hubspot" if version == "v3" else f"hubspot_{version}"
        case {"platform": "atlassian"}:
            return "hub"
        case {"platform": "generic", "headers": _}:
            return "standard"
        case {"platform": "generic"}:
            return "hub"
    return str(vector["platform"])


@pytest.mark.parametrize("vector", VECTORS, ids=ids)
def test_what_the_vendors_have_signed_is_accepted_and_nothing_else(vector: dict[str, Any]) -> None:
    scheme, secret, call = read(vector)
    key = scheme.key(secret)
    is_good = vector["expect"].startswith("valid")
    assert (verify(scheme, call, (key,)) is not None) == is_good
    assert verify(scheme, call, (b"another key", key)) is not None or not is_good
    assert verify(scheme, call, (b"another key",)) is None
    assert verify(scheme, call, ()) is None


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["platform"] == "box"], ids=ids)
def test_box_accepts_either_key_and_what_a_proxy_has_decoded(vector: dict[str, Any]) -> None:
    scheme, secret, call = read(vector)
    if "box-signature-secondary" in call.headers:
        assert verify(scheme, call, (vector["keys"]["secondary"].encode(),)) is not None
    decoded = replace(call, body=vector["decoded_body_in_test"].encode())
    lossless = "doubles the backslash" not in vector.get("note", "")
    assert (verify(scheme, decoded, (secret.encode(),)) is not None) == lossless


def test_notion_takes_hex_in_upper_case_and_not_without_its_prefix() -> None:
    (vector,) = (v for v in VECTORS if v["name"] == "locked-down fixture")
    scheme, secret, call = read(vector)
    said = vector["signature"].removeprefix("sha256=")
    for spelled, is_good in ((f"sha256={said.upper()}", True), (said, False)):
        again = replace(call, headers={"x-notion-signature": spelled})
        assert (verify(scheme, again, (scheme.key(secret),)) is not None) == is_good


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.scheme.name)
def test_a_call_that_is_signed_is_accepted(sent: Sent) -> None:
    assert sent.is_accepted()


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.scheme.name)
def test_every_bit_of_body_headers_address_and_time_is_held_against_the_signature(
    sent: Sent,
) -> None:
    accepted = [what for what, call in changes(sent) if sent.is_accepted(call)]
    assert accepted == []


def changes(sent: Sent) -> Iterator[tuple[str, Call]]:
    """The call with one bit of what is signed turned over, each in its turn."""
    call = sent.call
    if sent.signs_body:
        for n, body in enumerate(bits(call.body)):
            yield f"bit {n} of the body", replace(call, body=body)
    for name in sent.signed_headers:
        for n, value in enumerate(bits(call.headers[name].encode("latin-1"))):
            if value.startswith(WORDS):
                continue
            headers = {**call.headers, name: value.decode("latin-1")}
            yield f"bit {n} of {name}", replace(call, headers=headers)
    if sent.signs_url:
        for n, url in enumerate(bits(call.url.encode())):
            if url.isascii():
                yield f"bit {n} of the address", replace(call, url=url.decode())


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.scheme.name)
def test_every_bit_of_the_key_counts(sent: Sent) -> None:
    for key in bits(sent.key):
        if sent.signs_body or key.isascii():
            assert verify(sent.scheme, sent.call, (key,)) is None


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.scheme.name)
def test_a_header_that_is_missing_is_no_proof(sent: Sent) -> None:
    for name in sent.signed_headers:
        rest = {key: value for key, value in sent.call.headers.items() if key != name}
        assert not sent.is_accepted(replace(sent.call, headers=rest))


@pytest.mark.parametrize(
    "sent", [s for s in SENT if s.scheme.window != ALWAYS], ids=lambda sent: sent.scheme.name
)
def test_what_is_played_back_later_is_refused(sent: Sent) -> None:
    window, ahead, at = sent.scheme.window, sent.scheme.ahead, sent.call.at
    for late, is_good in (
        (window, True),
        (window + timedelta(seconds=1), False),
        (timedelta(days=365), False),
        (-ahead, True),
        (-ahead - timedelta(seconds=1), False),
    ):
        assert sent.is_accepted(replace(sent.call, at=at + late)) == is_good


def test_a_clock_that_is_ahead_is_tolerated_as_each_sender_says() -> None:
    """Standard Webhooks says five minutes either way; Box takes nothing from the future."""
    ahead = {name: scheme.ahead for name, scheme in SCHEMES.items() if scheme.window != ALWAYS}
    minute = timedelta(minutes=1)
    assert ahead == {"standard": 5 * minute, "hubspot": 5 * minute, "box": minute}


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER"])
def test_the_word_bearer_may_be_spelled_in_any_case(word: str) -> None:
    (sent,) = (one for one in SENT if one.scheme.name == "bearer")
    token = sent.key.decode()
    assert sent.is_accepted(replace(sent.call, headers={"authorization": f"{word} {token}"}))
    for wrong in (token, f"Basic {token}", f"{word}{token}", f"{word} {token.upper()}"):
        assert not sent.is_accepted(replace(sent.call, headers={"authorization": wrong}))


STAMPS = st.text(st.characters(max_codepoint=255), max_size=30) | st.integers().map(str)


@given(stamp=STAMPS, body=st.binary(max_size=40), name=st.text(max_size=5))
def test_nothing_that_can_be_sent_is_a_fault(stamp: str, body: bytes, name: str) -> None:
    headers = {key: stamp for sent in SENT for key in sent.call.headers}
    call = Call(method="POST", url=f"https://x/{name}", headers=headers, body=body, at=NOON)
    for sent in SENT:
        assert verify(sent.scheme, call, (sent.key,)) is None


@given(
    body=st.recursive(
        st.none() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "value",
                        "Records",
                        "s3",
                        "object",
                        "key",
                        "id",
                        "source",
                        "events",
                        "list_folder",
                        "accounts",
                        "entity",
                        "clientState",
                        "objectId",
                    ]
                ),
                x,
            )
        ),
    )
)
def test_whatever_a_proved_body_holds_its_telling_is_no_fault(body: Any) -> None:
    for sent in SENT:
        call = replace(sent.call, body=json.dumps(body).encode())
        told = sent.scheme.tells(call)
        assert told.delivery is None or 0 < len(told.delivery) <= 200
        assert all("\0" not in hint for hint in told.hints)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("secret", ["", "short", "whsec_"])
def test_a_secret_that_is_too_short_to_be_one_is_none(scheme: Scheme, secret: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        scheme.key(secret)
