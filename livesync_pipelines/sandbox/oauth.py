"""An OAuth 2.0 authorisation server: what it has granted, to whom, and for how long.

RFC 6749 (codes, refreshing, errors), RFC 7636 (PKCE), RFC 7009 (revocation), read 2026-11-22. Knows
no HTTP; `oauth_pages` does.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from livesync_pipelines.sandbox.world import Json, Person, World

CLIENT_ID = "livesync-sandbox"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - it opens nothing but the sandbox
_CODE_LIFE_S = 600
_REFRESH = "1//sandbox-"


class OAuthError(Exception):
    """One of RFC 6749's errors; `code` is the word that it is called by."""

    def __init__(self, code: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a vendor grants. `rotate`: each refresh spends its token and brings a new one, and one
    that is used twice ends the whole grant. `repeat`: without rotation, a refresh answer shows the
    refresh token again. `once`: a person who has agreed before gets a refresh token only when the
    consent is asked for again (`prompt=consent`)."""

    access_life_s: int = 3_600
    rotate: bool = False
    repeat: bool = False
    once: bool = True


@dataclass(slots=True)
class Grant:
    """What a person has allowed the client; all tokens that came of it end with it."""

    person: Person
    scopes: tuple[str, ...]
    live: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What an authorisation request asks for, as far as it outlives the page. `challenge` is that
    of PKCE, with `S256` or `plain` as its method."""

    redirect_uri: str
    offline: bool
    consent: bool
    challenge: str | None = None
    method: str = "plain"


@dataclass(frozen=True, slots=True)
class _Code:
    ask: Ask
    grant: Grant
    first: bool
    until_s: float


@dataclass(frozen=True, slots=True)
class _Access:
    grant: Grant
    until_s: float


@dataclass(slots=True)
class _Refresh:
    grant: Grant
    spent: bool = False


class OAuthServer:
    """The grants of one vendor."""

    def __init__(self, world: World, vendor: str, rules: Rules) -> None:
        self.rules = rules
        self.world = world
        self._vendor = vendor
        self._codes: dict[str, _Code] = {}
        self._spent_codes: dict[str, Grant] = {}
        self._access: dict[str, _Access] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._agreed: set[str] = set()

    def change(self, **rules: Any) -> None:
        """Raises TypeError for a rule that there is not."""
        self.rules = replace(self.rules, **rules)

    def allow(self, ask: Ask, person: Person, scopes: tuple[str, ...]) -> str:
        """The person agrees to these scopes; returns the code for it."""
        code = f"4/sandbox-{self._new('code')}"
        first = person.email not in self._agreed or ask.consent or not self.rules.once
        until_s = self._now_s() + _CODE_LIFE_S
        self._codes[code] = _Code(ask, Grant(person, scopes), first, until_s)
        self._agreed.add(person.email)
        return code

    def redeem(self, code: str, redirect_uri: str, verifier: str | None) -> Json:
        """Tokens for a code. A code that comes twice ends what came of it the first time."""
        known = self._codes.pop(code, None)
        if known is None:
            if twice := self._spent_codes.get(code):
                twice.live = False
            raise OAuthError("invalid_grant", "Malformed auth code.")
        self._spent_codes[code] = known.grant
        if known.until_s <= self._now_s() or redirect_uri != known.ask.redirect_uri:
            raise OAuthError("invalid_grant", "The code has expired or was made for another URI.")
        _prove(known.ask, verifier)
        refresh = self._new_refresh(known.grant) if known.ask.offline and known.first else None
        return self._answer(known.grant, refresh)

    def refreshed(self, token: str) -> Json:
        known = self._refresh.get(token) or self._of_before(token)
        if known is None or not known.grant.live:
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
        if known.spent:
            known.grant.live = False
            raise OAuthError("invalid_grant", "The token was used before; the grant is revoked.")
        if self.rules.rotate:
            known.spent = True
            return self._answer(known.grant, self._new_refresh(known.grant))
        return self._answer(known.grant, token if self.rules.repeat else None)

    def given(self, person: Person, scopes: tuple[str, ...]) -> Json:
        """Tokens without a page to agree on, for whoever controls the sandbox."""
        grant = Grant(person, scopes)
        return self._answer(grant, self._new_refresh(grant))

    def revoke(self, token: str) -> None:
        """End the grant that an access or refresh token belongs to."""
        known = self._access.get(token) or self._refresh.get(token)
        if known is None or not known.grant.live:
            raise OAuthError("invalid_token", "Token expired or revoked")
        known.grant.live = False

    def withdraw(self, person: Person) -> None:
        """The person takes back whatever they have allowed."""
        held: tuple[_Access | _Refresh, ...] = (*self._access.values(), *self._refresh.values())
        for known in held:
            if known.grant.person == person:
                known.grant.live = False
        self._agreed.discard(person.email)

    def expire(self) -> None:
        """Every access token ends now; refresh tokens stay."""
        self._access.clear()

    def holder(self, token: str) -> Grant | None:
        """Whose access token this is, unless it has expired or was revoked."""
        known = self._access.get(token)
        if known is None or not known.grant.live or known.until_s <= self._now_s():
            return None
        return known.grant

    def _answer(self, grant: Grant, refresh: str | None) -> Json:
        access = f"ya29.sandbox-{self._new('access')}"
        life_s = self.rules.access_life_s
        self._access[access] = _Access(grant, self._now_s() + life_s)
        answer: Json = {
            "access_token": access,
            "expires_in": life_s,
            "scope": " ".join(grant.scopes),
            "token_type": "Bearer",
        }
        return answer if refresh is None else answer | {"refresh_token": refresh}

    def _new_refresh(self, grant: Grant) -> str:
        """It says whose it is and for what, and proves that a server of this seed has made it."""
        said = json.dumps([grant.person.email, *grant.scopes]).encode()
        name = f"{self._new('refresh')}.{base64.urlsafe_b64encode(said).decode()}"
        token = f"{_REFRESH}{name}.{self._proof(name)}"
        self._refresh[token] = _Refresh(grant)
        return token

    def _of_before(self, token: str) -> _Refresh | None:
        """What a sandbox of the same seed has granted that was stopped since then: vendors do not
        forget whom they have let in. None for a token that nobody has made."""
        name, _, proof = token.removeprefix(_REFRESH).rpartition(".")
        if not hmac.compare_digest(proof.encode(), self._proof(name).encode()):
            return None
        email, *scopes = json.loads(base64.urlsafe_b64decode(name.partition(".")[2]))
        known = _Refresh(Grant(self.world.person(email), tuple(scopes)))
        self._agreed.add(email)
        return self._refresh.setdefault(token, known)

    def _proof(self, name: str) -> str:
        key = f"{self.world.seed}:{self._vendor}".encode()
        return hmac.new(key, name.encode(), sha256).hexdigest()[:16]

    def _new(self, kind: str) -> str:
        """Another one than any of a world that began at another time."""
        begun_s = self.world.clock.start.timestamp()
        return self.world.ids.new(f"{self._vendor}:{kind}:{begun_s}", 48)

    def _now_s(self) -> float:
        return self.world.clock.now_s()


def _prove(ask: Ask, verifier: str | None) -> None:
    """PKCE: who redeems the code is who asked for it."""
    if ask.challenge is None:
        return
    if not verifier:
        raise OAuthError("invalid_grant", "Missing code verifier.")
    shown = verifier
    if ask.method == "S256":
        digest = sha256(verifier.encode()).digest()
        shown = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(shown.encode(), ask.challenge.encode()):
        raise OAuthError("invalid_grant", "Invalid code verifier.")
