"""The `Link` header (RFC 8288)."""

from __future__ import annotations

from urllib.parse import urljoin

import httpx

from .client import Answer


def links(answer: Answer) -> dict[str, str]:
    """Absolute addresses by relation, in lower case; of several the last."""
    header = answer.headers.get("link", "")
    found = httpx.Response(200, headers={"link": header}).links.values()
    return {
        relation: urljoin(answer.url, link.get("url", ""))
        for link in found
        for relation in link.get("rel", "").lower().split()
    }
