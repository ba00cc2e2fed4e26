"""The way to a vendor and back, through the HTTP door."""

from __future__ import annotations

import logging
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from livesync_pipelines.auth.oauth import Revoked
from livesync_pipelines.engine import tokens
from livesync_pipelines.engine.accounts import fresh, opened
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.sandbox.oauth import CLIENT_SECRET
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import accounts, catalog
from livesync_pipelines.store.database import rows
from livesync_pipelines.web.app import create_app
from livesync_pipelines_tests.cli.conftest import Terminal, terminal
from livesync_pipelines_tests.engine.drawer import KEY, Office, an_office
from livesync_pipelines_tests.sandbox.served import ADA

from .conftest import Caller
from .served import serving

__all__ = ["terminal"]

START = "/oauth/drawer/start?account=ada&project=demo"
BACK = "/oauth/drawer/callback"
PERSON = {"accept": "text/html"}


@pytest.fixture
def office(engine: Engine) -> Iterator[Office]:
    with an_office(engine) as office:
        yield office


@pytest.fixture
def browser(office: Office) -> Caller:
    return Caller(office.engine)


def agreed(office: Office, url: str, **form: object) -> str:
    """The path and query that the vendor sends the person back to."""
    scopes = parse_qs(urlsplit(url).query)["scope"][0].split()
    fields = {"person": ADA, "scope": scopes, "decision": "allow", **form}
    place = urlsplit(office.sandbox.client.post(url, data=fields).headers["location"])
    assert (place.scheme, place.netloc) == ("http", "localhost:8600")
    return f"{place.path}?{place.query}"


def test_a_browser_is_sent_to_the_vendor_and_told_when_it_is_back(
    office: Office, browser: Caller
) -> None:
    sent = browser.get(START, headers=PERSON)
    assert sent.status_code == 303
    back = browser.get(agreed(office, sent.headers["location"]), headers=PERSON)
    assert back.status_code == 200
    assert "The account ada is connected" in back.text
    assert ADA in back.text
    assert (back.headers["referrer-policy"], back.headers["cache-control"]) == (
        "no-referrer",
        "no-store",
    )


def test_a_program_is_told_where_to_send_somebody(office: Office, browser: Caller) -> None:
    told = browser.get(START).json()
    assert set(told) == {"url", "expires_at"}
    back = browser.get(agreed(office, told["url"]))
    known = {"account": "ada", "platform": "drawer", "who": ADA}
    assert back.json() == {**known, "missing": [], "writes": True}


def test_what_was_not_granted_is_on_the_page(office: Office, browser: Caller) -> None:
    url = browser.get(START).json()["url"]
    page = browser.get(agreed(office, url, scope=["openid"]), headers=PERSON).text
    assert "<h2>Not everything was granted to the account ada</h2>" in page
    assert "The account ada is connected" not in page
    assert "drive.readonly" in page


def test_who_said_no_reads_so_in_plain_words(office: Office, browser: Caller) -> None:
    url = browser.get(START).json()["url"]
    back = browser.get(agreed(office, url, decision="deny"), headers=PERSON)
    assert back.status_code == 400
    assert "Nothing was connected" in back.text
    assert "access was not allowed there" in back.text


def test_the_same_answer_twice_is_refused(office: Office, browser: Caller) -> None:
    path = agreed(office, browser.get(START).json()["url"])
    assert browser.get(path).status_code == 200
    again = browser.get(path)
    assert again.status_code == 400
    assert "used before, or is over" in again.json()["error"]["message"]


@pytest.mark.parametrize(
    "query", ["", "?code=hunter2", "?state=hunter2&code=hunter2", "?state=%00&error=%3Cscript%3E"]
)
def test_an_answer_that_nobody_asked_for_is_refused_without_a_word_of_it(
    browser: Caller, query: str
) -> None:
    for headers in ({}, PERSON):
        answer = browser.get(BACK + query, headers=headers)
        assert answer.status_code == 400
        assert "hunter2" not in answer.text
        assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/oauth/nowhere/start?account=ada", 404),
        ("/oauth/nowhere/callback?state=x&code=y", 404),
        ("/oauth/drawer/start", 400),
        ("/oauth/drawer/start?account=A%20B", 400),
        ("/oauth/drawer/start?account=ada&write=all", 400),
        ("/oauth/UP/start?account=ada", 400),
    ],
)
def test_what_cannot_be_started_is_said(browser: Caller, path: str, status: int) -> None:
    answer = browser.get(path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_page_of_another_origin_starts_a_sign_in(browser: Caller, site: str) -> None:
    answer = browser.get(START, headers={"sec-fetch-site": site})
    assert answer.status_code == 403


class Guarded:
    """A door that asks for tokens."""

    def __init__(self, office: Office, file: Path) -> None:
        self._caller = Caller(
            office.engine,
            Settings.load({"EXTERNAL_SYNC_ENABLED": "true", "LIVESYNC_API_TOKENS": str(file)}),
        )
        self._file = file

    def get(self, path: str, project: str = "", role: str = "editor") -> httpx.Response:
        if not project:
            return self._caller.get(path)
        token = tokens.make(self._file, project, role)
        return self._caller.get(path, headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def guarded(office: Office, tmp_path: Path) -> Guarded:
    file = tmp_path / "tokens"
    tokens.make(file, "demo", "viewer")
    return Guarded(office, file)


def test_where_tokens_are_asked_for_only_editors_of_the_project_start(guarded: Guarded) -> None:
    assert guarded.get(START).status_code == 401
    assert guarded.get(START, "demo", "viewer").status_code == 403
    assert guarded.get(START, "other").status_code == 403
    assert guarded.get(START, "demo").status_code == 200


def test_the_way_back_proves_itself_and_needs_no_token(office: Office, guarded: Guarded) -> None:
    url = guarded.get(START, "demo").json()["url"]
    assert guarded.get(agreed(office, url)).status_code == 200
    assert guarded.get(f"{BACK}?state=x").status_code == 400
    assert guarded.get("/oauth/drawer/callback/more").status_code == 401


def dump(engine: Engine) -> str:
    """Every row of every table, bytes in hex."""
    with engine.database.pooled() as connection:
        tables = rows(connection, "select tablename from pg_tables where schemaname = 'livesync'")
        return "\n".join(
            row["text"]
            for table in tables
            for row in rows(
                connection, f"select t::text as text from livesync.{table['tablename']} t"
            )
        )


def configured(office: Office) -> None:
    url = f"{office.sandbox.address}/google"
    source = Connection(
        name="papers",
        project_id="default",
        platform="drawer",
        options={"account": "ada", "url": url},
    )
    sync = SyncConfig(
        sync_id="papers",
        project_id="default",
        connection="papers",
        capsule="c",
        schedule="hourly",
    )
    capsule = Capsule(name="c", project_id="default")
    with office.engine.database.pooled() as connection:
        wanted = Desired(connections=(source,), capsules=(capsule,), syncs=(sync,))
        catalog.apply(connection, wanted)


def signed_in_at_the_terminal(
    office: Office, terminal: Terminal, address: str
) -> subprocess.CompletedProcess[str]:
    """`livesync connect`, whose visitor comes back through the door that is up at this address."""
    browser = f"{sys.executable} -m livesync_pipelines_tests.cli.agreeing allow %s"
    environ = {
        **terminal.environ,
        **office.engine.environ,
        "LIVESYNC_PORT": address.rpartition(":")[2],
        "LIVESYNC_VAULT_KEY": b64encode(KEY).decode(),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "BROWSER": browser,
    }
    words = ("connect", "drawer", "--account", "ada")
    return subprocess.run(
        [sys.executable, "-m", "livesync_pipelines_tests.cli.at_the_drawer", *words],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def held(office: Office) -> set[str]:
    """The tokens of the account as they are now."""
    with office.engine.database.pooled() as connection:
        account = accounts.found(connection, "ada")
    assert account is not None
    kept = opened(office.engine.vault(), account)
    return {kept.access, kept.refresh}


def test_nothing_that_a_whole_life_of_an_account_leaves_behind_holds_a_secret(
    office: Office, terminal: Terminal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Signed in, synced, refused, renewed, revoked: the database, the home, the logs, what was
    printed, and the errors."""
    caplog.set_level(logging.DEBUG)
    engine = office.engine
    with serving(create_app(engine, Settings.load({"EXTERNAL_SYNC_ENABLED": "true"}))) as address:
        done = signed_in_at_the_terminal(office, terminal, address)
    assert done.returncode == 0, done.stderr
    secrets = held(office)
    configured(office)
    assert run_sync(engine, "papers", trigger=Trigger.POLL).status is Status.SUCCESS
    office.sandbox.control("POST", "/oauth/google/expire")
    assert run_sync(engine, "papers", trigger=Trigger.POLL).status is Status.SUCCESS
    secrets |= held(office)
    office.sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})
    failed = run_sync(engine, "papers", trigger=Trigger.POLL)
    assert failed.status is Status.FAILED
    with pytest.raises(Revoked) as told:
        fresh(engine, "ada", of=("drawer", "default"))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    left = {
        "database": dump(engine),
        "files": "".join(path.read_bytes().decode("latin-1") for path in files),
        "logs": caplog.text,
        "printed": done.stdout + done.stderr,
        "errors": f"{failed!r} {told.value!r} {told.value.as_dict()}",
    }
    assert len(secrets) == 3, "two access tokens, one refresh token"
    for place, text in left.items():
        for secret in (*secrets, CLIENT_SECRET, "ya29.sandbox", "1//sandbox", "4/sandbox"):
            for spelled in (secret, secret.encode().hex(), b64encode(secret.encode()).decode()):
                assert spelled not in text, (place, secret[:5])
