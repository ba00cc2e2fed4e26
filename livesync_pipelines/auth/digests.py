"""Keyed digests of the raw body, one function for each family of senders.

Signatures are compared as they are spelled: a decoder forgives bits that no signer sets.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from livesync_pipelines.auth import told
from livesync_pipelines.auth.call import FIVE_MINUTES, Call, Scheme, any_of, same

_DIGITS = re.compile(r"[0-9]{1,15}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_BEYOND_ASCII = re.compile(r"[\x7f-\U0010ffff\r]")
_HUB_ALGORITHMS = ("sha256", "sha384", "sha512")
_A_MINUTE = timedelta(minutes=1)
"""Box's SDK takes no stamp that is ahead; two clocks are never quite the same."""
_ANY_TEXT = "the secret as the sender shows it"
_WHSEC = "whsec_ and 24 to 64 random bytes in base64, such as whsec_$(openssl rand -base64 32)"
_SHORTEST = 8


def _mac(key: bytes, text: bytes, name: str = "sha256") -> bytes:
    """Not by `hmac.digest`, which lets go of the interpreter's lock for the shortest text too."""
    return hmac.new(key, text, name).digest()


def text_key(secret: str) -> bytes:
    if len(secret) < _SHORTEST:
        raise ValueError(f"it has fewer than {_SHORTEST} characters")
    return secret.encode()


def _standard_key(secret: str) -> bytes:
    key = b64decode(secret.removeprefix("whsec_"), validate=True)
    if not (secret.startswith("whsec_") and 24 <= len(key) <= 64):
        raise ValueError("it is not whsec_ and 24 to 64 bytes in base64")
    return key


def _base64_key(secret: str) -> bytes:
    key = b64decode(secret, validate=True)
    if len(key) < _SHORTEST:
        raise ValueError(f"it has fewer than {_SHORTEST} bytes")
    return key


def _raw(header: str) -> bytes:
    return header.encode("latin-1", "replace")


def _seconds(text: str, *, per_s: int = 1) -> datetime | None:
    if not _DIGITS.fullmatch(text):
        return None
    try:
        return datetime.fromtimestamp(int(text) / per_s, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _standard(call: Call, key: bytes) -> bool:
    name, stamp = call.header("webhook-id"), call.header("webhook-timestamp")
    signed = b".".join([_raw(name), _raw(stamp), call.body])
    expected = f"v1,{b64encode(_mac(key, signed)).decode()}"
    fits = [same(said, expected) for said in call.header("webhook-signature").split(" ")]
    return any(fits) and bool(name)


def _hex(call: Call, key: bytes, *, header: str, prefix: str = "") -> bool:
    expected = _mac(key, call.body).hex()
    return same(call.header(header), f"{prefix}{expected}")


def _dropbox(call: Call, key: bytes) -> bool:
    return _hex(call, key, header="x-dropbox-signature")


def _airtable(call: Call, key: bytes) -> bool:
    return _hex(call, key, header="x-airtable-content-mac", prefix="hmac-sha256=")


def _notion(call: Call, key: bytes) -> bool:
    """Hex in upper case is good too, in mixed case it is not."""
    said, expected = call.header("x-notion-signature"), _mac(key, call.body).hex()
    return any_of(same(said, f"sha256={expected}"), same(said, f"sha256={expected.upper()}"))


def _hub(call: Call, key: bytes) -> bool:
    """`X-Hub-Signature-256` of GitHub, or `X-Hub-Signature: METHOD=HEX`; SHA-1 is not accepted."""
    said = call.header("x-hub-signature-256") or call.header("x-hub-signature")
    fits = [same(said, f"{name}={_mac(key, call.body, name).hex()}") for name in _HUB_ALGORITHMS]
    return any(fits)


def _box(call: Call, key: bytes) -> bool:
    """Either header may be made with either key. What is signed spells all but ASCII as \\uXXXX,
    and a proxy may have decoded that."""
    stamp = _raw(call.header("box-delivery-timestamp"))
    forms = (call.body, _escaped(call.body))
    expected = [b64encode(_mac(key, form + stamp)).decode() for form in forms]
    headers = ("box-signature-primary", "box-signature-secondary")
    fits = [same(call.header(name), wanted) for name in headers for wanted in expected]
    return (
        any(fits)
        and call.header("box-signature-version") == "1"
        and call.header("box-signature-algorithm") == "HmacSHA256"
    )


def _escaped(body: bytes) -> bytes:
    return _BEYOND_ASCII.sub(_escape, body.decode("utf-8", "replace")).encode()


def _escape(found: re.Match[str]) -> str:
    if found[0] == "\r":
        return "\\r"
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))


def _box_stamp(call: Call) -> datetime | None:
    text = call.header("box-delivery-timestamp")
    if not _RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


_HUBSPOT_ESCAPES = re.compile(r"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


def _hubspot_v3(call: Call, key: bytes) -> bool:
    said, stamp = call.header("x-hubspot-signature-v3"), call.header("x-hubspot-request-timestamp")
    decoded = _HUBSPOT_ESCAPES.sub(lambda found: unquote(found[0]), call.url)
    fits = []
    for url in (call.url, decoded):  # HubSpot's pages decode it, and its own SDKs do not
        signed = f"{call.method}{url}".encode() + call.body + _raw(stamp)
        fits.append(same(said, b64encode(_mac(key, signed)).decode()))
    return any(fits)


def _hubspot_v2(call: Call, key: bytes) -> bool:
    signed = key + f"{call.method}{call.url}".encode() + call.body
    return same(call.header("x-hubspot-signature"), hashlib.sha256(signed).hexdigest())


def _hubspot_v1(call: Call, key: bytes) -> bool:
    signed = hashlib.sha256(key + call.body).hexdigest()
    return same(call.header("x-hubspot-signature"), signed)


_HUBSPOT_DOCS = "HubSpot/hubspot-api-python tests/spec/utils/test_signature.py @83aedb04"

SCHEMES = (
    Scheme(
        name="standard",
        title="Standard Webhooks",
        how=_WHSEC,
        key=_standard_key,
        proves=_standard,
        stamp=lambda call: _seconds(call.header("webhook-timestamp")),
        window=FIVE_MINUTES,
        tells=told.standard,
        docs=("https://www.standardwebhooks.com (2026-11-21)",),
    ),
    Scheme(
        name="hub",
        title="X-Hub-Signature (WebSub, GitHub, Confluence Data Center)",
        how=_ANY_TEXT,
        key=text_key,
        proves=_hub,
        tells=told.hub,
        docs=("https://www.w3.org/TR/websub/",),
    ),
    Scheme(
        name="box",
        title="Box",
        how="a signature key of the app; the other one as `also`",
        key=text_key,
        proves=_box,
        stamp=_box_stamp,
        window=timedelta(minutes=10),
        ahead=_A_MINUTE,
        tells=told.box,
        docs=("box/developer.box.com webhooks/v2/signatures-v2 @eee1aa64",),
    ),
    Scheme(
        name="dropbox",
        title="Dropbox",
        how="the app secret",
        key=text_key,
        proves=_dropbox,
        tells=told.dropbox,
        docs=("https://www.dropbox.com/developers/reference/webhooks",),
    ),
    Scheme(
        name="notion",
        title="Notion",
        how="the verification token that Notion has sent",
        key=text_key,
        proves=_notion,
        tells=told.notion,
        sends_secret=True,
        docs=("makenotion/notion-sdk-js src/webhooks.ts @9060802",),
    ),
    Scheme(
        name="airtable",
        title="Airtable",
        how="macSecretBase64 of the webhook",
        key=_base64_key,
        proves=_airtable,
        tells=told.airtable,
        docs=("https://airtable.com/developers/web/api/webhooks-overview",),
    ),
    Scheme(
        name="hubspot",
        title="HubSpot, version 3",
        how="the client secret of the app",
        key=text_key,
        proves=_hubspot_v3,
        stamp=lambda call: _seconds(call.header("x-hubspot-request-timestamp"), per_s=1_000),
        window=FIVE_MINUTES,
        tells=told.hubspot,
        docs=(_HUBSPOT_DOCS,),
    ),
    Scheme(
        name="hubspot_v2",
        title="HubSpot, version 2 (a plain hash; use version 3 where you can)",
        how="the client secret of the app",
        key=text_key,
        proves=_hubspot_v2,
        tells=told.hubspot,
        docs=(_HUBSPOT_DOCS,),
    ),
    Scheme(
        name="hubspot_v1",
        title="HubSpot, version 1 (a plain hash; use version 3 where you can)",
        how="the client secret of the app",
        key=text_key,
        proves=_hubspot_v1,
        tells=told.hubspot,
        docs=(_HUBSPOT_DOCS,),
    ),
)
