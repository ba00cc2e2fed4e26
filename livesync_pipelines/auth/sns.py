"""Messages of Amazon SNS: signed with a key whose certificate lies at Amazon.

aws/aws-js-sns-message-validator `index.js` (2026-11-21). What stands in for a secret
is the topic's ARN: anybody can have a topic of his own, and Amazon signs for all of them.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from livesync_pipelines.auth import told
from livesync_pipelines.auth.call import Call, Scheme, Told, same
from livesync_pipelines.model.errors import LiveSyncError, Unavailable
from livesync_pipelines.net.client import Answer, Client

ARN = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]{3,32}):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
CONFIRMATION = "SubscriptionConfirmation"
NOTIFICATION = "Notification"
_TYPES = (NOTIFICATION, CONFIRMATION, "UnsubscribeConfirmation")
_SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn")
_UNSIGNED = {NOTIFICATION: ("Token",)}
_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}
_HOST = r"sns\.{region}\.amazonaws\.com(\.cn)?"
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem")
_LONGEST = 20_000
_KEPT = 32
_PATIENCE_S = 5.0
_NOT_NOW = "The certificate that this message is signed with cannot be fetched at this moment."


@dataclass(slots=True)
class Certificates:
    """Amazon's certificates, each fetched once; may be shared by threads."""

    client: Client | None = None
    _kept: dict[str, x509.Certificate] = field(default_factory=dict)
    _fetching: Lock = field(default_factory=Lock)

    def at(self, url: str) -> x509.Certificate | None:
        """The certificate; None where there is none. Raises `Unavailable` where it cannot be had
        now, which names no address: whoever called hears that."""
        with self._fetching:
            if url not in self._kept:
                try:
                    found = _read(self._get(url).content)
                except LiveSyncError as error:
                    raise Unavailable(_NOT_NOW, hint="Send it again.") from error
                if found is None:
                    return None
                if len(self._kept) >= _KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[url] = found
            return self._kept[url]

    def confirm(self, url: str) -> None:
        """Tell Amazon that the subscription is wanted. Raises `Unavailable` where it does not
        take that, and what the client raises."""
        with self._fetching:
            status = self._get(url).status
        if not 200 <= status < 300:
            raise Unavailable(f"SNS answered {status} to the confirmation of a subscription")

    def close(self) -> None:
        if self.client is not None:
            self.client.close()

    def _get(self, url: str) -> Answer:
        if self.client is None:  # few installations ever need one
            self.client = Client(timeout_s=_PATIENCE_S, tries=2)
        return self.client.get(url, max_bytes=_LONGEST, follow=False)


def _read(pem: bytes) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None


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
        goes_out=True,
        docs=("aws/aws-js-sns-message-validator index.js",),
    )


def _key(arn: str) -> bytes:
    if not ARN.fullmatch(arn):
        raise ValueError("it is no ARN of a topic")
    return arn.encode()


def _proves(call: Call, key: bytes, certificates: Certificates) -> bool:
    """Raises `Unavailable` where the certificate cannot be had now."""
    said, arn = told.parsed(call.body), key.decode()
    topic = told.at(said, "TopicArn")
    if not (isinstance(topic, str) and same(topic, arn)) or said.get("Type") not in _TYPES:
        return False
    url, digest = said.get("SigningCertURL"), _HASHES.get(str(said.get("SignatureVersion")))
    signature = _signature(said.get("Signature"))
    if digest is None or signature is None or not _is_amazons(url, arn, _CERTIFICATE):
        return False
    certificate = certificates.at(url)
    return certificate is not None and _fits(
        certificate, _signed(said), signature, digest(), call.at
    )


def _fits(
    certificate: x509.Certificate,
    text: bytes,
    signature: bytes,
    digest: hashes.HashAlgorithm,
    now: datetime,
) -> bool:
    key = certificate.public_key()
    valid = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    if not (valid and isinstance(key, RSAPublicKey)):
        return False
    try:
        key.verify(signature, text, PKCS1v15(), digest)
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


def _signed(said: Mapping[str, Any]) -> bytes:
    kind = said["Type"]
    names = [name for name in (*_SIGNED, "Type") if name not in _UNSIGNED.get(kind, ())]
    lines = [f"{name}\n{said[name]}\n" for name in names if isinstance(said.get(name), str)]
    return "".join(lines).encode()


def _is_amazons(url: Any, arn: str, path: re.Pattern[str]) -> bool:
    """Whether this is an address of SNS in the topic's own region."""
    found = ARN.fullmatch(arn)
    if not isinstance(url, str) or found is None:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = _HOST.format(region=re.escape(found[1]))
    return (
        parts.scheme == "https"
        and re.fullmatch(host, parts.netloc) is not None
        and path.fullmatch(parts.path) is not None
    )


def _tells(call: Call) -> Told:
    """A notification tells what its message tells; of the rest, only a confirmation is acted on."""
    said = told.parsed(call.body)
    name = told.named(said.get("MessageId"))
    if said["Type"] != NOTIFICATION:
        url = said.get("SubscribeURL")
        wanted = said["Type"] == CONFIRMATION
        ours = _is_amazons(url, said["TopicArn"], re.compile("/?"))
        return Told(delivery=name, test=True, confirm=url if wanted and ours else None)
    message = str(said.get("Message", ""))
    within = told.of_bucket(told.parsed(message), message.encode())
    return Told(delivery=name, hints=within.hints, test=within.test)
