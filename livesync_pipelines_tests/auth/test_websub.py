"""What a hub asks back, read from the query of its call."""

from __future__ import annotations

from datetime import timedelta

import pytest

from livesync_pipelines.auth.websub import asked_back, secret_of

NAME = "6b1d7bd0-5c0c-4a53-8d9c-0e6a8a1b2c3d"
GOOD = {
    "subscription": NAME,
    "hub.mode": "subscribe",
    "hub.topic": "https://example.com/feed",
    "hub.challenge": "xyz",
    "hub.lease_seconds": "3600",
}


def test_a_question_is_read_with_its_lease() -> None:
    asked = asked_back("GET", GOOD)
    assert asked is not None
    assert (asked.subscription, asked.mode, asked.challenge) == (NAME, "subscribe", "xyz")
    assert asked.lease == timedelta(hours=1)


@pytest.mark.parametrize(
    ("lease", "expected"),
    [("", None), ("-1", None), ("1e9", None), ("0", timedelta(seconds=1)), ("9" * 30, None)],
)
def test_a_lease_that_is_none_is_not_said(lease: str, expected: timedelta | None) -> None:
    asked = asked_back("GET", {**GOOD, "hub.lease_seconds": lease})
    assert asked is not None
    assert asked.lease == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"subscription": ""},
        {"subscription": NAME.upper()},
        {"subscription": f"{NAME}\n"},
        {"hub.mode": "publish"},
        {"hub.challenge": ""},
        {"hub.challenge": "x" * 2_001},
        {"hub.topic": "x\0"},
        {"hub.topic": "x" * 2_001},
    ],
)
def test_what_is_no_question_is_not_read_as_one(wrong: dict[str, str]) -> None:
    assert asked_back("GET", GOOD | wrong) is None
    assert asked_back("POST", GOOD) is None


def test_a_denial_needs_no_challenge_and_its_reason_is_plain_text() -> None:
    said = {**GOOD, "hub.mode": "denied", "hub.reason": "no\x1b[31m " + "x" * 500}
    del said["hub.challenge"]
    asked = asked_back("GET", said)
    assert asked is not None
    assert asked.reason.startswith("no[31m x")
    assert len(asked.reason) == 200


def test_each_subscription_has_a_secret_of_its_own() -> None:
    secrets = {secret_of(key, name) for key in (b"one key", b"another") for name in ("a", "b")}
    assert len(secrets) == 4
    assert all(len(secret) < 200 for secret in secrets)
