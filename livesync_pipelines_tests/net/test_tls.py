from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.net.client import Client

from .site import Site, Watch


@dataclass
class SecureSite:
    site: Site
    trust: ssl.SSLContext
    asked: list[str]


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[SecureSite]:
    """A site whose certificate is for `named.example`; `asked` are the names in SNI."""
    asked: list[str] = []
    path = tmp_path / "certificate.pem"
    path.write_bytes(certificate("named.example"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    server.sni_callback = lambda _socket, name, _context: asked.append(str(name))
    with Site(server) as site:
        yield SecureSite(site, ssl.create_default_context(cafile=path), asked)


def certificate(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return signed.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_a_pinned_connection_still_proves_its_name(secure: SecureSite, watch: Watch) -> None:
    watch.names = {"named.example": [["127.0.0.1"]]}
    secure.site.put("/a", "sealed")
    with Client(allow_private=True, tls=secure.trust, world=watch.world()) as client:
        assert client.get(secure.site.url("/a", "named.example")).content == b"sealed"
    assert secure.asked == ["named.example"]


def test_a_certificate_for_another_name_is_not_accepted(secure: SecureSite, watch: Watch) -> None:
    watch.names = {"other.example": [["127.0.0.1"]]}
    with (
        Client(allow_private=True, tls=secure.trust, world=watch.world()) as client,
        pytest.raises(Unavailable, match=r"other\.example"),
    ):
        client.get(secure.site.url("/a", "other.example"))
    assert secure.site.calls == []


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(
    secure: SecureSite, watch: Watch
) -> None:
    watch.names = {"named.example": [["127.0.0.1"]]}
    with (
        Client(allow_private=True, world=watch.world()) as client,
        pytest.raises(Unavailable, match="certificate verify failed"),
    ):
        client.get(secure.site.url("/a", "named.example"))
