"""Faults, limits and the clock, on demand."""

from __future__ import annotations

import httpx
import pytest

from livesync_pipelines.sandbox.world import World

from .served import ADA, Sandbox, a_sandbox

_WHO = "/google/oauth2/v3/userinfo"


def _who(sandbox: Sandbox, token: str) -> httpx.Response:
    return sandbox.client.get(_WHO, headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def token(sandbox: Sandbox) -> str:
    return str(sandbox.tokens(ADA)["access_token"])


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("429", 429, "rateLimitExceeded"),
        ("403", 403, "userRateLimitExceeded"),
        ("500", 500, "internalError"),
        ("503", 503, "backendError"),
        ("expired_token", 401, "authError"),
    ],
)
def test_the_next_calls_that_fit_are_refused_in_googles_words(
    sandbox: Sandbox, token: str, kind: str, status: int, reason: str
) -> None:
    sandbox.fault(f"GET {_WHO}", kind, times=2, retry_after_s=7)
    for _ in range(2):
        refused = _who(sandbox, token)
        assert refused.status_code == status
        assert refused.headers["retry-after"] == "7"
        assert refused.json()["error"]["errors"][0]["reason"] == reason
    assert _who(sandbox, token).status_code == 200


def test_a_reset_connection_has_no_answer(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("GET /google/*", "reset")
    with pytest.raises(httpx.ReadError):
        _who(sandbox, token)
    assert _who(sandbox, token).status_code == 200
    assert sandbox.control("GET", "/calls")["by_status"] == {"None": 1, "200": 1}


def test_a_truncated_body_ends_before_its_announced_end(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("GET /google/*", "truncated")
    with pytest.raises(httpx.RemoteProtocolError, match="closed connection without sending"):
        _who(sandbox, token)


def test_a_slow_answer_comes_after_the_clients_patience(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("GET /google/*", "slow", delay_s=30)
    with pytest.raises(httpx.ReadTimeout):
        sandbox.client.get(_WHO, headers={"authorization": f"Bearer {token}"}, timeout=0.2)
    assert _who(sandbox, token).status_code == 200


def test_a_fault_lets_the_calls_pass_that_come_before_it(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("GET /google/*", "500", after=1)
    assert [_who(sandbox, token).status_code for _ in range(3)] == [200, 500, 200]


def test_what_waits_is_shown_and_can_be_called_off(sandbox: Sandbox, token: str) -> None:
    sandbox.fault("GET /google/*", "500", times=9)
    assert sandbox.control("GET", "/faults")["waiting"][0]["times"] == 9
    assert sandbox.control("DELETE", "/faults") == {"waiting": []}
    assert _who(sandbox, token).status_code == 200


@pytest.mark.parametrize("kind", ["418", ""])
def test_a_fault_that_there_is_not_is_refused_with_those_there_are(
    sandbox: Sandbox, kind: str
) -> None:
    answer = sandbox.client.post("/sandbox/faults", json={"match": "*", "kind": kind})
    assert answer.status_code == 400
    assert "truncated" in answer.json()["error"]


def test_a_limit_holds_for_each_person_and_time_brings_calls_back(sandbox: Sandbox) -> None:
    tokens = [str(sandbox.tokens(who)["access_token"]) for who in (ADA, "ben@example.com")]
    sandbox.control("POST", "/limits/google", {"calls": 60, "per_s": 60, "burst": 2})
    assert [_who(sandbox, tokens[0]).status_code for _ in range(3)] == [200, 200, 403]
    assert _who(sandbox, tokens[1]).status_code == 200
    sandbox.control("POST", "/clock", {"advance_s": 1})
    assert [_who(sandbox, tokens[0]).status_code for _ in range(2)] == [200, 403]
    sandbox.control("POST", "/limits/google", None)
    assert [_who(sandbox, tokens[0]).status_code for _ in range(9)] == [200] * 9


def test_the_same_seed_makes_the_same_tokens_and_another_seed_makes_others() -> None:
    made = []
    for seed in (1, 1, 2):
        with a_sandbox(World(seed=seed)) as sandbox:
            made.append(sandbox.tokens(ADA))
    assert made[0] == made[1] != made[2]


def test_time_stands_still_until_it_is_moved_ahead(sandbox: Sandbox) -> None:
    assert sandbox.control("GET", "/clock") == {"now": "2026-01-05T09:00:00.000Z"}
    sandbox.control("POST", "/clock", {"advance_s": 3_600})
    assert sandbox.control("GET", "/clock") == {"now": "2026-01-05T10:00:00.000Z"}
    assert sandbox.client.post("/sandbox/clock", json={"advance_s": -1}).status_code == 400
