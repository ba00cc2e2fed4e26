"""DOCX: through mammoth's HTML, which knows lists, merged cells, notes and tracked changes;
python-docx, as slow, knows none of them.

mammoth knows the built-in headings only: what a style is based on, and outline levels, are looked
up here.
"""

from __future__ import annotations

import re

import mammoth
from lxml import etree

from .archive import Archive, core_properties
from .html import fragment
from .limits import Job, Reading
from .text import markdown_title

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"heading (\d)$")
_CODE = re.compile(r"\bcode\b|preformatted|source ?code|verbatim", re.IGNORECASE)
_MAX_PARENTS = 20
_BACK = re.compile(r' ?<a href="#(?:foot|end)note-ref-[^"]*">↑</a>')


def read_docx(archive: Archive, job: Job) -> Reading:
    properties = core_properties(archive)
    html = mammoth.convert_to_html(
        archive.checked(),
        style_map="\n".join(_style_map(archive)),
        include_embedded_style_map=False,
        convert_image=mammoth.images.img_element(lambda _image: {"src": ""}),
    ).value
    text = fragment(_BACK.sub("", html), job)
    title = properties.pop("title", None) or markdown_title(text)
    return Reading(text=text, title=title, attributes=properties)


def _style_map(archive: Archive) -> list[str]:
    """Which paragraph styles are headings or code, in mammoth's own language."""
    root = archive.optional_xml("word/styles.xml")
    styles = {
        style.get(_W + "styleId", ""): style
        for style in (root.iter(_W + "style") if root is not None else ())
    }
    lines: list[str] = []
    for style_id in styles:
        if not re.fullmatch(r"[\w-]+", style_id):
            continue
        lineage = _lineage(styles, style_id)
        level = next(filter(None, map(_level, lineage)), 0)
        if level:
            lines.append(f"p.{style_id} => h{level}:fresh")
        elif any(_CODE.search(_value(style, "name")) for style in lineage):
            lines.append(f"p.{style_id} => pre:separator('\\n')")
    return lines


def _lineage(styles: dict[str, etree._Element], style_id: str) -> list[etree._Element]:
    """The style, then those it is based on: names are not translated, ids are."""
    lineage: list[etree._Element] = []
    while style_id in styles and len(lineage) < _MAX_PARENTS:
        lineage.append(styles[style_id])
        style_id = _value(lineage[-1], "basedOn")
    return lineage


def _level(style: etree._Element) -> int:
    """1 to 6 for a heading, else 0."""
    name = _value(style, "name").lower()
    found = _HEADING.match(name)
    if found:
        return max(1, min(int(found[1]), 6))
    outline = _value(style, f"pPr/{_W}outlineLvl")
    if outline.isdecimal() and int(outline) < 9:
        return min(int(outline) + 1, 6)
    return 1 if name == "title" else 0


def _value(parent: etree._Element, path: str) -> str:
    child = parent.find(_W + path)
    return (child.get(_W + "val") or "") if child is not None else ""
