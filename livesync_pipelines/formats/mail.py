"""Mail: the words of a message, its attachments by name, its headers as attributes."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

from .charset import decode
from .html import fragment
from .limits import Job, Reading, Unreadable
from .markdown import joined, one_line

_HEADERS = {
    "From": "author",
    "To": "to",
    "Cc": "cc",
    "Message-ID": "message_id",
    "In-Reply-To": "in_reply_to",
}
_MAX_DEPTH = 20


def read(job: Job) -> Reading:
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(job.content)
    if not message.keys():
        raise Unreadable("malformed", "It has no mail headers.")
    attachments: list[str] = []
    blocks = _blocks(message, job, attachments, 0)
    attributes = {
        key: one_line(str(message[name])) for name, key in _HEADERS.items() if message[name]
    }
    if date := _date(message):
        attributes["created"] = date
    if attachments:
        attributes["attachments"] = ", ".join(attachments)
        blocks.append("Attachments:\n\n" + "\n".join(f"- {name}" for name in attachments))
    subject = one_line(str(message["Subject"] or ""))
    return Reading(text=joined(blocks), title=subject or None, attributes=attributes)


def _blocks(message: EmailMessage, job: Job, attachments: list[str], depth: int) -> list[str]:
    """The HTML of a message before its plain twin, which many programs only pretend to write; a
    forwarded message after its subject; everything else is an attachment."""
    if depth > _MAX_DEPTH:
        raise Unreadable("malformed", "It is nested too deeply.")
    kind = message.get_content_type()
    if message.is_attachment() and kind != "message/rfc822":
        attachments.append(one_line(message.get_filename() or kind))
        return []
    if kind == "multipart/alternative":
        return _best(message, job, attachments, depth)
    if message.is_multipart():
        return _parts(message, job, attachments, depth)
    if kind.startswith("text/"):
        text = _text(message)
        return [fragment(text, job) if kind == "text/html" else text.strip()]
    attachments.append(one_line(message.get_filename() or kind))
    return []


def _parts(message: EmailMessage, job: Job, attachments: list[str], depth: int) -> list[str]:
    inner = [part for part in message.iter_parts() if isinstance(part, EmailMessage)]
    blocks = [b for part in inner for b in _blocks(part, job, attachments, depth + 1)]
    if message.get_content_type() == "message/rfc822" and inner:
        return [f"## Forwarded: {one_line(str(inner[0]['Subject'] or ''))}", *blocks]
    return blocks


def _best(message: EmailMessage, job: Job, attachments: list[str], depth: int) -> list[str]:
    """The last alternative that has words: they are sorted by how faithful they are."""
    parts = [part for part in message.iter_parts() if isinstance(part, EmailMessage)]
    for part in reversed(parts):
        found: list[str] = []
        blocks = _blocks(part, job, found, depth + 1)
        if any(blocks) and part.get_content_type() != "text/calendar":
            attachments += found
            return blocks
    return []


def _text(message: EmailMessage) -> str:
    payload = message.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return decode(payload, message.get_content_charset())


def _date(message: EmailMessage) -> str | None:
    """In ISO form; a date that nobody can read is no date."""
    try:
        return parsedate_to_datetime(str(message["Date"])).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
