"""OAuth 2.0 as a client speaks it: what is asked, and what the answers mean. No I/O.

RFC 6749 (codes, refreshing, errors), RFC 7636 (PKCE, always S256), RFC 7009 (revocation) and
Authlib 1.9's documentation, read 2026-11-22. Requests are spelled by Authlib.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7009 import prepare_revoke_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from livesync_pipelines.model.errors import BadInput, Broken, LiveSyncError, Reauthorise
from livesync_pipelines.model.spec import OAuth
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.verdict import TRANSIENT

SPARE = timedelta(minutes=1)
"""A token that has no longer to live is renewed before it is used."""

_FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_JSON = {"content-type": "application/json", "accept": "application/json"}
_LATER = frozenset({"temporarily_unavailable", "slow_down"})
_NOT_US = frozenset({"invalid_client", "unauthorized_client"})
_WORDS = ("error", "code")
_WHO_CHARS = 200


class Revoked(Reauthorise):
    """The account's owner, or time, has taken back what was granted; the code is that of what it is
    a kind of, for the same comes next."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to the vendor."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What was granted. `refresh` is empty where nothing renews it; `expires_at` None: not known to
    end."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime | None
    scopes: tuple[str, ...]

    def good(self, now: datetime) -> bool:
        return self.expires_at is None or now + SPARE < self.expires_at


@dataclass(frozen=True, slots=True)
class Request:
    """A POST to be made."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


def client_of(oauth: OAuth, environ: Mapping[str, str]) -> Client:
    """Raises `BadInput`, which names the variables that are not set."""
    names = f"{oauth.client}_CLIENT_ID", f"{oauth.client}_CLIENT_SECRET"
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise BadInput(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            hint="Register a client with the vendor, and set both to what it was given.",
            where=f"environment: {', '.join(missing)}",
        )
    return Client(environ[names[0]], environ[names[1]])


def base_of(oauth: OAuth, environ: Mapping[str, str]) -> str:
    """Below which address the vendor is found instead of its own ones; empty: there."""
    return environ.get(f"{oauth.client}_OAUTH_URL", "").rstrip("/")


def placed(url: str, base: str) -> str:
    """One of the vendor's addresses, or its path below `base`."""
    if not base:
        return url
    parts = urlsplit(url)
    return base + parts.path + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of a person: who we are, and for which scopes."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]


def authorisation(oauth: OAuth, base: str, asking: Asking, state: str, verifier: str) -> str:
    """Where a person agrees to what we ask for."""
    url: str = prepare_grant_uri(
        placed(oauth.authorize, base),
        asking.client_id,
        "code",
        redirect_uri=asking.redirect_uri,
        scope=oauth.separator.join(asking.scopes),
        state=state,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
        **dict(oauth.extra),
    )
    return url


def new_secret() -> str:
    """A state or a verifier: 43 characters that nobody guesses."""
    return secrets.token_urlsafe(32)


def redemption(
    oauth: OAuth, base: str, client: Client, *, code: str, redirect_uri: str, verifier: str
) -> Request:
    """Tokens for a code."""
    body = prepare_token_request(
        "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier
    )
    return _signed(oauth, base, client, body, url=oauth.token, headers=_FORM)


def renewal(oauth: OAuth, base: str, client: Client, refresh: str) -> Request:
    """Tokens for a refresh token."""
    body = prepare_token_request("refresh_token", refresh_token=refresh)
    return _signed(oauth, base, client, body, url=oauth.token, headers=_FORM)


def revocation(oauth: OAuth, base: str, client: Client, token: str) -> Request:
    """The end of what was granted."""
    body, headers = prepare_revoke_token_request(token, body="")
    return _signed(oauth, base, client, body, url=oauth.revoke, headers=headers)


def tokens_in(
    answer: Any, vendor: str, *, asked_for: tuple[str, ...], refresh: str, now: datetime
) -> Tokens:
    """What an answer of the `vendor` grants. Without a refresh token the one before stays; without
    scopes they are those that were `asked_for` (RFC 6749, 5.1 and 6).

    Raises `Broken` for an answer that grants nothing.
    """
    said = answer if isinstance(answer, dict) else {}
    access = said.get("access_token")
    if not isinstance(access, str) or not access:
        raise Broken(
            f"The token endpoint of {vendor} took what was sent and answered without a token.",
            hint="Try again; if it stays so, connect the account again.",
        )
    scope = said.get("scope")
    return Tokens(
        access=access,
        refresh=str(said.get("refresh_token") or refresh),
        expires_at=_end(said.get("expires_in"), now),
        scopes=tuple(scope.replace(",", " ").split()) if isinstance(scope, str) else asked_for,
    )


def scopes_for(oauth: OAuth, write: str | None) -> tuple[str, ...]:
    """What to ask for: to read alone (None), or with one of the scopes that let write, called by
    the end of its name; empty: the widest. Raises `BadInput` where there is none such."""
    if write is None:
        return oauth.scopes
    found = [scope for scope in oauth.writes if not write or scope.rpartition("/")[2] == write]
    if not found:
        names = ", ".join(scope.rpartition("/")[2] for scope in oauth.writes)
        raise BadInput(
            f"{oauth.client} has no scope {write!r} that lets write."
            if oauth.writes
            else f"Nothing is written to accounts of {oauth.client}.",
            hint=f"There are: {names}." if oauth.writes else "Connect it without --write.",
        )
    return (found[0], *(scope for scope in oauth.scopes if scope not in oauth.reads))


def may_write(oauth: OAuth, granted: tuple[str, ...]) -> bool:
    return not oauth.writes or any(scope in granted for scope in oauth.writes)


def missing(oauth: OAuth, granted: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes that are needed to read and were not granted."""
    writes = any(scope in granted for scope in oauth.writes)
    stood_for = oauth.reads if writes else ()
    return tuple(scope for scope in oauth.scopes if scope not in (*granted, *stood_for))


def who_in(answer: Any, oauth: OAuth) -> str:
    """Whose account an answer names; empty where it does not."""
    for key in oauth.who:
        answer = answer.get(key) if isinstance(answer, dict) else None
    text = str(answer) if isinstance(answer, (str, int)) else ""
    return "".join(filter(str.isprintable, text))[:_WHO_CHARS]


def judge(refusal: Refusal) -> LiveSyncError | None:
    """What the errors of a token endpoint mean (RFC 6749, 5.2); a 401 speaks of the client, also
    in the form in which the vendor's other calls are refused."""
    word = next(filter(None, map(refusal.word, _WORDS)), "")
    if word == "invalid_grant":
        return Revoked(refusal.said(word), where=refusal.where)
    if word in _NOT_US or (refusal.status == 401 and word not in _LATER):
        return BadInput(
            refusal.said(word),
            hint="The client's id or secret is wrong: look at the variables that hold them.",
            where=refusal.where,
        )
    if word in _LATER:
        return refusal.limited(word)
    if refusal.status >= 500 or refusal.status == 429 or refusal.status in TRANSIENT:
        return None
    return Broken(refusal.said(word), where=refusal.where)


def _signed(
    oauth: OAuth,
    base: str,
    client: Client,
    body: str,
    *,
    url: str,
    headers: Mapping[str, str],
) -> Request:
    url, said, body = _auth(oauth, client).prepare("POST", url, dict(headers), body)
    content = body.encode()
    if oauth.json:
        said |= _JSON
        content = json.dumps(dict(parse_qsl(body))).encode()
    return Request(placed(url, base), said, content)


def _auth(oauth: OAuth, client: Client) -> ClientAuth:
    method = "client_secret_basic" if oauth.basic else "client_secret_post"
    return ClientAuth(client.id, client.secret, method)


def _end(expires_in: Any, now: datetime) -> datetime | None:
    try:
        return now + timedelta(seconds=float(expires_in))
    except (TypeError, ValueError, OverflowError):
        return None
