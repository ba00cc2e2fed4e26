"""A platform with accounts: a drawer at the pretend Google, which holds one note, with the name of
whoever opened it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from livesync_pipelines.auth.vault import Vault
from livesync_pipelines.connectors.base import (
    Accounted,
    Connector,
    FetchLimits,
    Memory,
    Options,
    listing_table,
)
from livesync_pipelines.engine import signing_in
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.signing_in import Begun, SignedIn
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, OAuth, PlatformSpec
from livesync_pipelines.net.api import Api
from livesync_pipelines.net.client import Client
from livesync_pipelines.sandbox.google.door import READONLY
from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from livesync_pipelines_tests.sandbox.served import ADA, Sandbox, a_sandbox

DOOR = "http://localhost:8600"
KEY = bytes(range(32))
OAUTH = OAuth(
    client="GOOGLE",
    authorize="https://accounts.google.com/o/oauth2/v2/auth",
    token="https://oauth2.googleapis.com/token",
    revoke="https://oauth2.googleapis.com/revoke",
    scopes=(READONLY, "openid", "email"),
    extra=(("access_type", "offline"), ("prompt", "consent")),
    whoami="https://www.googleapis.com/oauth2/v3/userinfo",
    who=("email",),
)


class DrawerConnection(Accounted):
    url: str


class DrawerSelection(Options):
    pass


class Drawer(Connector):
    """Lists one note, which comes along."""

    spec = PlatformSpec(
        name="drawer",
        title="Drawer",
        clock=Clock(granularity_s=0),
        absence=Absence.DELETED,
        oauth=OAUTH,
    )
    Connection = DrawerConnection
    Selection = DrawerSelection

    def __init__(
        self, connection: DrawerConnection, selection: DrawerSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._client = Client(allow_private=True, timeout_s=10)
        self.api = Api(self._client, connection.url, limits.account)

    def close(self) -> None:
        self._client.close()

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        who = self.api.get("oauth2/v3/userinfo")["email"]
        body = Body(key="note", version=who, content=f"of {who}".encode(), name="note.txt", url="")
        yield ListingPage(
            entries=listing_table([Entry(key="note", version=who)]),
            bodies={"note": body},
            complete=True,
        )

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        return iter(())


class SpinningDrawer(Drawer):
    """Of a vendor whose refresh tokens are spent by their use."""

    spec = replace(Drawer.spec, name="spinning", oauth=replace(OAUTH, rotates=True))


REGISTRY: dict[str, type[Connector]] = {"drawer": Drawer, "spinning": SpinningDrawer}


class Office:
    """An engine that knows the drawer, and the pretend Google where its accounts are."""

    def __init__(self, engine: Engine, sandbox: Sandbox) -> None:
        self.engine = engine
        self.sandbox = sandbox

    def begin(self, name: str = "ada", platform: str = "drawer", write: str | None = None) -> Begun:
        return signing_in.begin(self.engine, platform, name, "demo", door=DOOR, write=write)

    def agree(self, begun: Begun, **form: Any) -> dict[str, str]:
        """What the person brings back: the query of the callback."""
        asked = parse_qs(urlsplit(begun.url).query)
        fields = {"person": ADA, "scope": asked["scope"][0].split(), "decision": "allow", **form}
        answer = self.sandbox.client.post(begun.url, data=fields)
        assert answer.status_code == 302, answer.text
        told = parse_qs(urlsplit(answer.headers["location"]).query)
        return {name: value for name, (value,) in told.items()}

    def connect(
        self,
        name: str = "ada",
        platform: str = "drawer",
        write: str | None = None,
        **form: Any,
    ) -> SignedIn:
        """The whole way."""
        brought = self.agree(self.begin(name, platform, write), **form)
        return signing_in.complete(self.engine, platform, brought)


@contextmanager
def an_office(engine: Engine) -> Iterator[Office]:
    with a_sandbox() as sandbox:
        environ = {
            "GOOGLE_CLIENT_ID": CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "GOOGLE_OAUTH_URL": f"{sandbox.address}/google",
        }
        known = replace(
            engine, registry=REGISTRY, row_ends={}, environ=environ, vault=lambda: Vault([KEY])
        )
        yield Office(known, sandbox)
