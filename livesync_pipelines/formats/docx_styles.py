"""What the styles and numberings of a DOCX make of a paragraph."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"

_HEADING = re.compile(r"heading (\d)$")
_LISTED = re.compile(r"list (bullet|number)(?: (\d))?$")
_CODE = re.compile(r"\bcode\b|preformatted|source ?code|verbatim", re.IGNORECASE)
_MAX_PARENTS = 20


@dataclass(frozen=True, slots=True)
class Style:
    """`level` is 1 to 6 for a heading and 0 for none; `number` the list that the style is in."""

    level: int = 0
    is_code: bool = False
    number: tuple[str, int] | None = None
    listed: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    list_id: str
    depth: int
    is_ordered: bool


class Styles:
    """Named styles are looked up by their English name: ids are translated, names are not."""

    def __init__(self, root: etree._Element | None) -> None:
        self._elements = {
            style.get(W + "styleId", ""): style
            for style in (root.iter(W + "style") if root is not None else ())
        }
        self._known: dict[str, Style] = {"": Style()}

    def of(self, paragraph: etree._Element) -> Style:
        properties = paragraph.find(W + "pPr")
        if properties is None:
            return self._known[""]
        named = properties.find(W + "pStyle")
        style = self._style(named.get(W + "val", "") if named is not None else "")
        level = _outline_level(properties)
        return Style(level, style.is_code, style.number, style.listed) if level else style

    def _style(self, style_id: str) -> Style:
        if style_id not in self._known:
            self._known[style_id] = self._resolved(style_id)
        return self._known[style_id]

    def _resolved(self, style_id: str) -> Style:
        """The style's own word first, then that of those it is based on."""
        level, is_code, listed = 0, False, ""
        number: tuple[str, int] | None = None
        for style in self._lineage(style_id):
            name = (_value(style, W + "name") or "").lower()
            found = _HEADING.match(name)
            properties = style.find(W + "pPr")
            level = level or (1 if name == "title" else min(int(found[1]), 6) if found else 0)
            level = level or (_outline_level(properties) if properties is not None else 0)
            is_code = is_code or bool(_CODE.search(name))
            listed = listed or (name if _LISTED.match(name) else "")
            number = number or (numbering(properties) if properties is not None else None)
        return Style(level, is_code, number, listed)

    def _lineage(self, style_id: str) -> list[etree._Element]:
        lineage: list[etree._Element] = []
        while style_id in self._elements and len(lineage) < _MAX_PARENTS:
            lineage.append(self._elements[style_id])
            style_id = _value(lineage[-1], W + "basedOn") or ""
        return lineage


class Lists:
    """Which paragraphs are list items."""

    def __init__(self, root: etree._Element | None, styles: Styles) -> None:
        self._styles = styles
        abstract: dict[str, dict[int, bool]] = {}
        self._ordered: dict[str, dict[int, bool]] = {}
        for element in root if root is not None else ():
            if element.tag == W + "abstractNum":
                abstract[element.get(W + "abstractNumId", "")] = _levels(element)
            elif element.tag == W + "num":
                of = abstract.get(_value(element, W + "abstractNumId") or "", {})
                self._ordered[element.get(W + "numId", "")] = of

    def of(self, paragraph: etree._Element) -> Item | None:
        properties = paragraph.find(W + "pPr")
        if properties is None:
            return None
        style = self._styles.of(paragraph)
        number = numbering(properties) or style.number
        if number is not None:
            list_id, depth = number
            is_ordered = self._ordered.get(list_id, {}).get(depth, False)
            return Item(list_id, depth, is_ordered) if list_id != "0" else None
        found = _LISTED.match(style.listed)
        if found:
            return Item(style.listed, int(found[2] or 1) - 1, found[1] == "number")
        return None


def numbering(properties: etree._Element) -> tuple[str, int] | None:
    """The list and the depth in it, 0 being the outermost; list "0" takes a paragraph out."""
    element = properties.find(W + "numPr")
    list_id = _value(element, W + "numId") if element is not None else None
    if element is None or list_id is None:
        return None
    depth = _value(element, W + "ilvl") or "0"
    return list_id, min(int(depth), 8) if depth.isdecimal() else 0


def _outline_level(properties: etree._Element) -> int:
    level = _value(properties, W + "outlineLvl")
    return (
        min(int(level) + 1, 6) if level is not None and level.isdecimal() and int(level) < 9 else 0
    )


def _levels(abstract: etree._Element) -> dict[int, bool]:
    """Whether each depth is numbered."""
    levels: dict[int, bool] = {}
    for level in abstract.iter(W + "lvl"):
        depth = level.get(W + "ilvl", "0")
        levels[int(depth) if depth.isdecimal() else 0] = _value(level, W + "numFmt") not in (
            "bullet",
            "none",
        )
    return levels


def _value(parent: etree._Element, tag: str) -> str | None:
    child = parent.find(tag)
    return child.get(W + "val") if child is not None else None
