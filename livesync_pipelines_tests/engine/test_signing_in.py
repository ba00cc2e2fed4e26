"""A person connects an account, and what is told where that goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from livesync_pipelines.engine import signing_in
from livesync_pipelines.engine.accounts import opened
from livesync_pipelines.engine.house import Engine, utc_now
from livesync_pipelines.model.errors import BadInput, NotFound, Unavailable
from livesync_pipelines.sandbox.google.door import READONLY
from livesync_pipelines.store import accounts
from livesync_pipelines.store.accounts import Account, AccountState
from livesync_pipelines_tests.engine.drawer import DOOR, Office, an_office
from livesync_pipelines_tests.sandbox.served import ADA, BEN


@pytest.fixture
def office(engine: Engine) -> Iterator[Office]:
    with an_office(engine) as office:
        yield office


def known(office: Office, name: str = "ada") -> Account:
    with office.engine.database.pooled() as connection:
        found = accounts.found(connection, name)
    assert found is not None
    return found


def test_a_person_is_sent_to_the_vendor_with_all_that_protects_the_way_back(
    office: Office,
) -> None:
    asked = parse_qs(urlsplit(office.begin().url).query)
    assert asked["redirect_uri"] == [f"{DOOR}/oauth/drawer/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == len(asked["state"][0]) == 43
    assert asked["scope"] == [f"{READONLY} openid email"]
    assert (asked["access_type"], asked["prompt"]) == (["offline"], ["consent"])


def test_no_two_sign_ins_share_anything_that_is_secret(office: Office) -> None:
    one, two = (parse_qs(urlsplit(office.begin().url).query) for _ in range(2))
    assert one["state"] != two["state"]
    assert one["code_challenge"] != two["code_challenge"]


def test_who_agrees_is_connected_under_the_name_that_was_chosen(office: Office) -> None:
    signed_in = office.connect()
    assert (signed_in.who, signed_in.missing) == (ADA, ())
    account = known(office)
    assert (account.platform, account.project_id, account.who) == ("drawer", "demo", ADA)
    assert account.state is AccountState.CONNECTED
    tokens = opened(office.engine.vault(), account)
    assert tokens.access.startswith("ya29.")
    assert tokens.refresh.startswith("1//")


def test_scopes_that_were_not_granted_are_named(office: Office) -> None:
    signed_in = office.connect(scope=["openid", "email"])
    assert signed_in.missing == (READONLY,)
    assert known(office).scopes == ("openid", "email")


def test_how_it_ended_is_there_for_whoever_waits(office: Office) -> None:
    begun = office.begin()
    assert signing_in.outcome(office.engine, begun) is None
    signing_in.complete(office.engine, "drawer", office.agree(begun))
    assert signing_in.outcome(office.engine, begun) == {
        "account": "ada",
        "platform": "drawer",
        "who": ADA,
        "missing": [],
        "writes": True,
    }


def test_who_says_no_is_told_so_in_plain_words(office: Office) -> None:
    begun = office.begin()
    brought = office.agree(begun, decision="deny")
    with pytest.raises(BadInput, match="Drawer did not connect the account 'ada': access was not"):
        signing_in.complete(office.engine, "drawer", brought)
    told = signing_in.outcome(office.engine, begun)
    assert told is not None
    assert "access was not allowed" in str(told["error"])


def test_an_error_is_never_repeated_in_the_vendors_words(office: Office) -> None:
    begun = office.begin()
    state = parse_qs(urlsplit(begun.url).query)["state"][0]
    brought = {"state": state, "error": "<script>", "error_description": "hunter2"}
    with pytest.raises(BadInput) as told:
        signing_in.complete(office.engine, "drawer", brought)
    assert "script" not in str(told.value.as_dict())
    assert "hunter2" not in str(told.value.as_dict())


def test_an_answer_is_taken_once(office: Office) -> None:
    brought = office.agree(office.begin())
    signing_in.complete(office.engine, "drawer", brought)
    with pytest.raises(BadInput, match="not known here"):
        signing_in.complete(office.engine, "drawer", brought)
    assert opened(office.engine.vault(), known(office)).access, "and the first one stands"
    assert office.sandbox.count("POST /google/token") == 1


@pytest.mark.parametrize("state", ["", "x", "x" * 43])
def test_a_state_that_nobody_gave_out_is_refused(office: Office, state: str) -> None:
    office.begin()
    with pytest.raises(BadInput, match="not known here"):
        signing_in.complete(office.engine, "drawer", {"state": state, "code": "4/x"})
    assert office.sandbox.count("POST /google/token") == 0


def test_an_answer_of_another_vendor_is_refused(office: Office) -> None:
    brought = office.agree(office.begin(platform="spinning"))
    with pytest.raises(BadInput, match="not known here"):
        signing_in.complete(office.engine, "drawer", brought)


def test_after_ten_minutes_it_is_over(office: Office) -> None:
    brought = office.agree(office.begin())
    late = replace(office.engine, now=lambda: utc_now() + timedelta(minutes=11))
    with pytest.raises(BadInput, match="not known here"):
        signing_in.complete(late, "drawer", brought)


def test_a_code_that_was_made_up_connects_nothing(office: Office) -> None:
    begun = office.begin()
    brought = {**office.agree(begun), "code": "4/hunter2"}
    with pytest.raises(BadInput, match="did not take the code") as told:
        signing_in.complete(office.engine, "drawer", brought)
    assert "hunter2" not in repr(told.value)


def test_a_wrong_client_secret_is_named_and_not_shown(office: Office) -> None:
    brought = office.agree(office.begin())
    wrong = {**office.engine.environ, "GOOGLE_CLIENT_SECRET": "hunter2"}
    with pytest.raises(BadInput, match="invalid_client") as told:
        signing_in.complete(replace(office.engine, environ=wrong), "drawer", brought)
    assert "hunter2" not in str(told.value.as_dict())


@pytest.mark.parametrize("name", ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"])
def test_a_client_that_is_not_set_up_is_said_before_anybody_is_sent_away(
    office: Office, name: str
) -> None:
    environ = {**office.engine.environ, name: ""}
    with pytest.raises(BadInput, match=f"{name} is not set"):
        signing_in.begin(replace(office.engine, environ=environ), "drawer", "a", "demo", door=DOOR)


def test_a_platform_that_is_not_there_is_said(office: Office) -> None:
    with pytest.raises(NotFound, match="no platform 'drawers'"):
        office.begin(platform="drawers")


def test_a_platform_without_accounts_says_so(engine: Engine) -> None:
    with pytest.raises(BadInput, match="has no accounts to connect"):
        signing_in.begin(engine, "folder", "a", "demo", door=DOOR)


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a" * 64])
def test_an_odd_name_is_refused(office: Office, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be the name"):
        office.begin(name)


def test_a_name_is_of_one_platform(office: Office) -> None:
    office.connect()
    with pytest.raises(BadInput, match="another platform or project"):
        office.begin(platform="spinning")


def test_another_person_does_not_slip_into_an_account(office: Office) -> None:
    office.connect()
    with pytest.raises(BadInput, match=f"is {ADA}'s, and {BEN} has signed in"):
        office.connect(person=BEN)
    assert known(office).who == ADA


def test_the_same_person_may_come_again_and_keeps_what_only_comes_once(office: Office) -> None:
    office.connect(scope=["openid", "email"])
    before = opened(office.engine.vault(), known(office))
    begun = office.begin()
    plain = replace(begun, url=begun.url.replace("&prompt=consent", ""))
    signed_in = signing_in.complete(office.engine, "drawer", office.agree(plain))
    after = opened(office.engine.vault(), known(office))
    assert signed_in.missing == ()
    assert after.access != before.access
    assert after.refresh == before.refresh


def test_a_vendor_that_does_not_say_who_it_is_connects_all_the_same(office: Office) -> None:
    office.sandbox.fault("GET /google/oauth2/v3/userinfo", "500", times=9)
    assert office.connect().who == ""


def test_a_vendor_that_fails_at_the_last_step_is_unavailable(office: Office) -> None:
    office.sandbox.fault("POST /google/token", "500", times=9)
    with pytest.raises(Unavailable):
        office.connect()
