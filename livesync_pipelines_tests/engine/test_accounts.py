"""Accounts at work: renewed when it is time, by one process at a time, and told when they end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from livesync_pipelines.auth import oauth
from livesync_pipelines.auth.oauth import Revoked, Tokens
from livesync_pipelines.auth.vault import Sealed, Vault
from livesync_pipelines.engine import accounts as work
from livesync_pipelines.engine.accounts import ConnectedAccount, fresh, opened, reseal, sealed
from livesync_pipelines.engine.house import Engine, utc_now
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import BadInput, Broken, NotFound, Reauthorise, Unavailable
from livesync_pipelines.model.live import LiveKind
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import (
    Capsule,
    Connection,
    Desired,
    Notify,
    NotifyOn,
    SyncConfig,
    SyncState,
    Trigger,
)
from livesync_pipelines.net.api import Api
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.sandbox.google.door import READONLY
from livesync_pipelines.store import accounts, catalog
from livesync_pipelines.store.accounts import Account, AccountState
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.engine.drawer import KEY, Office, an_office
from livesync_pipelines_tests.sandbox.served import ADA

MINE = ("drawer", "demo")
SPINNING = ("spinning", "demo")
RENEWALS = "POST /google/token"


@pytest.fixture
def office(engine: Engine) -> Iterator[Office]:
    with an_office(engine) as office:
        yield office


def known(office: Office, name: str = "ada") -> Account:
    with office.engine.database.pooled() as connection:
        found = accounts.found(connection, name)
    assert found is not None
    return found


def tokens(office: Office, name: str = "ada") -> Tokens:
    return opened(office.engine.vault(), known(office, name))


def later(office: Office, hours: float) -> Engine:
    """An engine whose clock is ahead; so is the vendor's."""
    office.sandbox.control("POST", "/clock", {"advance_s": hours * 3_600})
    return replace(office.engine, now=lambda: utc_now() + timedelta(hours=hours))


def asked_who(office: Office, engine: Engine) -> str:
    """Whose account the vendor takes us for."""
    account = ConnectedAccount(engine, "ada", platform="drawer", project_id="demo")
    with Client(allow_private=True) as client:
        api = Api(client, f"{office.sandbox.address}/google", account)
        return str(api.get("oauth2/v3/userinfo")["email"])


def test_a_token_that_is_good_is_used_and_nobody_is_asked(office: Office) -> None:
    office.connect()
    assert asked_who(office, office.engine) == ADA
    assert office.sandbox.count(RENEWALS) == 1, "the code's"


def test_a_token_whose_time_is_over_is_renewed_before_it_is_used(office: Office) -> None:
    office.connect()
    before = tokens(office)
    assert asked_who(office, later(office, 2)) == ADA
    assert office.sandbox.count("* /google/oauth2/v3/userinfo") == 2, "one call, and no 401"
    after = tokens(office)
    assert after.access != before.access
    assert after.refresh == before.refresh, "the answer held none: the one before stays"


def test_a_token_that_is_refused_before_its_time_is_renewed_once(office: Office) -> None:
    office.connect()
    office.sandbox.control("POST", "/oauth/google/expire")
    assert asked_who(office, office.engine) == ADA
    assert office.sandbox.count(RENEWALS) == 2


def test_many_who_need_a_new_token_at_once_renew_it_once(office: Office) -> None:
    office.sandbox.control("POST", "/oauth/google", {"rotate": True})
    office.connect(platform="spinning")
    refused = tokens(office).access
    with ThreadPoolExecutor(6) as pool:
        got = list(
            pool.map(lambda _: fresh(office.engine, "ada", of=SPINNING, refused=refused), range(12))
        )
    assert len({one.access for one in got}) == 1
    assert office.sandbox.count(RENEWALS) == 2


PROCESS = """
import sys
from dataclasses import replace
from livesync_pipelines.auth.vault import Vault
from livesync_pipelines.engine.accounts import fresh
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store.database import Database
from livesync_pipelines_tests.engine.drawer import KEY, REGISTRY
url, base, refused = sys.argv[1:]
environ = {"GOOGLE_CLIENT_ID": "livesync-sandbox",
           "GOOGLE_CLIENT_SECRET": "sandbox-client-secret", "GOOGLE_OAUTH_URL": base}
engine = Engine(database=Database(url), registry=REGISTRY, row_ends={}, environ=environ,
                vault=lambda: Vault([KEY]))
print(fresh(engine, "ada", of=("spinning", "demo"), refused=refused).access)
"""


def test_processes_that_need_a_new_token_at_once_renew_it_once(
    office: Office, database_url: str
) -> None:
    office.sandbox.control("POST", "/oauth/google", {"rotate": True})
    office.connect(platform="spinning")
    refused = tokens(office).access
    arguments = [database_url, f"{office.sandbox.address}/google", refused]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, *arguments], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    got = {child.communicate()[0].strip() for child in children}
    assert [child.returncode for child in children] == [0, 0, 0]
    assert got == {tokens(office).access}
    assert office.sandbox.count(RENEWALS) == 2


def test_with_rotation_the_new_refresh_token_is_kept_before_the_access_token_is_used(
    office: Office,
) -> None:
    office.sandbox.control("POST", "/oauth/google", {"rotate": True})
    office.connect(platform="spinning")
    seen = [tokens(office).refresh]
    for _ in range(3):
        got = fresh(office.engine, "ada", of=SPINNING, refused=tokens(office).access)
        assert tokens(office) == got
        seen.append(got.refresh)
    assert len(set(seen)) == 4


def test_a_refresh_token_that_is_spent_by_its_use_is_not_sent_twice(office: Office) -> None:
    office.sandbox.control("POST", "/oauth/google", {"rotate": True})
    office.connect(platform="spinning")
    office.sandbox.fault(RENEWALS, "reset", times=1)
    with pytest.raises(Unavailable):
        fresh(office.engine, "ada", of=SPINNING, refused=tokens(office).access)
    assert office.sandbox.count(RENEWALS) == 2
    assert known(office).state is AccountState.CONNECTED


@pytest.mark.parametrize("kind", ["500", "503", "reset", "truncated"])
def test_a_vendor_that_fails_for_a_moment_revokes_nothing(office: Office, kind: str) -> None:
    office.connect()
    office.sandbox.fault(RENEWALS, kind, times=1)
    fresh(office.engine, "ada", of=MINE, refused=tokens(office).access)
    assert known(office).state is AccountState.CONNECTED


def test_a_login_that_refuses_the_client_is_told_with_its_status_and_what_to_do(
    office: Office,
) -> None:
    office.connect()
    office.sandbox.fault(RENEWALS, "expired_token", times=1)
    with pytest.raises(BadInput, match=r"POST http.*/token answered 401") as told:
        fresh(office.engine, "ada", of=MINE, refused=tokens(office).access)
    assert "The client's id or secret is wrong" in told.value.hint
    assert known(office).state is AccountState.CONNECTED


@pytest.mark.parametrize("said", [b'{"error": "not_ours"}', b'{"code": "not_ours"}'])
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_of_a_login_bears_the_vendors_word_in_either_form(
    said: bytes, status: int
) -> None:
    refusal = Refusal(
        status=status, headers={}, content=said, where="POST https://a.b/token", at=utc_now()
    )
    error = oauth.judge(refusal)
    assert error is not None
    assert error.message == f"POST https://a.b/token answered {status} not_ours"


def test_an_answer_without_a_token_names_the_vendor_by_its_title() -> None:
    with pytest.raises(Broken, match="The token endpoint of Notion took what was sent") as told:
        oauth.tokens_in(None, "Notion", asked_for=(), refresh="", now=utc_now())
    assert told.value.hint


def test_an_account_that_was_revoked_is_noted_and_nobody_is_asked_again(office: Office) -> None:
    office.connect()
    office.sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})
    with pytest.raises(Revoked, match="invalid_grant") as told:
        asked_who(office, office.engine)
    assert "livesync connect drawer --account ada" in told.value.hint
    assert known(office).state is AccountState.REVOKED
    calls = office.sandbox.count()
    with pytest.raises(Revoked):
        asked_who(office, office.engine)
    assert office.sandbox.count() == calls


def test_an_account_that_is_connected_again_works_again(office: Office) -> None:
    office.connect()
    office.sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})
    with pytest.raises(Revoked):
        asked_who(office, office.engine)
    office.connect()
    assert asked_who(office, office.engine) == ADA


def test_a_token_that_nothing_renews_ends_with_its_time(office: Office) -> None:
    office.connect()
    account, held = known(office), tokens(office)
    with office.engine.database.pooled() as connection:
        alone = replace(held, refresh="")
        accounts.reseal(connection, "ada", sealed(office.engine.vault(), account.name, alone))
    with pytest.raises(Revoked, match="nothing renews it"):
        fresh(later(office, 2), "ada", of=MINE)


@pytest.mark.parametrize("of", [("drawer", "other"), ("spinning", "demo")])
def test_an_account_serves_its_own_platform_and_project_alone(
    office: Office, of: tuple[str, str]
) -> None:
    office.connect()
    with pytest.raises(Reauthorise, match="No account 'ada' is connected"):
        fresh(office.engine, "ada", of=of)


def test_no_token_is_in_what_an_account_tells_of_itself(office: Office) -> None:
    office.connect(scope=["openid"])
    account, held = known(office), tokens(office)
    told = f"{work.document(office.engine, account)} {account!r} {held!r}"
    assert held.access not in told
    assert held.refresh not in told
    assert work.document(office.engine, account)["missing"] == (READONLY, "email")


def configured(office: Office) -> None:
    source = Connection(
        name="papers",
        project_id="demo",
        platform="drawer",
        options={"account": "ada", "url": f"{office.sandbox.address}/google"},
    )
    sync = SyncConfig(
        sync_id="papers",
        project_id="demo",
        connection="papers",
        capsule="c",
        schedule="hourly",
        notify=Notify((NotifyOn.ERROR,), ("mailto:ops@example.com",)),
    )
    wanted = Desired(
        connections=(source,), capsules=(Capsule(name="c", project_id="demo"),), syncs=(sync,)
    )
    with office.engine.database.pooled() as connection:
        catalog.apply(connection, wanted)


def run(engine: Engine) -> SyncResult:
    return run_sync(engine, "papers", trigger=Trigger.POLL)


def test_a_connection_that_names_an_account_is_synced_in_its_name(office: Office) -> None:
    office.connect()
    configured(office)
    assert run(office.engine).counts.added == 1
    with office.engine.database.pooled() as connection:
        (chunk,) = rows(connection, "select * from livesync.chunks")
    assert ADA in str(chunk)


def test_a_sync_whose_account_was_revoked_rests_and_somebody_is_told(office: Office) -> None:
    office.connect()
    configured(office)
    run(office.engine)
    office.sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})
    assert run(office.engine).status is Status.FAILED
    with office.engine.database.pooled() as connection:
        sync = rows(connection, "select state, state_reason, paused_by from livesync.syncs")[0]
        events = rows(connection, "select kind from livesync.events")
        mails = rows(connection, "select address from livesync.deliveries")
    assert (sync["state"], sync["paused_by"]) == (SyncState.PAUSED, "reauthorise")
    assert "The account 'ada' was revoked" in sync["state_reason"]
    assert LiveKind.REAUTHORISE in {event["kind"] for event in events}
    assert [mail["address"] for mail in mails] == ["mailto:ops@example.com"]


def test_a_sync_without_its_account_says_how_to_connect_it(office: Office) -> None:
    configured(office)
    result = run(office.engine)
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "livesync connect drawer --account ada" in result.error["hint"]


def test_all_that_is_sealed_is_sealed_with_the_new_key(office: Office) -> None:
    for name in ("ada", "again"):
        office.connect(name)
    new = bytes(32)
    both = replace(office.engine, vault=lambda: Vault([new, KEY]))
    assert reseal(both) == 2
    assert reseal(both) == 0
    only = replace(office.engine, vault=lambda: Vault([new]))
    assert asked_who(office, only) == ADA
    with pytest.raises(Sealed, match="a key that is not here"):
        asked_who(office, office.engine)


def test_an_account_that_is_removed_is_taken_back_at_its_vendor(office: Office) -> None:
    office.connect()
    held = tokens(office)
    gone = work.remove(office.engine, "ada")
    assert (gone.account.who, gone.syncs, gone.trouble) == (ADA, [], "")
    answer = office.sandbox.client.get(
        "/google/oauth2/v3/userinfo", headers={"authorization": f"Bearer {held.access}"}
    )
    assert answer.status_code == 401
    with pytest.raises(NotFound):
        work.remove(office.engine, "ada")


def test_an_account_is_forgotten_also_where_its_vendor_does_not_answer(office: Office) -> None:
    office.connect()
    office.sandbox.fault("POST /google/revoke", "500", times=9)
    assert "answered 500" in work.remove(office.engine, "ada").trouble
    with office.engine.database.pooled() as connection:
        assert accounts.listed(connection) == []


def test_an_account_of_another_project_is_not_there(office: Office) -> None:
    office.connect()
    with pytest.raises(NotFound):
        work.remove(office.engine, "ada", project="other")
    with office.engine.database.pooled() as connection:
        assert [one.name for one in accounts.listed(connection, project="demo")] == ["ada"]
        assert accounts.listed(connection, project="other") == []
