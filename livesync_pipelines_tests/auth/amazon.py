"""What Amazon does: a key, its certificate behind real HTTP on loopback, signed messages."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Event
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.net.client import Answer, Client
from livesync_pipelines_tests.net.site import Site

TOPIC = "arn:aws:sns:eu-west-1:123456789012:changes"
CERT_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SLOW = "slow"
_PATIENCE_S = 60.0
_FIELDS = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn")
RECORD = {
    "eventTime": "2026-03-01T12:00:00.000Z",
    "s3": {"object": {"key": "guides/leave+early.md", "sequencer": "0055AED6DCD90281E5"}},
}


def a_message(**more: str) -> dict[str, str]:
    return {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": json.dumps({"Records": [RECORD]}),
        "Timestamp": "2026-03-01T12:00:00.000Z",
        **more,
    }


def as_body(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


class Amazon:
    """`targets`: what was asked of it; `calls`: how much that was. Addresses with `SLOW` in them
    are answered once `let_go` is set; `begun`: one was asked for."""

    def __init__(self, now: datetime) -> None:
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .sign(self.key, hashes.SHA256())
        )
        self.targets: list[str] = []
        self.begun, self.let_go = Event(), Event()
        self.client_of_loopback = Client(allow_private=True, tries=1)
        self.site = Site()
        self.certify(CERT_URL)
        self.site.put("/", b"<ConfirmSubscriptionResponse/>")

    def __enter__(self) -> Self:
        self.site.__enter__()
        return self

    def __exit__(self, *trouble: Any) -> None:
        self.client_of_loopback.close()
        self.site.__exit__(None, None, None)

    def certify(self, url: str) -> None:
        """From now on the certificate lies here, too."""
        self.site.put(urlsplit(url).path, self.certificate.public_bytes(Encoding.PEM))

    @property
    def calls(self) -> int:
        return len(self.targets)

    def signed(self, said: Mapping[str, str], *, version: str = "2") -> dict[str, str]:
        left_out = {"Token"} if said["Type"] == "Notification" else set()
        names = [name for name in (*_FIELDS, "Type") if name in said and name not in left_out]
        text = "".join(f"{name}\n{said[name]}\n" for name in names).encode()
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()
        return {
            **said,
            "SignatureVersion": version,
            "Signature": b64encode(self.key.sign(text, PKCS1v15(), digest)).decode(),
            "SigningCertURL": CERT_URL,
            "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        }

    def client(self, *, away: bool = False) -> Client:
        """One for whom Amazon is a server on loopback."""
        return _Client(self, away=away)


class _Client(Client):
    """Calls another place than it is told."""

    def __init__(self, amazon: Amazon, *, away: bool) -> None:
        self._amazon = amazon
        self._away = away

    def get(self, url: str, **words: Any) -> Answer:
        self._amazon.targets.append(url)
        if SLOW in url:
            self._amazon.begun.set()
            assert self._amazon.let_go.wait(_PATIENCE_S)
        if self._away:
            raise Unavailable("nobody answers")
        place = self._amazon.site.url(urlsplit(url).path)
        return self._amazon.client_of_loopback.get(place, **words)

    def close(self) -> None:
        """Nothing of its own is open."""
