"""URLs that are called: which may be, what they are called in messages, where redirects lead."""

from __future__ import annotations

import httpx

from livesync_pipelines.model.errors import BadInput, LiveSyncError

from .verdict import REDIRECTS, BadAnswer, Refused

PORTABLE_HEADERS = frozenset(
    {"accept", "accept-language", "if-none-match", "if-modified-since", "cache-control"}
)
"""What a caller's headers may carry to another origin; all others could be a secret."""


def callable_url(url: str) -> httpx.URL:
    """The URL without userinfo and fragment; raises `BadInput` for what is not http(s)."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadInput(
            "This URL cannot be read", hint="Give an http:// or https:// URL."
        ) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Refused("Only http:// and https:// URLs are called", where=parsed.host)
    return parsed.copy_with(userinfo=b"", fragment=None)


def with_userinfo(url: httpx.URL, headers: httpx.Headers) -> httpx.Headers:
    """Userinfo in a URL means HTTP Basic, unless the caller already says who they are."""
    if url.userinfo and "authorization" not in headers:
        login = next(
            httpx.BasicAuth(url.username, url.password).auth_flow(httpx.Request("GET", url))
        )
        return httpx.Headers([*headers.items(), ("authorization", login.headers["authorization"])])
    return headers


def redirect_target(response: httpx.Response) -> httpx.URL | None:
    """Where a redirect leads; None for an answer that is none."""
    if response.status_code not in REDIRECTS:
        return None
    where = call_name(response.request.url, response.request.method)
    location = response.headers.get("location")
    if not location:
        raise BadAnswer(f"{where} redirects without saying where to", where=where)
    try:
        return callable_url(str(response.request.url.join(location)))
    except (httpx.InvalidURL, ValueError, BadInput) as error:
        said = error.message if isinstance(error, LiveSyncError) else "unreadable URL"
        raise Refused(f"{where} redirects to where we may not go: {said}", where=where) from error


def portable(headers: httpx.Headers, here: httpx.URL, target: httpx.URL) -> httpx.Headers:
    """The headers to carry on: all within one origin, only harmless ones out of it."""
    if (here.scheme, here.host, here.port) == (target.scheme, target.host, target.port):
        return headers
    return httpx.Headers([(k, v) for k, v in headers.items() if k.lower() in PORTABLE_HEADERS])


def call_name(url: httpx.URL, method: str = "GET") -> str:
    """What a call is called in messages: no query, no userinfo, no more than 200 characters of
    its path."""
    port = f":{url.port}" if url.port else ""
    path = url.raw_path.partition(b"?")[0].decode("ascii")
    return f"{method} {url.scheme}://{url.host}{port}{path[:200]}"
