"""Mail through the SMTP server of LIVESYNC_SMTP_URL."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from livesync_pipelines.model.errors import BadInput, Broken, LiveSyncError, Unavailable
from livesync_pipelines.model.notice import Delivery
from livesync_pipelines.notify.message import subject, text

TIMEOUT_S = 15.0
"""For connecting, and for each answer of the server."""

_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAID_CHARS = 200


class Mailbox:
    """One mail address, reached through one server.

    The connection is encrypted where the server offers it; without that a password is sent to
    this machine only. `tls`: whom to trust instead of the system's authorities.
    """

    def __init__(
        self, server: str, *, sender: str, to: str, tls: ssl.SSLContext | None = None
    ) -> None:
        parts = urlsplit(server)
        self._from_the_start = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._sender, self._to, self._tls = sender, to, tls
        self.place = f"the mail server {self._host}:{self._port}"

    def send(self, delivery: Delivery) -> None:
        """Raises `Unavailable` where it may work later, `Broken` where somebody must mend the
        set-up, `BadInput` for an address or a message that the server refuses for good."""
        mail = self._mail(delivery)
        try:
            with self._connected() as server:
                self._log_in(server)
                server.send_message(mail)
        except smtplib.SMTPAuthenticationError as error:
            raise Broken(
                f"{self.place} refuses the login (code {error.smtp_code})",
                hint="Correct the user and the password in LIVESYNC_SMTP_URL.",
            ) from None  # its words are not ours to pass on, beside a password
        except smtplib.SMTPRecipientsRefused as error:
            (answer,) = error.recipients.values()
            raise self._refusal("the address", *answer) from error
        except smtplib.SMTPNotSupportedError as error:
            raise BadInput(f"{self.place} cannot take this message: {error}") from error
        except smtplib.SMTPResponseException as error:
            raise self._refusal("the message", error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(
                f"{self.place} cannot be reached: {type(error).__name__}: {self._safe(error)}"
            ) from error

    def _connected(self) -> smtplib.SMTP:
        tls = self._tls or ssl.create_default_context()
        if self._from_the_start:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=tls)
        server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        try:
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                server.starttls(context=tls)
                server.ehlo()
        except BaseException:
            server.close()
            raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        if not self._user:
            return
        if not isinstance(server.sock, ssl.SSLSocket) and self._host not in _LOOPBACK:
            raise Broken(
                f"{self.place} offers no encryption, and a password is not sent without",
                hint="Use smtps:// in LIVESYNC_SMTP_URL, or a server that offers STARTTLS.",
            )
        server.login(self._user, self._password)

    def _mail(self, delivery: Delivery) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self._sender, self._to
        mail["Subject"] = subject(delivery.event)
        mail["Date"] = format_datetime(datetime.now(UTC))
        domain = self._sender.rpartition("@")[2]
        mail["Message-ID"] = f"<{delivery.message_id.hex}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text(delivery.event), cte="quoted-printable")
        return mail

    def _refusal(self, what: str, code: int, said: bytes | str) -> LiveSyncError:
        told = f"{self.place} refuses {what}: {code} {self._safe(said)}"
        return Unavailable(told) if 400 <= code < 500 else BadInput(told)

    def _safe(self, said: object) -> str:
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        line = " ".join(words.split())[:_SAID_CHARS]
        return line.replace(self._password, "***") if self._password else line
