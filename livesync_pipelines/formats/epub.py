"""EPUB: its chapters in reading order, each read as HTML."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from lxml import etree

from .archive import Archive
from .charset import decode
from .html import fragment
from .limits import Job, Reading, Unreadable, too_many_chars
from .markdown import joined, one_line

_CONTAINER = "META-INF/container.xml"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_PAGES = ("application/xhtml+xml", "text/html")
_KEYS = {
    "creator": "author",
    "language": "language",
    "date": "created",
    "publisher": "publisher",
    "description": "description",
    "identifier": "identifier",
}


def read_epub(archive: Archive, job: Job) -> Reading:
    if "META-INF/encryption.xml" in archive.names and "META-INF/rights.xml" in archive.names:
        raise Unreadable("encrypted", "It is protected against copying.")
    package_name = _package_name(archive)
    package = archive.xml(package_name)
    text = _chapters(archive, package, posixpath.dirname(package_name), job)
    attributes = {key: value for name, key in _KEYS.items() if (value := _stated(package, name))}
    return Reading(text=text, title=_stated(package, "title"), attributes=attributes)


def _package_name(archive: Archive) -> str:
    for element in archive.xml(_CONTAINER).iter("{*}rootfile"):
        if path := element.get("full-path"):
            return str(path)
    raise Unreadable("malformed", "It does not say where its contents are.")


def _chapters(archive: Archive, package: etree._Element, folder: str, job: Job) -> str:
    manifest = {item.get("id"): item for item in package.iter("{*}item")}
    chapters: list[str] = []
    left = job.limits.max_chars
    for reference in package.iter("{*}itemref"):
        item = manifest.get(reference.get("idref"))
        if (
            item is None
            or item.get("media-type") not in _PAGES
            or "nav" in (item.get("properties") or "")
        ):
            continue
        name = posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))
        chapters.append(fragment(decode(archive.read(name)), job))
        left -= len(chapters[-1])
        if left < 0:
            raise too_many_chars(job.limits)
    return joined(chapters)


def _stated(package: etree._Element, name: str) -> str | None:
    return next(
        (one_line(e.text) for e in package.iter(_DUBLIN_CORE + name) if e.text and e.text.strip()),
        None,
    )
