"""What is remembered of a page between two runs, in the `state` of its entry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from livesync_pipelines.net.verdict import http_date

LAST_MODIFIED_AGE_S = 60.0
"""RFC 9110, 8.8.2.2: so much older than its answer, a Last-Modified tells two versions apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """`scope` is the digest under which `links` were read; `restless` marks a server whose
    validators change while its pages do not."""

    version: str
    size: int
    scope: str
    etag: str | None = None
    modified: str | None = None
    canonical: str | None = None
    links: tuple[str, ...] = ()
    restless: bool = False

    def conditions(self) -> dict[str, str]:
        """Both validators: a server that understands ETags must ignore the other one."""
        asked = {"if-none-match": self.etag, "if-modified-since": self.modified}
        return {name: value for name, value in asked.items() if value}

    def to_json(self) -> str:
        return json.dumps(
            [
                self.version,
                self.size,
                self.scope,
                self.etag,
                self.modified,
                self.canonical,
                list(self.links),
                self.restless,
            ],
            ensure_ascii=False,
            separators=(",", ":"),
        )


def from_json(text: str | None) -> Remembered | None:
    """None for what is missing or was written by another version of this file."""
    try:
        version, size, scope, etag, modified, canonical, links, restless = json.loads(text or "[]")
    except ValueError:
        return None
    return Remembered(
        version=version,
        size=size,
        scope=scope,
        etag=etag,
        modified=modified,
        canonical=canonical,
        links=tuple(links),
        restless=restless,
    )


def settled(old: Remembered | None, new: Remembered) -> Remembered:
    """What to remember now. Validators that change twice over the same bytes are given up, so
    that an unchanged site comes to rest whatever its servers say."""
    if old is None or old.version != new.version:
        return new
    if (old.etag, old.modified) == (new.etag, new.modified):
        return replace(new, restless=old.restless)
    if old.restless:
        return replace(new, etag=None, modified=None, restless=True)
    return replace(new, restless=True)


def validators(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """ETag and Last-Modified as they came, the latter only where it is old enough to mean much."""
    modified, sent = http_date(headers.get("last-modified")), http_date(headers.get("date"))
    firm = modified and sent and (sent - modified).total_seconds() >= LAST_MODIFIED_AGE_S
    return headers.get("etag"), headers.get("last-modified") if firm else None
