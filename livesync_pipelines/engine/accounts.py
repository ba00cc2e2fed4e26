"""Accounts: their tokens, renewed by one process at a time, and in whose name a platform is called.

What a vendor answers is committed before it is used, so that with a vendor that rotates no other
process ever holds a token that is spent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from livesync_pipelines.auth import oauth
from livesync_pipelines.auth.oauth import Request, Revoked, Tokens
from livesync_pipelines.auth.vault import Vault
from livesync_pipelines.connectors.base import Accounted, Options
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import (
    BadInput,
    LiveSyncError,
    NotFound,
    Reauthorise,
    in_a_line,
)
from livesync_pipelines.model.spec import OAuth, PlatformSpec
from livesync_pipelines.model.sync import Connection, SyncConfig
from livesync_pipelines.net import client as net
from livesync_pipelines.net.api import ANONYMOUS
from livesync_pipelines.net.api import Account as Caller
from livesync_pipelines.net.asking import Terms
from livesync_pipelines.store import accounts, database
from livesync_pipelines.store.accounts import Account, AccountState

_TIMEOUT_S, _TRIES, _MAX_BYTES = 10.0, 2, 1_000_000


class ConnectedAccount:
    """An account that is connected, as `net.api` calls in its name; its token is looked up when it
    is first needed, and renewed when its time is over or the platform refuses it."""

    def __init__(self, engine: Engine, name: str, *, platform: str, project_id: str) -> None:
        self._engine = engine
        self._name = name
        self._of = platform, project_id
        self._tokens: Tokens | None = None
        self._turn = Lock()

    def headers(self) -> Mapping[str, str]:
        """Raises `Reauthorise` where nothing can be done in its name any more."""
        with self._turn:
            if self._tokens is None or not self._tokens.good(self._engine.now()):
                self._tokens = self._fresh(refused="")
            return {"authorization": f"Bearer {self._tokens.access}"}

    def renewed(self) -> bool:
        """Raises `Reauthorise` where the platform has refused the only token there is."""
        with self._turn:
            refused = self._tokens.access if self._tokens else ""
            self._tokens = self._fresh(refused=refused)
            return self._tokens.access != refused

    def _fresh(self, *, refused: str) -> Tokens:
        return fresh(self._engine, self._name, of=self._of, refused=refused)


def caller_for(engine: Engine, connection: Connection, options: Options) -> Caller:
    """In whose name a connection with these options calls its platform."""
    if not isinstance(options, Accounted):
        return ANONYMOUS
    return ConnectedAccount(
        engine,
        options.account,
        platform=connection.platform,
        project_id=connection.project_id,
    )


def fresh(engine: Engine, name: str, *, of: tuple[str, str], refused: str = "") -> Tokens:
    """Tokens of the account that are good now and not the `refused` one; `of`: the platform and the
    project that it must be of.

    Raises `Reauthorise` (`Revoked`) where there are none, `Unavailable` where the vendor cannot be
    asked.
    """
    with engine.database.connect() as connection:
        account = _of(accounts.found(connection, name), name, of)
        tokens = _usable(engine, account, refused)
        if tokens is not None:
            return tokens
        with connection.transaction():
            account = _of(accounts.found(connection, name, lock=True), name, of)
            tokens = _usable(engine, account, refused)  # another process was a moment faster
            renewed = tokens or _renewed(engine, connection, account)
        if isinstance(renewed, Tokens):
            return renewed
        raise renewed


def oauth_of(engine: Engine, platform: str) -> OAuth:
    """How accounts of this platform are connected. Raises `NotFound`, and `BadInput` where they are
    not."""
    spec = spec_of(engine, platform)
    if spec.oauth is None:
        raise BadInput(
            f"{spec.title} has no accounts to connect: a connection holds what it needs.",
            hint=f"`livesync platforms {platform}` lists what can be set.",
        )
    return spec.oauth


def spec_of(engine: Engine, platform: str) -> PlatformSpec:
    """Raises `NotFound`."""
    kind = engine.registry.get(platform) or engine.row_ends.get(platform)
    if kind is None:
        there = sorted({*engine.registry, *engine.row_ends})
        raise NotFound(
            f"There is no platform '{platform}'.", hint=f"There are: {', '.join(there)}."
        )
    return kind.spec


def refuse_without(connection: database.Connection, sync: SyncConfig) -> None:
    """Raises `Reauthorise` (`Revoked`) where an account that a sync calls in the name of is none
    that can be used."""
    for name, platform, project in accounts.of_sync(connection, sync.sync_id):
        _of(accounts.found(connection, name), name, (platform, project))


def sealed(vault: Vault, name: str, tokens: Tokens) -> bytes:
    """Tokens as they are stored."""
    secret = {"access": tokens.access, "refresh": tokens.refresh}
    return vault.seal(json.dumps(secret).encode(), _place(name))


def opened(vault: Vault, account: Account) -> Tokens:
    """Raises `Sealed` where the key is not here."""
    secret = json.loads(vault.open(account.sealed, _place(account.name)))
    return Tokens(**secret, expires_at=account.expires_at, scopes=account.scopes)


def asked(base: str, request: Request, *, repeats: bool) -> object:
    """The JSON that a vendor's login answers with, None for none. Raises what its refusal means."""
    terms = Terms(judge=oauth.judge, repeats=repeats)
    with calling(base) as client:
        answer = client.call(
            "POST", request.url, headers=request.headers, content=request.content, terms=terms
        )
    try:
        found: object = json.loads(answer.content or b"null")
    except ValueError:
        return None
    return found


def calling(base: str) -> net.Client:
    """A client for a vendor's login; what the environment puts in its place may be private."""
    host = urlsplit(base).hostname
    return net.Client(
        allow_private=[host] if host else False,
        timeout_s=_TIMEOUT_S,
        max_bytes=_MAX_BYTES,
        tries=_TRIES,
    )


def reseal(engine: Engine) -> int:
    """Seal all that is sealed with the key that seals now; returns how many were not."""
    vault = engine.vault()
    with engine.database.connect() as connection, connection.transaction():
        found = [
            locked
            for one in accounts.listed(connection)
            if (locked := accounts.found(connection, one.name, lock=True)) is not None
        ]
        old = [account for account in found if not vault.is_current(account.sealed)]
        for account in old:
            secret = vault.open(account.sealed, _place(account.name))
            accounts.reseal(connection, account.name, vault.seal(secret, _place(account.name)))
    return len(old)


@dataclass(frozen=True, slots=True)
class Removed:
    """What was known of an account, the `syncs` that called a platform in its name, and why the
    platform could not be asked to take back what was granted, if so."""

    account: Account
    syncs: list[str]
    trouble: str


def remove(engine: Engine, name: str, *, project: str | None = None) -> Removed:
    """Forget an account, and have its platform take back what was granted. Raises `NotFound`."""
    with engine.database.connect() as connection, connection.transaction():
        account = accounts.found(connection, name, lock=True)
        if account is None or project not in (None, account.project_id):
            raise NotFound(f"There is no account '{name}'.", hint="See `livesync accounts`.")
        syncs = accounts.syncs_with(connection, name)
        accounts.drop(connection, name)
    try:
        trouble = _taken_back(engine, account)
    except LiveSyncError as error:
        trouble = in_a_line(error.as_dict())
    return Removed(account, syncs, trouble)


def _taken_back(engine: Engine, account: Account) -> str:
    said = oauth_of(engine, account.platform)
    if not said.revoke:
        return "The platform offers no way to take back what was granted but its own pages."
    tokens = opened(engine.vault(), account)
    client = oauth.client_of(said, engine.environ)
    token = tokens.refresh or tokens.access
    asked(account.base, oauth.revocation(said, account.base, client, token), repeats=True)
    return ""


def _of(account: Account | None, name: str, of: tuple[str, str]) -> Account:
    if account is None or (account.platform, account.project_id) != of:
        raise Reauthorise(
            f"No account '{name}' is connected to {of[0]} in the project {of[1]!r}.",
            hint=_how(of[0], name),
            where=f"account {name}",
        )
    if account.state is AccountState.REVOKED:
        said = (account.error or {}).get("message", "")
        raise Revoked(
            f"The account '{name}' was revoked: {said}",
            hint=_how(account.platform, name),
            where=f"account {name}",
        )
    return account


def _usable(engine: Engine, account: Account, refused: str) -> Tokens | None:
    tokens = opened(engine.vault(), account)
    return tokens if tokens.access != refused and tokens.good(engine.now()) else None


def _renewed(engine: Engine, connection: database.Connection, account: Account) -> Tokens | Revoked:
    """New tokens, noted; or what is noted where the vendor gives none."""
    said, now = oauth_of(engine, account.platform), engine.now()
    before = opened(engine.vault(), account)
    try:
        tokens = _granted(engine, said, account, before, now)
    except Revoked as error:
        accounts.revoke(connection, account.name, error.as_dict())
        return Revoked(
            f"The account '{account.name}' was revoked: {error.message}",
            hint=_how(account.platform, account.name),
            where=f"account {account.name}",
        )
    accounts.renew(
        connection,
        account.name,
        sealed=sealed(engine.vault(), account.name, tokens),
        expires_at=tokens.expires_at,
        scopes=tokens.scopes,
        now=now,
    )
    return tokens


def _granted(
    engine: Engine, said: OAuth, account: Account, before: Tokens, now: datetime
) -> Tokens:
    """A refresh token that is spent by its use is sent once: the answer to a second try would be
    that it was stolen."""
    if not before.refresh:
        raise Revoked("its token has run out or was refused, and nothing renews it.")
    client = oauth.client_of(said, engine.environ)
    request = oauth.renewal(said, account.base, client, before.refresh)
    answer = asked(account.base, request, repeats=not said.rotates)
    vendor = spec_of(engine, account.platform).title
    return oauth.tokens_in(answer, vendor, asked_for=before.scopes, refresh=before.refresh, now=now)


def _place(name: str) -> str:
    return f"account:{name}"


def _how(platform: str, name: str) -> str:
    return f"Connect it: `livesync connect {platform} --account {name}`."


def document(engine: Engine, account: Account) -> dict[str, Any]:
    """What may be told of an account: nothing that is sealed."""
    told = asdict(account)
    del told["sealed"], told["base"], told["client_id"]
    missing = oauth.missing(oauth_of(engine, account.platform), account.scopes)
    return {**told, "missing": missing}
