"""What a file is: what the source says of it, unless the bytes say otherwise."""

from __future__ import annotations

import re
from dataclasses import replace

from . import forms
from .forms import Form
from .limits import Unreadable

_BINARY_MAGIC = {b"PK\x03\x04": forms.ZIP, b"PK\x05\x06": forms.ZIP, b"\xd0\xcf\x11\xe0": forms.OLE}
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_VAGUE = frozenset({"text/plain", "application/octet-stream", "binary/octet-stream"})
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,200}?-->\s*)?"
    rb"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_MAIL = re.compile(
    rb"(?:Return-Path|Received|Delivered-To|From|Date|Message-ID|MIME-Version):", re.I
)
_MAIL_TOO = re.compile(rb"^(?:Subject|Message-ID|MIME-Version):", re.I | re.M)
_SAMPLE = 4_096


def detect(content: bytes, name: str, media_type: str | None) -> Form | Unreadable:
    """The form to read a file in, or why there is none (then nothing is raised: on the hot path
    an answer is cheaper). Binary forms are believed only when the bytes agree."""
    claimed = _claimed(name, media_type)
    if not content:
        return _nothing(claimed)
    binary = _BINARY_MAGIC.get(content[:4]) or _pdf(content, claimed)
    if binary is not None:
        return binary
    is_wide = b"\0" in content and _is_wide_text(content)
    if claimed is forms.IMAGE or (b"\0" in content and not is_wide):
        return Unreadable("unsupported", "It is a picture, or binary of a kind not read here.")
    if claimed is None or not claimed.textual or claimed is forms.PLAIN:
        claimed = _sniffed(content, media_type)
    if is_wide:
        return replace(claimed, quick=False)
    could_be = claimed.family != "source" and b"<" in content[:64]
    return forms.HTML if could_be and _PAGE.match(content[:_SAMPLE]) else claimed


def _pdf(content: bytes, claimed: Form | None) -> Form | None:
    """A PDF may have other bytes before it; a text about PDF may have its mark somewhere."""
    if content[:5] == b"%PDF-" or (claimed is forms.PDF and b"%PDF-" in content[:1024]):
        return forms.PDF
    return None


def charset_of(media_type: str | None) -> str | None:
    """The `charset` parameter of a media type, where it has one."""
    if not media_type or "charset" not in media_type.lower():
        return None
    found = re.search(r"charset\s*=\s*\"?([\w.:-]+)", media_type, re.IGNORECASE)
    return found[1] if found else None


def _claimed(name: str, media_type: str | None) -> Form | None:
    """An exact media type is believed before the name, a vague one after it."""
    stem = name.lower()
    named = forms.FORMS_BY_SUFFIX.get(stem[stem.rfind(".") + 1 :])
    if named is None or named is forms.PLAIN:
        named = forms.FORMS_BY_NAME.get(stem[stem.rfind("/") + 1 :], named)
    if media_type is None:
        return named
    essence = media_type.partition(";")[0].strip().lower()
    if essence in _VAGUE:
        return named or (forms.PLAIN if essence == "text/plain" else None)
    typed = forms.FORMS_BY_MEDIA_TYPE.get(essence)
    if typed is forms.HTML and named in (forms.MARKDOWN, forms.PLAIN):
        return named  # servers without a type for .md say text/html; a real page is sniffed
    if typed is None and essence.startswith(("image/", "audio/", "video/")):
        return forms.IMAGE
    if typed is forms.OLE and named is not None:
        return named  # Excel's type is sent with .csv files too
    return typed or named


def _nothing(claimed: Form | None) -> Form | Unreadable:
    if claimed is None:
        return forms.PLAIN
    if claimed.textual:
        return claimed
    return Unreadable("empty", "It has no bytes, and its format cannot be empty.")


def _is_wide_text(content: bytes) -> bool:
    """UTF-16 or UTF-32, with its mark or, for Western text, without."""
    if content.startswith(_WIDE_MARKS):
        return True
    sample = content[:_SAMPLE]
    even, odd, half = sample[::2].count(0), sample[1::2].count(0), len(sample) / 2
    return len(content) % 2 == 0 and max(even, odd) > 0.7 * half and min(even, odd) < 0.05 * half


def _sniffed(content: bytes, media_type: str | None) -> Form:
    """Text of which nobody says what it is."""
    sample = content[:_SAMPLE]
    if _PAGE.match(sample):
        return forms.HTML
    first = sample.lstrip()[:1]
    if first in (b"{", b"[") and not media_type:
        return forms.JSON
    if _MAIL.match(sample) and _MAIL_TOO.search(sample):
        return forms.MAIL
    return forms.PLAIN
