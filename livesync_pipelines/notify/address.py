"""From an address in the user's own words to a channel that can send there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from livesync_pipelines.auth.references import expand_text
from livesync_pipelines.core.spellings import HOW_TO_SIGN, is_signing_secret
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.notice import Delivery
from livesync_pipelines.net.client import Client
from livesync_pipelines.notify.mail import Mailbox
from livesync_pipelines.notify.webhook import Webhook
from livesync_pipelines.settings import Settings

_MAIL = re.compile(r"[^@\s<>,;?]+@[^@\s<>,;?]+")
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")


class Undeliverable(BadInput):
    """Nothing can be sent to this address from here, as things are set up."""

    code = "undeliverable"


class Channel(Protocol):
    """One way to one address. `place` is the server on which sending depends."""

    place: str

    def send(self, delivery: Delivery) -> None:
        """Raises a `LiveSyncError` named for what comes next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What this process can send with."""

    settings: Settings
    environ: Mapping[str, str]
    client: Client

    def channel(self, address: str, secret: str | None = None) -> Channel:
        """The way to an address, webhooks signed with this secret (`${NAME}`) or with that of the
        installation. Raises `Undeliverable`, which says what is missing."""
        filled, trouble = expand_text(address, self.environ)
        if trouble is not None:
            raise Undeliverable(trouble[0], hint=trouble[1], where=address)
        mail = filled.removeprefix("mailto:")
        if mail != filled and _MAIL.fullmatch(mail):
            return self._mailbox(mail, address)
        if _is_http(filled):
            key = self._installations(address) if secret is None else self._own(secret, address)
            return Webhook(filled, secret=key, client=self.client)
        raise Undeliverable(
            "This is no address", hint="Write mailto:NAME@HOST or https://...", where=address
        )

    def masked(self, text: str, address: str) -> str:
        """The text with the names of the address's variables for their values."""
        for name in _NAME.findall(address):
            if value := self.environ.get(name):
                text = text.replace(value, f"${{{name}}}")
        return text

    def _mailbox(self, to: str, address: str) -> Mailbox:
        server, sender = self.settings.smtp_url, self.settings.mail_from
        if server is None or sender is None:
            missing = "LIVESYNC_SMTP_URL" if server is None else "LIVESYNC_MAIL_FROM"
            raise Undeliverable(
                f"No mail can be sent: {missing} is not set",
                hint="Set LIVESYNC_SMTP_URL (smtp://user:password@host:587) and "
                "LIVESYNC_MAIL_FROM.",
                where=address,
            )
        return Mailbox(server.get_secret_value(), sender=sender, to=to)

    def _installations(self, address: str) -> str:
        secret = self.settings.webhook_secret
        if secret is None:
            raise Undeliverable(
                "Webhooks are only sent signed, and LIVESYNC_WEBHOOK_SECRET is not set",
                hint=HOW_TO_SIGN,
                where=address,
            )
        return secret.get_secret_value()

    def _own(self, secret: str, address: str) -> str:
        filled, trouble = expand_text(secret, self.environ)
        if trouble is not None:
            raise Undeliverable(trouble[0], hint=trouble[1], where=address)
        if not is_signing_secret(filled):
            said = f"Webhooks are only sent signed, and {secret} holds no signing secret"
            raise Undeliverable(said, hint=HOW_TO_SIGN, where=address)
        return filled


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
