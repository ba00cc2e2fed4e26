"""One good call of each scheme, signed here from the vendors' descriptions."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import standardwebhooks

from livesync_pipelines.auth import digests, tokens, websub
from livesync_pipelines.auth.call import Call, Scheme, verify

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://livesync.example/sync/webhook/crm/deals?a=1"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET = "0123456789abcdef"
_SCHEMES = {scheme.name: scheme for scheme in (*digests.SCHEMES, *tokens.SCHEMES, websub.SCHEME)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """`signed_headers`: those of which every bit counts, once they are there."""

    scheme: Scheme
    key: bytes
    call: Call
    signed_headers: tuple[str, ...]
    signs_body: bool = True
    signs_url: bool = False

    def is_accepted(self, call: Call | None = None) -> bool:
        return verify(self.scheme, call or self.call, (self.key,)) is not None


def bits(value: bytes) -> Iterator[bytes]:
    """The value with each of its bits turned over in turn."""
    for place in range(len(value) * 8):
        turned = bytearray(value)
        turned[place // 8] ^= 1 << place % 8
        yield bytes(turned)


def _mac(text: bytes, key: str = SECRET) -> bytes:
    return hmac.digest(key.encode(), text, "sha256")


def _b64(digest: bytes) -> str:
    return b64encode(digest).decode()


def _sent(
    name: str,
    body: bytes,
    headers: dict[str, str],
    *,
    secret: str = SECRET,
    signs_body: bool = True,
    signs_url: bool = False,
    url: str = URL,
) -> Sent:
    return Sent(
        scheme=_SCHEMES[name],
        key=_SCHEMES[name].key(secret),
        call=Call(method="POST", url=url, headers=headers, body=body, at=AT),
        signed_headers=tuple(headers),
        signs_body=signs_body,
        signs_url=signs_url,
    )


def _standard() -> Sent:
    body = b'{"type":"file.changed"}'
    signature = standardwebhooks.Webhook(WHSEC).sign("msg_1", AT, body.decode())
    stamp = str(int(AT.timestamp()))
    return _sent(
        "standard",
        body,
        {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature},
        secret=WHSEC,
    )


def _box() -> Sent:
    body, stamp = rb'{"id":"e1","source":{"name":"\u30b9"}}', AT.isoformat()
    return _sent(
        "box",
        body,
        {
            "box-delivery-timestamp": stamp,
            "box-signature-version": "1",
            "box-signature-algorithm": "HmacSHA256",
            "box-signature-primary": _b64(_mac(body + stamp.encode())),
        },
    )


def _hubspot() -> list[Sent]:
    body, stamp = b'[{"eventId":1,"objectId":7}]', str(int(AT.timestamp() * 1_000))
    plain = (SECRET + "POST" + URL).encode() + body
    named = {
        "x-hubspot-signature-v3": _b64(_mac(f"POST{URL}".encode() + body + stamp.encode())),
        "x-hubspot-request-timestamp": stamp,
    }
    first = {"x-hubspot-signature": hashlib.sha256(SECRET.encode() + body).hexdigest()}
    second = {"x-hubspot-signature": hashlib.sha256(plain).hexdigest()}
    return [
        _sent("hubspot", body, named, signs_url=True),
        _sent("hubspot_v1", body, first),
        _sent("hubspot_v2", body, second, signs_url=True),
    ]


def _hexes() -> Iterator[Sent]:
    body = b'{"id":"1"}'
    digest = _mac(body).hex()
    yield _sent("dropbox", body, {"x-dropbox-signature": digest})
    yield _sent("notion", body, {"x-notion-signature": f"sha256={digest}"})
    yield _sent("hub", body, {"x-hub-signature": f"sha256={digest}"})
    longer = hmac.digest(SECRET.encode(), body, "sha512").hex()
    yield _sent("hub", body, {"x-hub-signature": f"sha512={longer}"})
    key = b64encode(SECRET.encode()).decode()
    assert b64decode(key) == SECRET.encode()
    signature = f"hmac-sha256={digest}"
    yield _sent("airtable", body, {"x-airtable-content-mac": signature}, secret=key)


def _websub() -> Iterator[Sent]:
    body, name = b"<feed/>", "6b1d7bd0-5c0c-4a53-8d9c-0e6a8a1b2c3d"
    secret = hmac.digest(SECRET.encode(), f"websub:{name}".encode(), "sha256").hex()
    for method in ("sha1", "sha256", "sha384", "sha512"):
        digest = hmac.digest(secret.encode(), body, method).hex()
        headers = {"x-hub-signature": f"{method}={digest}"}
        yield _sent("websub", body, headers, url=f"{URL}&subscription={name}")


def _repeated() -> Iterator[Sent]:
    yield _sent("bearer", b"{}", {"authorization": f"Bearer {SECRET}"}, signs_body=False)
    yield _sent("google", b"", {"x-goog-channel-token": SECRET}, signs_body=False)
    said = b'{"value":[{"clientState":"0123456789abcdef","resource":"drives/1/root"}]}'
    yield _sent("graph", said, {}, signs_body=False)


SENT = [_standard(), _box(), *_hubspot(), *_hexes(), *_websub(), *_repeated()]
