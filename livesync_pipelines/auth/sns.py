"""Messages of Amazon SNS: signed with a key whose certificate lies at Amazon.

aws/aws-js-sns-message-validator `index.js` (2026-11-21). What stands in for a secret
is the topic's ARN: anybody can have a topic of his own, and Amazon signs for all of them.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from livesync_pipelines.auth import told
from livesync_pipelines.auth.call import Call, Scheme, Told, same
from livesync_pipelines.auth.certificates import Certificates

ARN = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]{3,32}):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
CONFIRMATION = "SubscriptionConfirmation"
NOTIFICATION = "Notification"
_TYPES = (NOTIFICATION, CONFIRMATION, "UnsubscribeConfirmation")
_SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn")
_UNSIGNED = {NOTIFICATION: ("Token",)}
_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}
_ALWAYS = frozenset({"Message", "MessageId", "Timestamp", "TopicArn", "Type"})
_LONG = "Message"
_BREAK = re.compile("[\r\n]")
_HOST = r"https://sns\.{region}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem"
_CONFIRMING = r"/?(?:\?[!-~]*)?"


@dataclass(frozen=True, slots=True)
class _Message:
    """What is held against a certificate: the text that was signed, and the signature."""

    text: bytes
    signature: bytes
    digest: hashes.HashAlgorithm
    certificate_url: str


def scheme(certificates: Certificates) -> Scheme:
    """SNS, with these certificates at hand."""
    return Scheme(
        name="sns",
        title="Amazon SNS (not with raw message delivery, which signs nothing)",
        how="the topic's ARN as `topic`: arn:aws:sns:REGION:ACCOUNT:NAME",
        key=_key,
        keyed_by="topic",
        proves=lambda call, key: _proves(call, key, certificates),
        tells=_tells,
        asks=lambda call, key: _asks(call, key, certificates),
        docs=("aws/aws-js-sns-message-validator index.js",),
    )


def _key(arn: str) -> bytes:
    if not ARN.fullmatch(arn):
        raise ValueError("it is no ARN of a topic")
    return arn.encode()


def _asks(call: Call, key: bytes, certificates: Certificates) -> Future[Any] | None:
    """Raises `Unavailable` where the certificate cannot be had now."""
    message = _message(call, key)
    return None if message is None else certificates.ask(message.certificate_url)


def _proves(call: Call, key: bytes, certificates: Certificates) -> bool:
    """Raises `Unavailable` where the certificate cannot be had now."""
    message = _message(call, key)
    certificate = None if message is None else certificates.at(message.certificate_url)
    return message is not None and certificate is not None and _fits(certificate, message, call.at)


def _message(call: Call, key: bytes) -> _Message | None:
    """None where no certificate could prove it, so that none need be fetched."""
    said, arn = told.parsed(call.body), key.decode()
    topic = told.at(said, "TopicArn")
    if not (isinstance(topic, str) and same(topic, arn)) or said.get("Type") not in _TYPES:
        return None
    url, digest = said.get("SigningCertURL"), _HASHES.get(str(said.get("SignatureVersion")))
    signature, text = _signature(said.get("Signature")), _signed(said)
    if (
        digest is None
        or signature is None
        or text is None
        or not _is_amazons(url, arn, _CERTIFICATE)
    ):
        return None
    return _Message(text=text, signature=signature, digest=digest(), certificate_url=url)


def _fits(certificate: x509.Certificate, message: _Message, now: datetime) -> bool:
    key = certificate.public_key()
    valid = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    if not (valid and isinstance(key, RSAPublicKey)):
        return False
    try:
        key.verify(message.signature, message.text, PKCS1v15(), message.digest)
    except InvalidSignature:
        return False
    return True


def _signature(text: Any) -> bytes | None:
    """Only as a signer spells it."""
    try:
        found = b64decode(text, validate=True)
    except (TypeError, ValueError):
        return None
    return found if b64encode(found).decode() == text else None


def _signed(said: Mapping[str, Any]) -> bytes | None:
    """The text that Amazon signs, of which no two messages have the same; None of what is no
    message of Amazon's.

    It is lines, a name and then its value, and says of none of them which it is. So only `Message`,
    which comes first, may have breaks (people publish what they like; Amazon takes none in a
    subject). Then the text is read in one way only: from its end up, two lines a field, as far as
    `MessageId`, which every message has and above which there is nothing but `Message`.
    """
    kind = said["Type"]
    names = [name for name in (*_SIGNED, "Type") if name not in _UNSIGNED.get(kind, ())]
    found = {name: said[name] for name in names if isinstance(said.get(name), str)}
    broken = any(_BREAK.search(value) for name, value in found.items() if name != _LONG)
    if broken or not found.keys() >= _ALWAYS:
        return None
    return "".join(f"{name}\n{value}\n" for name, value in found.items()).encode()


def _is_amazons(url: Any, arn: str, path: str) -> bool:
    """Whether this is an address of SNS in the topic's own region, as Amazon spells it."""
    found = ARN.fullmatch(arn)
    if not isinstance(url, str) or found is None:
        return False
    return re.fullmatch(_HOST.format(region=re.escape(found[1])) + path, url) is not None


def _tells(call: Call) -> Told:
    """A notification tells what its message tells; of the rest, only a confirmation is acted on."""
    said = told.parsed(call.body)
    name = told.named(said.get("MessageId"))
    if said["Type"] != NOTIFICATION:
        url = said.get("SubscribeURL")
        wanted = said["Type"] == CONFIRMATION
        ours = _is_amazons(url, said["TopicArn"], _CONFIRMING)
        return Told(delivery=name, test=True, confirm=url if wanted and ours else None)
    message = str(said.get("Message", ""))
    within = told.of_bucket(told.parsed(message), message.encode())
    return Told(delivery=name, hints=within.hints, test=within.test)
