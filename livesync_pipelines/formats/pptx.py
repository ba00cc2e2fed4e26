"""PPTX: a heading for each slide, then its text, tables and notes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from lxml import etree

from .archive import Archive, core_properties
from .limits import ExtractLimits, Job, Reading, too_many_cells
from .markdown import heading, one_line, table

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TITLES = ("title", "ctrTitle")
_FURNITURE = ("dt", "ftr", "sldNum", "hdr", "sldImg")


def read_pptx(archive: Archive, job: Job) -> Reading:
    properties = core_properties(archive)
    slides = _Slides(job.limits)
    blocks: list[str] = []
    for number, name in enumerate(_slide_names(archive), 1):
        blocks += slides.blocks(archive, name, number)
    title = properties.pop("title", None)
    if title in (None, "PowerPoint Presentation"):
        title = slides.first_title
    return Reading(text="\n\n".join(blocks), title=title, attributes=properties)


class _Slides:
    def __init__(self, limits: ExtractLimits) -> None:
        self.first_title: str | None = None
        self._limits = limits
        self._cells_left = limits.max_cells

    def blocks(self, archive: Archive, name: str, number: int) -> list[str]:
        root = archive.xml(name)
        if root.get("show") == "0":
            return []
        title, blocks = "", []
        for shape in _shapes(root):
            role = _role(shape)
            if role in _FURNITURE:
                continue
            if role in _TITLES and not title:
                title = one_line(" ".join(map(_words, shape.iter(_A + "p"))))
                continue
            blocks += self._shape(shape)
        self.first_title = self.first_title or title or None
        notes = _notes(archive, name)
        return [heading(2, title or f"Slide {number}"), *blocks, *notes]

    def _shape(self, shape: etree._Element) -> list[str]:
        if shape.tag == _P + "graphicFrame":
            return [text for t in shape.iter(_A + "tbl") if (text := self._table(t))]
        body = shape.find(_P + "txBody")
        if body is None:
            return []
        is_list = _role(shape) not in ("", "subTitle", *_TITLES)
        lines = [(_depth(p), _words(p).strip()) for p in body.iter(_A + "p")]
        if is_list or any(depth for depth, _ in lines):
            return ["\n".join("  " * depth + "- " + text for depth, text in lines if text)]
        return [text for _, text in lines if text]

    def _table(self, element: etree._Element) -> str:
        rows = [
            ["\n".join(map(_words, cell.iter(_A + "p"))) for cell in row.iter(_A + "tc")]
            for row in element.iter(_A + "tr")
        ]
        self._cells_left -= sum(map(len, rows))
        if self._cells_left < 0:
            raise too_many_cells(self._limits)
        return table(rows)


def _slide_names(archive: Archive) -> Iterator[str]:
    """In the order they are shown."""
    parts = _related(archive, "ppt/presentation.xml")
    for slide in archive.xml("ppt/presentation.xml").iter(_P + "sldId"):
        name = parts.get(slide.get(_R + "id") or "", ("", ""))[1]
        if name in archive.names:
            yield name


def _related(archive: Archive, name: str) -> dict[str, tuple[str, str]]:
    """Kind and part name of what a part refers to, by relation id."""
    folder, base = posixpath.split(name)
    root = archive.optional_xml(f"{folder}/_rels/{base}.rels")
    return {
        relation.get("Id", ""): (
            posixpath.basename(relation.get("Type", "")),
            posixpath.normpath(posixpath.join("/" + folder, relation.get("Target", ""))).lstrip(
                "/"
            ),
        )
        for relation in (root if root is not None else ())
        if relation.get("TargetMode") != "External"
    }


def _shapes(root: etree._Element) -> Iterator[etree._Element]:
    """All shapes with text and all frames with tables, also those in groups."""
    yield from root.iter(_P + "sp", _P + "graphicFrame")


def _role(shape: etree._Element) -> str:
    """The placeholder it fills; "" for a text box."""
    placeholder = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return placeholder.get("type", "body") if placeholder is not None else ""


def _words(paragraph: etree._Element) -> str:
    pieces = paragraph.iter(_A + "t", _A + "br")
    return "".join(p.text or "" if p.tag == _A + "t" else " " for p in pieces)


def _depth(paragraph: etree._Element) -> int:
    properties = paragraph.find(_A + "pPr")
    level = properties.get("lvl", "0") if properties is not None else "0"
    return min(int(level), 8) if level.isdecimal() else 0


def _notes(archive: Archive, name: str) -> list[str]:
    for kind, part in _related(archive, name).values():
        if kind == "notesSlide" and part in archive.names:
            shapes = [s for s in _shapes(archive.xml(part)) if _role(s) == "body"]
            lines = [_words(p).strip() for shape in shapes for p in shape.iter(_A + "p")]
            text = "\n".join(filter(None, lines))
            return [f"Notes: {text}"] if text else []
    return []
