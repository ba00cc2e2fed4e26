"""Bytes that are not UTF-8, as text."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 65_536
_WITH_NULS = ("utf_16", "utf_32")
"""A text in these has zero bytes, so that they were told before any guess."""
_WESTERN = {"iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii"}
_EASTERN = re.compile(r"[^\W\d_][¹³¿¼¾]|[¹³¿][^\W\d_]|[^\W\d_]Ÿ[^\W\d_]")
_LATIN = re.compile(
    r"cp125[0247]|iso8859_(?:1|2|3|4|9|10|13|14|15|16)|latin.*|mac_\w+|cp(?:437|85\d|1125)|hp_.*"
)


def decode(content: bytes, declared: str | None = None) -> str:
    """Never fails. A byte-order mark is believed first, then UTF-8 (which does not fit by chance,
    and is kept when only a few bytes are broken), then what the source declares, then a guess."""
    name, mark = marked(content) or (None, 0)
    if name is not None:
        return content[mark:].decode(name, "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode(not_utf8(content, declared), "replace")


def marked(content: bytes) -> tuple[str, int] | None:
    """The encoding that a byte-order mark, or every other byte being zero, gives away, and how
    long the mark is; None where neither does. The first bytes of a file are enough."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name, len(mark)
    if b"\0" in content[:_SAMPLE]:
        even = content[:_SAMPLE:2].count(0)
        return "utf-16-be" if even > len(content[:_SAMPLE]) / 4 else "utf-16-le", 0
    return None


def not_utf8(content: bytes, declared: str | None = None) -> str:
    """The encoding of bytes that are not UTF-8 (and that is UTF-8 where only a few are broken)."""
    mended = content.decode("utf-8", "replace")
    broken = mended.count("\ufffd")
    letters = sum(map(mended.count, _non_ascii(mended))) - broken
    if letters > 4 * broken:
        return "utf-8"
    if declared is not None and _is_codec(declared):
        return "cp1252" if declared.lower() in _WESTERN else declared
    return _guessed(content)


def _non_ascii(text: str) -> set[str]:
    return {letter for letter in set(text) if letter > "\x7f"}


def _is_codec(name: str) -> bool:
    try:
        b"".decode(name)
    except LookupError:
        return False
    return name.lower() not in {"utf-8", "utf8"}


def _guessed(content: bytes) -> str:
    """Western text is told from Central European by the signs that the wrong table puts between
    letters: the detector takes nearly all French and German for Polish."""
    best = from_bytes(content[:_SAMPLE]).best()
    name = best.encoding if best else "cp1252"
    if _LATIN.fullmatch(name) or name.startswith(_WITH_NULS):
        return "cp1250" if _EASTERN.search(content.decode("cp1252", "replace")) else "cp1252"
    return name
