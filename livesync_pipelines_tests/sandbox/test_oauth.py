"""The pretend authorisation server, as a client of RFC 6749 and RFC 7636 meets it."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from livesync_pipelines.sandbox.clock import EPOCH, Clock
from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from livesync_pipelines.sandbox.world import World

from .served import ADA, BEN, Sandbox, a_sandbox

_DRIVE = "https://www.googleapis.com/auth/drive"
_READ = "https://www.googleapis.com/auth/drive.readonly"
_BACK = "http://127.0.0.1:8600/oauth/google/callback"
_VERIFIER = "a-verifier-that-is-at-least-forty-three-letters-long"
_CHALLENGE = base64.urlsafe_b64encode(sha256(_VERIFIER.encode()).digest()).rstrip(b"=").decode()


def _asked(**changed: str) -> dict[str, str]:
    return {
        "client_id": CLIENT_ID,
        "redirect_uri": _BACK,
        "response_type": "code",
        "scope": f"{_DRIVE} {_READ}",
        "state": "xyz",
        "access_type": "offline",
        "code_challenge": _CHALLENGE,
        "code_challenge_method": "S256",
        **changed,
    }


def _agree(sandbox: Sandbox, asked: dict[str, str], **form: Any) -> dict[str, str]:
    """What the client is told by the redirect."""
    fields = {"person": ADA, "scope": asked["scope"].split(), "decision": "allow", **form}
    answer = sandbox.client.post("/google/o/oauth2/v2/auth", params=asked, data=fields)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(_BACK + "?")
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: value for name, (value,) in told.items()}


def _token(sandbox: Sandbox, **form: str) -> httpx.Response:
    secrets = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return sandbox.client.post("/google/token", data={**secrets, **form})


def _redeem(sandbox: Sandbox, code: str, **changed: str) -> httpx.Response:
    form = {"code": code, "redirect_uri": _BACK, "code_verifier": _VERIFIER, **changed}
    return _token(sandbox, grant_type="authorization_code", **form)


def _refresh(sandbox: Sandbox, token: str) -> httpx.Response:
    return _token(sandbox, grant_type="refresh_token", refresh_token=token)


def _who(sandbox: Sandbox, access_token: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {access_token}"}
    return sandbox.client.get("/google/oauth2/v3/userinfo", headers=headers)


def test_the_page_asks_who_one_is_and_what_may_be_done(sandbox: Sandbox) -> None:
    page = sandbox.client.get("/google/o/oauth2/v2/auth", params=_asked())
    assert page.status_code == 200
    assert re.findall(r'name="person" value="([^"]+)"', page.text)[:2] == [ADA, BEN]
    assert re.findall(r'name="scope" value="([^"]+)"', page.text) == [_DRIVE, _READ]


def test_a_code_becomes_tokens_of_the_person_who_agreed(sandbox: Sandbox) -> None:
    told = _agree(sandbox, _asked(), person=BEN)
    assert told["state"] == "xyz"
    tokens = _redeem(sandbox, told["code"]).json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3_600
    assert tokens["scope"] == f"{_DRIVE} {_READ}"
    assert _who(sandbox, tokens["access_token"]).json()["email"] == BEN


def test_who_says_no_is_reported_as_access_denied(sandbox: Sandbox) -> None:
    told = _agree(sandbox, _asked(), decision="deny")
    assert told["error"] == "access_denied"
    assert told["state"] == "xyz"
    assert "code" not in told


def test_fewer_scopes_may_be_granted_than_were_asked_for(sandbox: Sandbox) -> None:
    told = _agree(sandbox, _asked(), scope=[_READ])
    assert told["scope"] == _READ
    assert _redeem(sandbox, told["code"]).json()["scope"] == _READ


@pytest.mark.parametrize("verifier", ["", "another-verifier-that-is-also-long-enough-to-be-one"])
def test_a_code_is_worth_nothing_without_its_verifier(sandbox: Sandbox, verifier: str) -> None:
    code = _agree(sandbox, _asked())["code"]
    answer = _redeem(sandbox, code, code_verifier=verifier)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_that_comes_twice_ends_what_came_of_it(sandbox: Sandbox) -> None:
    code = _agree(sandbox, _asked())["code"]
    tokens = _redeem(sandbox, code).json()
    assert _redeem(sandbox, code).json()["error"] == "invalid_grant"
    assert _who(sandbox, tokens["access_token"]).status_code == 401


def test_a_code_that_is_ten_minutes_old_has_expired(sandbox: Sandbox) -> None:
    code = _agree(sandbox, _asked())["code"]
    sandbox.control("POST", "/clock", {"advance_s": 600})
    assert _redeem(sandbox, code).json()["error"] == "invalid_grant"


def test_a_refresh_keeps_the_refresh_token_and_does_not_repeat_it(sandbox: Sandbox) -> None:
    first = _redeem(sandbox, _agree(sandbox, _asked())["code"]).json()
    again = _refresh(sandbox, first["refresh_token"]).json()
    assert again["access_token"] != first["access_token"]
    assert "refresh_token" not in again
    assert _refresh(sandbox, first["refresh_token"]).status_code == 200


def test_a_vendor_may_repeat_the_refresh_token_and_give_short_lives(sandbox: Sandbox) -> None:
    rules = sandbox.control("POST", "/oauth/google", {"repeat": True, "access_life_s": 5})
    assert rules == {"access_life_s": 5, "rotate": False, "repeat": True, "once": True}
    first = _redeem(sandbox, _agree(sandbox, _asked())["code"]).json()
    assert first["expires_in"] == 5
    again = _refresh(sandbox, first["refresh_token"]).json()
    assert again["refresh_token"] == first["refresh_token"]
    unknown = sandbox.client.post("/sandbox/oauth/google", json={"forever": True})
    assert unknown.status_code == 400


def test_every_access_token_can_be_made_to_expire_at_once(sandbox: Sandbox) -> None:
    tokens = sandbox.tokens(ADA)
    sandbox.control("POST", "/oauth/google/expire")
    assert _who(sandbox, tokens["access_token"]).status_code == 401
    assert _refresh(sandbox, tokens["refresh_token"]).status_code == 200


def test_an_access_token_expires_and_a_refresh_brings_another(sandbox: Sandbox) -> None:
    first = _redeem(sandbox, _agree(sandbox, _asked())["code"]).json()
    sandbox.control("POST", "/clock", {"advance_s": 3_600})
    refused = _who(sandbox, first["access_token"])
    assert refused.status_code == 401
    assert refused.json()["error"]["errors"][0]["reason"] == "authError"
    again = _refresh(sandbox, first["refresh_token"]).json()
    assert _who(sandbox, again["access_token"]).status_code == 200


def test_a_second_consent_brings_a_refresh_token_only_on_request(sandbox: Sandbox) -> None:
    _redeem(sandbox, _agree(sandbox, _asked())["code"])
    second = _redeem(sandbox, _agree(sandbox, _asked())["code"]).json()
    assert "refresh_token" not in second
    third = _redeem(sandbox, _agree(sandbox, _asked(prompt="consent"))["code"]).json()
    assert "refresh_token" in third


def test_a_rotated_token_that_is_used_twice_ends_the_whole_family(sandbox: Sandbox) -> None:
    sandbox.control("POST", "/oauth/google", {"rotate": True})
    first = _redeem(sandbox, _agree(sandbox, _asked())["code"]).json()
    second = _refresh(sandbox, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert _refresh(sandbox, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert _refresh(sandbox, second["refresh_token"]).json()["error"] == "invalid_grant"
    assert _who(sandbox, second["access_token"]).status_code == 401


def test_a_revoked_token_takes_the_grant_with_it(sandbox: Sandbox) -> None:
    tokens = _redeem(sandbox, _agree(sandbox, _asked())["code"]).json()
    revoked = sandbox.client.post("/google/revoke", data={"token": tokens["access_token"]})
    assert revoked.status_code == 200
    assert _refresh(sandbox, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    again = sandbox.client.post("/google/revoke", data={"token": tokens["access_token"]})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")


def test_a_person_takes_back_what_they_have_allowed(sandbox: Sandbox) -> None:
    ada, ben = sandbox.tokens(ADA), sandbox.tokens(BEN)
    sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})
    assert _who(sandbox, ada["access_token"]).status_code == 401
    assert _refresh(sandbox, ada["refresh_token"]).json()["error"] == "invalid_grant"
    assert _who(sandbox, ben["access_token"]).status_code == 200


def test_the_client_may_show_its_secret_in_a_header(sandbox: Sandbox) -> None:
    code = _agree(sandbox, _asked())["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": _BACK}
    answer = sandbox.client.post(
        "/google/token",
        data={**form, "code_verifier": _VERIFIER},
        auth=(CLIENT_ID, CLIENT_SECRET),
    )
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong", "grant_type": "refresh_token"}, 401, "invalid_client"),
        ({"client_id": "nobody", "grant_type": "refresh_token"}, 401, "invalid_client"),
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "made up"}, 400, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "made up"}, 400, "invalid_grant"),
    ],
)
def test_what_is_refused_is_called_as_in_the_rfc(
    sandbox: Sandbox, form: dict[str, str], status: int, error: str
) -> None:
    answer = _token(sandbox, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    "changed",
    [{"client_id": "nobody"}, {"redirect_uri": "https://elsewhere.example/"}],
)
def test_nobody_is_sent_to_an_address_that_is_not_the_clients(
    sandbox: Sandbox, changed: dict[str, str]
) -> None:
    answer = sandbox.client.get("/google/o/oauth2/v2/auth", params=_asked(**changed))
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
    ],
)
def test_a_request_that_cannot_be_met_is_told_to_the_client(
    sandbox: Sandbox, changed: dict[str, str], error: str
) -> None:
    assert _agree(sandbox, _asked(**changed))["error"] == error


def test_calls_are_counted_without_their_secrets(sandbox: Sandbox) -> None:
    code = _agree(sandbox, _asked())["code"]
    tokens = _redeem(sandbox, code).json()
    _who(sandbox, tokens["access_token"])
    assert sandbox.count("POST /google/token") == 1
    noted = sandbox.client.get("/sandbox/calls").text
    for secret in (code, CLIENT_SECRET, _VERIFIER, *tokens.values()):
        assert str(secret) not in noted or secret in {3_600, "Bearer"}
    assert sandbox.control("GET", "/calls")["calls"][-1]["person"] == ADA


def test_a_refresh_token_outlives_the_sandbox_and_no_other_is_taken() -> None:
    with a_sandbox(World(clock=Clock(running=True))) as before:
        granted = before.tokens(ADA, _READ)
        other = before.tokens(ADA, _READ, vendor="dropbox")["refresh_token"]
    token, later = granted["refresh_token"], Clock(EPOCH + timedelta(days=1))
    with a_sandbox(World(clock=later)) as after:
        renewed = _refresh(after, token).json()
        assert renewed["scope"] == _READ
        assert renewed["access_token"] != granted["access_token"]
        for forged in (token[:-1], token.replace(".", "x.", 1), other, "1//sandbox-..", "1//"):
            assert _refresh(after, forged).json()["error"] == "invalid_grant"
        after.client.post("/google/revoke", data={"token": token}).raise_for_status()
        assert _refresh(after, token).json()["error"] == "invalid_grant"
    with a_sandbox(World(seed=2)) as stranger:
        assert _refresh(stranger, token).json()["error"] == "invalid_grant"
