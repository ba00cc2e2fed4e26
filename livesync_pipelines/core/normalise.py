"""Bytes that were read become a record: one spelling of text, a title, fingerprints."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from urllib.parse import unquote

from livesync_pipelines.core.canon import content_hash, fingerprint, storable
from livesync_pipelines.model.records import Body, Entry, Extracted, Record

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_BLANK_RUN = re.compile(r"\n{4,}")
_MAX_TITLE = 300


def normalise_text(text: str) -> str:
    """The one spelling of a text: LF, NFC, no trailing blanks, no long runs of empty lines.

    What cannot be stored (NUL, lone surrogates) becomes U+FFFD. Indentation stays.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = unicodedata.normalize("NFC", storable(text))
    elif "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if " \n" in text or ("\t" in text and "\t\n" in text) or text.endswith((" ", "\t")):
        text = _TRAILING.sub("", text)
    if "\n\n\n\n" in text:
        text = _BLANK_RUN.sub("\n\n\n", text)
    return text.strip("\n")


def title_of(body: Body, extracted: Extracted, text: str) -> str:
    """The source's title, or the document's own, or its first heading, or its name."""
    found = body.title or extracted.title
    if not found:
        heading = _HEADING.search(text, 0, 4_000)
        found = heading.group(1) if heading else unquote(body.name) or body.key
    cleaned = storable(" ".join(found.split()))
    return cleaned[:_MAX_TITLE] or body.key


def normalise(
    body: Body, extracted: Extracted, *, item_id: str, entry: Entry, fetched_at: datetime
) -> Record:
    """The record of one item, from its bytes' own words (`extracted`) and the source's (`body`)."""
    text = normalise_text(extracted.text)
    title = title_of(body, extracted, text)
    attributes = {
        storable(name): storable(value)
        for name, value in {**extracted.attributes, **body.attributes}.items()
    }
    content, url = content_hash(text), storable(body.url)
    return Record(
        item_id=item_id,
        key=body.key,
        version=storable(body.version),
        title=title,
        text=text,
        url=url,
        media_type=extracted.media_type,
        attributes=attributes,
        size=len(body.content),
        modified_at=body.modified_at or entry.modified_at,
        fetched_at=fetched_at,
        content_hash=content,
        fingerprint=fingerprint(content, title, url, extracted.media_type, attributes),
        identity=entry.identity,
        state=entry.state,
    )
