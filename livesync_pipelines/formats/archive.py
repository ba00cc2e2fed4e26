"""Zip containers and the XML inside them, opened within limits."""

from __future__ import annotations

import io
import zipfile

from lxml import etree

from .limits import Unreadable
from .markdown import one_line

_MAX_MEMBERS = 20_000
_MAX_MEMBER_BYTES = 200_000_000
_MAX_TOTAL_BYTES = 1_000_000_000
_CORE = {
    "title": "title",
    "creator": "author",
    "created": "created",
    "modified": "modified",
    "subject": "subject",
    "keywords": "keywords",
    "description": "description",
}


class Archive:
    """A zip file of which no member is read that is too large. A header that says less than
    there is does not help: `zipfile` reads what it says, and no more."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except zipfile.BadZipFile as error:
            raise Unreadable("malformed", "Its zip container is broken or truncated.") from error
        members = self._zip.infolist()
        total = sum(member.file_size for member in members)
        if len(members) > _MAX_MEMBERS or total > _MAX_TOTAL_BYTES:
            raise Unreadable("too_large", f"It unpacks to {total} bytes in {len(members)} files.")
        if any(member.flag_bits & 1 for member in members):
            raise Unreadable("encrypted", "A password is needed to unpack it.")
        self.names = {member.filename for member in members}

    def read(self, name: str) -> bytes:
        """Raises `Unreadable` when the member is missing, broken or too large."""
        try:
            member = self._zip.getinfo(name)
        except KeyError as error:
            raise Unreadable("malformed", f"Its part {name} is missing.") from error
        if member.file_size > _MAX_MEMBER_BYTES:
            raise Unreadable("too_large", f"Its part {name} unpacks to {member.file_size} bytes.")
        return self._zip.read(member)

    def checked(self) -> io.BytesIO:
        """The whole file, for a library that opens it itself: every XML part fits and is clean."""
        for name in self.names:
            if name.endswith((".xml", ".rels")):
                _refuse_entities(self.read(name))
        return io.BytesIO(self._content)

    def xml(self, name: str) -> etree._Element:
        return parsed(self.read(name))

    def optional_xml(self, name: str) -> etree._Element | None:
        return self.xml(name) if name in self.names else None


def parsed(content: bytes) -> etree._Element:
    """XML without entities, network or DTD. A document type in an office file is an attack."""
    _refuse_entities(content)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(
            "malformed", "Its XML is broken, truncated or nested too deeply."
        ) from error


def _refuse_entities(content: bytes) -> None:
    if b"<!ENTITY" in content[:65_536]:
        raise Unreadable("malformed", "Its XML declares entities, which no such file needs.")


def core_properties(archive: Archive) -> dict[str, str]:
    """Title, author and dates, as Office files keep them."""
    root = archive.optional_xml("docProps/core.xml")
    properties: dict[str, str] = {}
    for child in root if root is not None else ():
        key = _CORE.get(etree.QName(child).localname)
        value = one_line(child.text or "")
        if key and value:
            properties[key] = value
    return properties
