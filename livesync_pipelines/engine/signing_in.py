"""A person connects an account: sent to the vendor, back with a code, and told what is missing.

The state is random, kept as a digest, good for one vendor, once, for ten minutes; the PKCE verifier
lies sealed. Neither they nor a code or token is ever in a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from livesync_pipelines.auth import oauth
from livesync_pipelines.auth.oauth import Revoked, Tokens
from livesync_pipelines.engine._doors import NAME
from livesync_pipelines.engine.accounts import asked, calling, oauth_of, opened, sealed, spec_of
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.unsigned import go_on
from livesync_pipelines.model.errors import BadInput, LiveSyncError
from livesync_pipelines.model.spec import OAuth
from livesync_pipelines.net.api import Api, Bearer
from livesync_pipelines.store import accounts, sign_ins
from livesync_pipelines.store.accounts import Account, AccountState
from livesync_pipelines.store.sign_ins import SignIn

CALLBACK = "/oauth/{platform}/callback"
"""Where the vendor sends the person back to, at our HTTP door."""

_AGAIN = "Begin again: `livesync connect {platform} --account {name}`."
_SAID = {
    "access_denied": "access was not allowed there",
    "invalid_scope": "it does not know the scopes that were asked for",
    "server_error": "something is wrong with it",
    "temporarily_unavailable": "it cannot do that now",
}


@dataclass(frozen=True, slots=True)
class Begun:
    """`url` is where the person agrees, until `expires_at`."""

    id: UUID
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`missing`: scopes that were asked for and were not granted; `writes`: whether what was
    granted lets write, where the platform tells that apart."""

    name: str
    platform: str
    who: str
    missing: tuple[str, ...]
    writes: bool


def begin(
    engine: Engine,
    platform: str,
    name: str,
    project_id: str,
    *,
    door: str,
    write: str | None = None,
) -> Begun:
    """Note that an account is to be connected, and say where its owner agrees. `door`: where our
    HTTP door is reached by his browser; `write`: as in `oauth.scopes_for`.

    Raises `NotFound`, and `BadInput` where the client is not set up or the name is taken.
    """
    said = oauth_of(engine, platform)
    if not NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot be the name of an account.",
            hint="Use lower-case letters, digits, and . _ - between them.",
        )
    client, base = oauth.client_of(said, engine.environ), oauth.base_of(said, engine.environ)
    id, state, verifier = uuid4(), oauth.new_secret(), oauth.new_secret()
    scopes = oauth.scopes_for(said, write)
    redirect_uri = door.rstrip("/") + CALLBACK.format(platform=platform)
    one = SignIn(
        id=id,
        name=name,
        project_id=project_id,
        platform=platform,
        base=base,
        client_id=client.id,
        redirect_uri=redirect_uri,
        scopes=scopes,
        sealed=engine.vault().seal(verifier.encode(), _place(id)),
    )
    with engine.database.connect() as connection, connection.transaction():
        _refuse_taken(accounts.found(connection, name), one)
        expires_at = sign_ins.begin(connection, one, state, now=engine.now())
    asking = oauth.Asking(client.id, redirect_uri, scopes)
    url = oauth.authorisation(said, base, asking, state, verifier)
    return Begun(id, url, expires_at)


def complete(engine: Engine, platform: str, answer: Mapping[str, str]) -> SignedIn:
    """What the person has come back with (the query of the callback) becomes an account, and what
    has waited for it goes on.

    Raises `BadInput` in plain words where he has not agreed, has come back twice, or too late.
    """
    oauth_of(engine, platform)
    with engine.database.connect() as connection:
        one = sign_ins.take(connection, answer.get("state", ""), platform, now=engine.now())
    if one is None:
        raise BadInput(
            "This sign-in is not known here: it was used before, or is over.",
            hint=_AGAIN.format(platform=platform, name="NAME"),
        )
    try:
        done = _completed(engine, one, answer)
    except LiveSyncError as error:
        _note(engine, one, {"error": error.as_dict()})
        raise
    _note(engine, one, document(done))
    go_on(engine, done.name, (done.platform, one.project_id))
    return done


def document(done: SignedIn) -> dict[str, object]:
    """What a program is told of it."""
    return {
        "account": done.name,
        "platform": done.platform,
        "who": done.who,
        "missing": list(done.missing),
        "writes": done.writes,
    }


def outcome(engine: Engine, begun: Begun) -> Mapping[str, object] | None:
    """How a sign-in ended: its document, or `error`; None while it has not."""
    with engine.database.pooled() as connection:
        return sign_ins.outcome(connection, begun.id)


def _completed(engine: Engine, one: SignIn, answer: Mapping[str, str]) -> SignedIn:
    code = answer.get("code", "")
    if not code:
        unsaid = "it sent neither a code nor a reason that is known here"
        raise _not_connected(engine, one, _SAID.get(answer.get("error", ""), unsaid))
    said, now = oauth_of(engine, one.platform), engine.now()
    verifier = engine.vault().open(one.sealed, _place(one.id)).decode()
    client = oauth.client_of(said, engine.environ)
    request = oauth.redemption(
        said, one.base, client, code=code, redirect_uri=one.redirect_uri, verifier=verifier
    )
    try:
        granted = asked(one.base, request, repeats=False)
    except Revoked as error:
        raise _not_connected(engine, one, "it did not take the code that came back") from error
    vendor = spec_of(engine, one.platform).title
    tokens = oauth.tokens_in(granted, vendor, asked_for=one.scopes, refresh="", now=now)
    who = _who(said, one.base, tokens, granted)
    _keep(engine, one, tokens, who)
    missing = tuple(scope for scope in one.scopes if scope not in tokens.scopes)
    writes = oauth.may_write(said, tokens.scopes)
    return SignedIn(one.name, one.platform, who, missing, writes)


def _keep(engine: Engine, one: SignIn, tokens: Tokens, who: str) -> None:
    """A vendor that gives its refresh token once only gives none when the same person comes again:
    the one before stays."""
    vault, now = engine.vault(), engine.now()
    with engine.database.connect() as connection, connection.transaction():
        before = accounts.found(connection, one.name, lock=True)
        _refuse_taken(before, one)
        _refuse_another_person(before, who)
        refresh = tokens.refresh
        if not refresh and before is not None and before.state is AccountState.CONNECTED:
            refresh = opened(vault, before).refresh
        kept = Tokens(
            access=tokens.access,
            refresh=refresh,
            expires_at=tokens.expires_at,
            scopes=tokens.scopes,
        )
        accounts.keep(
            connection,
            Account(
                name=one.name,
                project_id=one.project_id,
                platform=one.platform,
                base=one.base,
                client_id=one.client_id,
                who=who,
                state=AccountState.CONNECTED,
                sealed=sealed(vault, one.name, kept),
                expires_at=kept.expires_at,
                scopes=kept.scopes,
                connected_at=now,
                renewed_at=now,
            ),
        )


def _who(said: OAuth, base: str, tokens: Tokens, granted: object) -> str:
    """Whose account it is; empty where the vendor does not say, which is no reason to fail."""
    if not said.whoami:
        return oauth.who_in(granted, said)
    url = oauth.placed(said.whoami, base)
    with calling(base) as client, suppress(LiveSyncError):
        api = Api(client, url, Bearer(tokens.access))
        return oauth.who_in(api.json(said.whoami_method, url), said)
    return ""


def _refuse_taken(there: Account | None, one: SignIn) -> None:
    if there is None or (there.platform, there.project_id) == (one.platform, one.project_id):
        return
    raise BadInput(
        f"There is an account '{one.name}' already, of another platform or project.",
        hint="Choose another name; `livesync accounts` lists those that there are.",
    )


def _refuse_another_person(there: Account | None, who: str) -> None:
    """Its syncs would take what one person sees for what has become of another's."""
    if there is None or not (there.who and who) or there.who == who:
        return
    raise BadInput(
        f"The account '{there.name}' is {there.who}'s, and {who} has signed in.",
        hint=f"Sign in as {there.who}, choose another name, or `livesync accounts remove "
        f"{there.name}` first.",
    )


def _not_connected(engine: Engine, one: SignIn, why: str) -> BadInput:
    title = spec_of(engine, one.platform).title
    return BadInput(
        f"{title} did not connect the account '{one.name}': {why}.",
        hint=_AGAIN.format(platform=one.platform, name=one.name),
    )


def _note(engine: Engine, one: SignIn, outcome: Mapping[str, object]) -> None:
    with engine.database.connect() as connection:
        sign_ins.end(connection, one.id, outcome)


def _place(id: UUID) -> str:
    return f"sign-in:{id}"
