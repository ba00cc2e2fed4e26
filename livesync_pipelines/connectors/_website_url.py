"""One spelling for every URL, and which URLs a selection means. Pure.

`url-normalize` folds `//` and composes accents, `w3lib` sorts the query: both can turn a URL into
one that the server does not know. Only what RFC 3986, section 6.2.2, calls the same is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import idna
from propcache.api import cached_property

from ._globs import Globs

MAX_URL_CHARS = 2_048
"""sitemaps.org's limit; what is longer is a trap more often than a page."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRACKING = re.compile(
    r"utm_\w+|gclid|gclsrc|dclid|fbclid|msclkid|yclid|ttclid|twclid|wbraid|gbraid|igshid"
    r"|mc_[ce]id|_gl|_hsenc|_hsmi",
    re.IGNORECASE,
)
_SESSION = re.compile(r";jsessionid=[^/;?]*", re.IGNORECASE)
_IGNORED = re.compile(r"[\t\r\n]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_SAFE = "%!$&'()*+,;=:@/?[]"


def normalised(url: str, *, base: str = "", strip_tracking: bool = True) -> str | None:
    """The one spelling of an http(s) URL without fragment and userinfo; None for anything else."""
    text = _IGNORED.sub("", url.strip())
    if len(text) > MAX_URL_CHARS:
        return None
    try:
        parts = urlsplit(urljoin(base, text))
        place = _place(parts)
        path = _path(parts.path.replace("\\", "/"), strip_tracking)
        query = _query(parts.query, strip_tracking)
    except (ValueError, idna.IDNAError):
        return None
    found = f"{parts.scheme.lower()}://{place}{path}{'?' if query else ''}{query}"
    return found if place and len(found) <= MAX_URL_CHARS else None


def host(url: str) -> str:
    """The host of a normalised URL, as the client spells it."""
    return urlsplit(url).hostname or ""


def path_name(url: str) -> str:
    """The last part of a URL's path; empty for a directory."""
    return urlsplit(url).path.rpartition("/")[2]


def origin(url: str) -> str:
    """`https://example.com:8443` of a normalised URL."""
    return "/".join(url.split("/", 3)[:3])


def _place(parts: SplitResult) -> str | None:
    """Host and, unless it is the default, port; None for what is no http(s) URL."""
    scheme, name = parts.scheme.lower(), (parts.hostname or "").rstrip(".")
    if scheme not in _DEFAULT_PORTS or not name or "%" in name:
        return None
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode("ascii")
    name = f"[{name}]" if ":" in name else name
    port = parts.port
    return name if port in (None, _DEFAULT_PORTS[scheme]) else f"{name}:{port}"


def _escapes(text: str) -> str:
    """Percent-encoding: upper case, none where none is needed, some wherever it is."""

    def decoded(found: re.Match[str]) -> str:
        letter = chr(int(found[1], 16))
        return letter if _UNRESERVED.fullmatch(letter) else found[0].upper()

    return quote(_ESCAPE.sub(decoded, _STRAY.sub("%25", text)), safe=_SAFE)


def _path(path: str, strip_tracking: bool) -> str:
    text = _SESSION.sub("", path) if strip_tracking else path
    parts: list[str] = []
    steps = _escapes(text).split("/")[1:] or [""]
    for step in steps:
        if step == "..":
            del parts[-1:]
        elif step != ".":
            parts.append(step)
    if steps[-1] in (".", ".."):
        parts.append("")
    return "/" + "/".join(parts)


def _query(query: str, strip_tracking: bool) -> str:
    if strip_tracking:
        pairs = query.split("&")
        query = "&".join(p for p in pairs if not _TRACKING.fullmatch(p.partition("=")[0]))
    return _escapes(query)


def directory(url: str) -> str:
    """What lies beside a URL and below it: `example.com/docs/` of `https://example.com/docs/a`."""
    place = url.partition("://")[2].partition("?")[0]
    return place[: place.rindex("/") + 1]


@dataclass(frozen=True)
class Scope:
    """Which URLs are looked at, and which of those become items.

    `prefixes` are without scheme: a site that moved to https stays itself. `globs` are held
    against the path without its first slash.
    """

    prefixes: frozenset[str]
    include: tuple[str, ...] = ("**",)
    exclude: tuple[str, ...] = ()
    strip_tracking: bool = True

    def reaches(self, url: str) -> bool:
        """Whether the URL is visited: below a prefix, and not excluded."""
        place = url.partition("://")[2]
        return any(map(place.startswith, self.prefixes)) and self._visited.keeps(_glob_path(url))

    def means(self, url: str) -> bool:
        """Whether the URL's content is wanted; pages that are not are walked through."""
        return self._wanted.keeps(_glob_path(url))

    def widened(self, prefixes: Iterable[str]) -> Scope:
        return replace(self, prefixes=self.prefixes.union(prefixes))

    @cached_property
    def digest(self) -> str:
        """Links are remembered as this scope saw them; under another one they are read again."""
        words = "\n".join([*sorted(self.prefixes), f"{self.strip_tracking}", *self.exclude])
        return blake2b(words.encode(), digest_size=8).hexdigest()

    @cached_property
    def _visited(self) -> Globs:
        return Globs(["**"], self.exclude)

    @cached_property
    def _wanted(self) -> Globs:
        return Globs(self.include, self.exclude)


def _glob_path(url: str) -> str:
    return url.partition("://")[2].partition("?")[0].partition("/")[2]
