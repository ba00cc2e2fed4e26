"""From the bytes of a feed to its items. Pure.

feedparser 6.0.14 documentation (bozo detection, date parsing), RFC 4287 and RFC 5005, read
2026-11-21.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from time import struct_time
from typing import Any

import feedparser

from livesync_pipelines.model.errors import Broken

_HARMLESS = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_OLDER = ("next", "prev-archive")
_FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml"})
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_END = re.compile(rb"</(?:\w+:)?(?:rss|feed|RDF|channel)\s*>(?:\s|<!--.*?-->)*\Z", re.DOTALL)
_REFERENCE = re.compile(rb"&#(x[0-9a-fA-F]{1,9}|X[0-9a-fA-F]{1,9}|[0-9]{1,9});?")
_STUMBLES = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError)
_RELATIVE_ID = re.compile(rb"<(?:guid|id)\b[^>]*>\s*(?:<!\[CDATA\[)?\s*(?![\w+.-]+:)[^\s<]")
_TAIL_BYTES = 4096
_KEY_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a feed. `link` is empty where it has none that can be called; `content` is
    HTML or, as `media_type` says, plain text."""

    key: str
    version: str
    title: str
    content: str
    media_type: str
    link: str
    modified_at: datetime | None
    categories: tuple[str, ...]
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed document. `complaint` says what is wrong with it, though it could be read;
    `older` is the URL of the document that goes on where this one ends; `hub` tells of changes of
    the feed, which names itself `own` to it."""

    items: tuple[Item, ...] = ()
    older: str | None = None
    complaint: str | None = None
    hub: str | None = None
    own: str | None = None


@dataclass(frozen=True, slots=True)
class NotAFeed:
    """Something else. `offers` are the feeds that it links to."""

    offers: tuple[str, ...] = field(default=())


def parse(content: bytes, *, url: str, content_type: str) -> Feed | NotAFeed:
    """Whatever can be read. Where the document breaks off, its last entry is left out: half an
    entry must not replace a whole one."""
    content = _REFERENCE.sub(_character, content)
    found = _read(content, {"content-type": content_type, "content-location": url})
    if _RELATIVE_ID.search(content):
        _restore_ids(found.entries, content, content_type)
    links = found.feed.get("links", [])
    if not found.get("version") and not found.entries:
        return NotAFeed(tuple(_hrefs(links, rel=("alternate",), types=_FEED_TYPES)))
    trouble = found.get("bozo_exception")
    complaint = None
    entries = found.entries
    if trouble is not None and not isinstance(trouble, _HARMLESS):
        complaint = "the feed is not well-formed, it was read as far as possible"
        if _END.search(content[-_TAIL_BYTES:]) is None:
            complaint = "the feed breaks off in the middle, its last entry was left out"
            entries = entries[:-1]
    feed_title = _plain(found.feed.get("title_detail", {}))
    items = _newest(_item(entry, feed_title) for entry in entries)
    older, hub, own = (next(_hrefs(links, rel=rel), None) for rel in (_OLDER, ("hub",), ("self",)))
    return Feed(items=items, older=older, complaint=complaint, hub=hub, own=own)


def _read(content: bytes, headers: dict[str, str]) -> feedparser.FeedParserDict:
    """A stream, because feedparser opens what looks like a file's name or a URL."""
    try:
        return feedparser.parse(io.BytesIO(content), response_headers=headers)
    except _STUMBLES as error:
        raise Broken(
            f"feedparser stumbles over this feed: {type(error).__name__}",
            hint="Tell its owner to have it validated.",
        ) from error


def _character(reference: re.Match[bytes]) -> bytes:
    """A numeric reference as it is, or the replacement character: feedparser stumbles over
    those to which no character belongs."""
    text = reference[1].lower()
    code = int(text[1:], 16) if text.startswith(b"x") else int(text)
    wrong = not code or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF
    return b"&#65533;" if wrong else reference[0]


def _restore_ids(entries: Sequence[dict[str, Any]], content: bytes, content_type: str) -> None:
    """feedparser takes an id like `17` for a relative URL, which would then change with the URL
    that the feed is read from. Read without one, it stays as it is written."""
    plain = _read(content, {"content-type": content_type})
    for entry, other in zip(entries, plain.entries, strict=True):
        if "id" in other:
            entry["id"] = other["id"]


def _hrefs(
    links: Iterable[Mapping[str, str]], *, rel: Sequence[str], types: frozenset[str] = frozenset()
) -> Iterator[str]:
    for link in links:
        if link.get("rel") in rel and (not types or link.get("type") in types):
            yield link.get("href", "")


def _newest(items: Iterable[Item]) -> tuple[Item, ...]:
    """Each key once, as it was changed last; the first wins where times do not tell."""
    kept: dict[str, Item] = {}
    for item in items:
        other = kept.setdefault(item.key, item)
        if item.modified_at and other.modified_at and item.modified_at > other.modified_at:
            kept[item.key] = item
    return tuple(kept.values())


def _item(entry: Mapping[str, Any], feed_title: str) -> Item:
    title = _plain(entry.get("title_detail", {}))
    content, media_type = _content(entry)
    link = entry.get("link", "")
    link = link if link.startswith(("http://", "https://")) else ""
    categories = tuple(filter(None, (_category(tag) for tag in entry.get("tags", []))))
    author = entry.get("author", "")
    named = {"author": author, "categories": ", ".join(categories), "feed": feed_title}
    return Item(
        key=_key(entry, link, title, content),
        version=_hash(title, content, media_type, link, author, *categories),
        title=title,
        content=content,
        media_type=media_type,
        link=link,
        modified_at=_modified_at(entry),
        categories=categories,
        attributes={name: value for name, value in named.items() if value},
    )


def _key(entry: Mapping[str, Any], link: str, title: str, content: str) -> str:
    """The entry's own id, else its link, else what it can be known by."""
    said = str(entry.get("id") or "").strip() or link
    if not said:
        when = str(entry.get("published") or "")
        return "entry:" + (_hash(title, when) if title or when else _hash(content))
    if len(said) > _KEY_CHARS or not said.isprintable():
        return "entry:" + _hash(said)
    return said


def _content(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The fullest text that the entry has, and its media type."""
    pieces = [*entry.get("content", []), entry.get("summary_detail") or {}]
    texts = [(str(piece.get("value") or ""), piece.get("type")) for piece in pieces]
    formatted = [(text, kind) for text, kind in texts if text and kind in _HTML]
    text, kind = next(iter(formatted or [(t, k) for t, k in texts if t]), ("", None))
    marked_up = kind in _HTML and ("<" in text or "&" in text)
    return text, "text/html; charset=utf-8" if marked_up else "text/plain; charset=utf-8"


def _plain(detail: Mapping[str, Any]) -> str:
    """A title without markup: feeds write HTML into it, escaped once or twice."""
    text = str(detail.get("value") or "")
    if detail.get("type") in _HTML:
        text = html.unescape(_TAG.sub("", text))
    return " ".join(text.split())


def _category(tag: Mapping[str, Any]) -> str:
    return str(tag.get("label") or tag.get("term") or "").strip()


def _modified_at(entry: Mapping[str, Any]) -> datetime | None:
    """UTC. `in` first: feedparser answers a missing `updated` with `published` and a warning."""
    for name in ("updated_parsed", "published_parsed"):
        if name not in entry:
            continue
        when = entry[name]
        if isinstance(when, struct_time) and 1 <= when.tm_year <= 9999:
            return datetime(*when[:5], min(when.tm_sec, 59), tzinfo=UTC)
    return None


def _hash(*parts: str) -> str:
    whole = "\0".join(part.replace("\0", "") for part in parts)
    return blake2b(whole.encode("utf-8", "replace"), digest_size=16).hexdigest()
