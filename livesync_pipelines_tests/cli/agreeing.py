"""A browser whose owner agrees to everything, and follows the vendor back to where he came from:
`python -m livesync_pipelines_tests.cli.agreeing WHAT ADDRESS`; WHAT is `allow` or `deny`."""

from __future__ import annotations

import sys
from urllib.parse import parse_qs, urlsplit

import httpx

from livesync_pipelines_tests.sandbox.served import ADA


def agree(url: str, decision: str) -> httpx.Response:
    """What our own door says in the end."""
    scopes = parse_qs(urlsplit(url).query)["scope"][0].split()
    fields = {"person": ADA, "scope": scopes, "decision": decision}
    answer = httpx.post(url, data=fields)
    return httpx.get(answer.headers["location"], headers={"accept": "text/html"})


if __name__ == "__main__":
    agree(sys.argv[2], sys.argv[1])
