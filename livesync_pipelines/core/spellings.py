"""How a value of the environment may be spelled, as types that pydantic checks."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

_SPLIT = re.compile(r"[\s,]+")
_MAIL_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
HOW_TO_SIGN = "Set it to whsec_$(openssl rand -base64 32), and tell the receiver."
_BROKERS = frozenset({"redis", "rediss", "amqp", "amqps"})
VAULT_KEY_BYTES = 32
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def _words(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(word.lower() for word in _SPLIT.split(value) if word))


def _postgres(url: SecretStr) -> SecretStr:
    scheme, _, rest = url.get_secret_value().partition("://")
    if scheme not in {"postgresql", "postgres"} or not rest:
        raise ValueError("not a Postgres URL")
    return url


def _broker(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        known = parts.scheme in _BROKERS and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise ValueError("not the URL of a broker")
    return url


def _http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an http(s) URL")
    if parts.username or parts.password:
        raise ValueError("a URL with a login in it")
    return url.rstrip("/")


def _smtp(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        known = parts.scheme in {"smtp", "smtps"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise ValueError("not an SMTP URL")
    return url


def _mail_address(address: str) -> str:
    if not _MAIL_ADDRESS.fullmatch(address):
        raise ValueError("not a mail address")
    return address


def is_signing_secret(text: str) -> bool:
    """Whether this is `whsec_` and 24 to 64 bytes in base64."""
    try:
        key = b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64


def _signing_secret(secret: SecretStr) -> SecretStr:
    if not is_signing_secret(secret.get_secret_value()):
        raise ValueError("not a signing secret")
    return secret


def vault_keys(text: str) -> list[bytes]:
    """The vault's keys as they are written, in base64, separated by commas or white space. Raises
    ValueError for anything else."""
    try:
        keys = [b64decode(word, validate=True) for word in _SPLIT.split(text) if word]
    except ValueError:
        keys = []
    if not keys or any(len(key) != VAULT_KEY_BYTES for key in keys):
        raise ValueError("not a key of the vault")
    return keys


def _vault_keys(keys: SecretStr) -> SecretStr:
    vault_keys(keys.get_secret_value())
    return keys


def _bucket(name: str) -> str:
    if not _BUCKET.fullmatch(name):
        raise ValueError("not a bucket name")
    return name


def _days(value: object) -> object:
    """None for what is kept for ever."""
    return None if value == "0" or str(value).lower() == "never" else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Port = Annotated[int, Field(ge=1, le=65535)]
Days = Annotated[Annotated[int, Field(ge=1, le=36_500)] | None, BeforeValidator(_days)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]
BrokerUrl = Annotated[SecretStr, AfterValidator(_broker)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp)]
HttpUrl = Annotated[str, AfterValidator(_http)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
VaultKeys = Annotated[SecretStr, AfterValidator(_vault_keys)]
SigningSecret = Annotated[SecretStr, AfterValidator(_signing_secret)]
Bucket = Annotated[str, AfterValidator(_bucket)]
