"""DOCX: paragraphs, headings, lists, tables, links and footnotes, straight from its XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lxml import etree

from .archive import Archive, core_properties
from .docx_styles import Lists, R, Styles, W
from .limits import Job, Reading, too_many_cells
from .markdown import heading, table, unmistakable
from .text import fenced

_SKIPPED = frozenset(
    (
        *(W + name for name in ("del", "delText", "moveFrom", "instrText", "pPr", "rPr", "sdtPr")),
        "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
    )
)
_SIGNS = {W + "tab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-"}
_CONTAINERS = frozenset((W + "sdt", W + "sdtContent", W + "customXml", W + "ins", W + "moveTo"))
_NOTES = {W + "footnoteReference": "", W + "endnoteReference": "e"}


def read_docx(archive: Archive, job: Job) -> Reading:
    properties = core_properties(archive)
    document = _Document(archive, job)
    blocks = document.blocks(archive.xml("word/document.xml")[0])
    blocks += document.notes(archive)
    title = properties.pop("title", None) or document.title
    return Reading(text="\n\n".join(blocks), title=title, attributes=properties)


class _Document:
    def __init__(self, archive: Archive, job: Job) -> None:
        self.title: str | None = None
        self._styles = Styles(archive.optional_xml("word/styles.xml"))
        self._lists = Lists(archive.optional_xml("word/numbering.xml"), self._styles)
        self._targets = _targets(archive)
        self._limits = job.limits
        self._cells_left = job.limits.max_cells
        self._numbers: Counter[tuple[str, int]] = Counter()

    def blocks(self, parent: etree._Element) -> list[str]:
        """Lists and code run on over paragraphs, so they are put together here."""
        blocks: list[str] = []
        kind_before = ""
        for element in _flow(parent):
            if element.tag == W + "tbl":
                kind, text = "table", self._table(element)
            else:
                kind, text = self._paragraph(element)
            if not text:
                continue
            if kind == kind_before == "list":
                blocks[-1] += "\n" + text
            elif kind == kind_before == "code":
                blocks[-1] = f"{blocks[-1][:-4]}\n{text}\n```"
            else:
                blocks.append(fenced(text) if kind == "code" else text)
            kind_before = kind
        return blocks

    def notes(self, archive: Archive) -> list[str]:
        """Footnotes and endnotes, after the text that refers to them."""
        notes: list[str] = []
        for part, mark in (("footnote", ""), ("endnote", "e")):
            root = archive.optional_xml(f"word/{part}s.xml")
            for note in root if root is not None else ():
                text = " ".join(self._words(p).strip() for p in note.iter(W + "p")).strip()
                if text and note.get(W + "type") in (None, "normal"):
                    notes.append(f"[^{mark}{note.get(W + 'id')}]: {text}")
        return notes

    def _paragraph(self, element: etree._Element) -> tuple[str, str]:
        """What kind it is (text, heading, list, code) and its Markdown."""
        style = self._styles.of(element)
        words = self._words(element)
        text = words.strip()
        if not text:
            return "text", ""
        if style.is_code:
            return "code", words.replace("```", "` ` `")
        if style.level:
            self._numbers.clear()
            block = heading(style.level, text)
            if self.title is None and style.level == 1:
                self.title = block[2:]
            return "heading", block
        item = self._lists.of(element)
        if item is None:
            return "text", unmistakable(text)
        return "list", "  " * item.depth + self._marker(
            item.list_id, item.depth, item.is_ordered
        ) + text

    def _marker(self, list_id: str, depth: int, is_ordered: bool) -> str:
        if not is_ordered:
            return "- "
        for counted_id, counted_depth in list(self._numbers):
            if counted_id == list_id and counted_depth > depth:
                del self._numbers[counted_id, counted_depth]
        self._numbers[list_id, depth] += 1
        return f"{self._numbers[list_id, depth]}. "

    def _words(self, element: etree._Element) -> str:
        parts: list[str] = []
        self._collect(element, parts)
        return "".join(parts)

    def _collect(self, element: etree._Element, parts: list[str]) -> None:
        for child in element:
            tag = child.tag
            if tag == W + "t":
                parts.append(child.text or "")
            elif tag in _SIGNS:
                parts.append(_SIGNS[tag])
            elif tag == W + "hyperlink":
                parts.append(self._link(child))
            elif tag in _NOTES:
                parts.append(f"[^{_NOTES[tag]}{child.get(W + 'id')}]")
            elif tag == W + "p" and parts and not parts[-1].endswith("\n"):
                parts.append("\n")
                self._collect(child, parts)
            elif tag not in _SKIPPED:
                self._collect(child, parts)

    def _link(self, element: etree._Element) -> str:
        words = self._words(element)
        target = self._targets.get(element.get(R + "id") or "", "")
        return f"[{words}]({target})" if words.strip() and target and target != words else words

    def _table(self, element: etree._Element) -> str:
        """Cells merged downwards repeat their value, cells merged sideways leave the rest empty."""
        rows: list[list[str]] = []
        for row in _rows(element):
            line: list[str] = []
            for cell in row.iter(W + "tc"):
                if cell.getparent() is not row and _row_of(cell) is not row:
                    continue
                merged, width = _merging(cell)
                above = rows[-1][len(line)] if merged and rows and len(line) < len(rows[-1]) else ""
                text = above if merged else "\n".join(self.blocks(cell))
                line += [text, *[""] * (width - 1)]
            self._cells_left -= len(line)
            if self._cells_left < 0:
                raise too_many_cells(self._limits)
            rows.append(line)
        return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else table(rows)


def _flow(parent: etree._Element) -> Iterator[etree._Element]:
    """Paragraphs and tables, also those in content controls and tracked insertions."""
    for child in parent:
        if child.tag in (W + "p", W + "tbl"):
            yield child
        elif child.tag in _CONTAINERS:
            yield from _flow(child)


def _rows(element: etree._Element) -> Iterator[etree._Element]:
    for child in element:
        if child.tag == W + "tr":
            yield child
        elif child.tag in _CONTAINERS:
            yield from _rows(child)


def _row_of(cell: etree._Element) -> etree._Element | None:
    return next(cell.iterancestors(W + "tr"), None)


def _merging(cell: etree._Element) -> tuple[bool, int]:
    """Whether it continues the cell above, and over how many columns it goes."""
    merge = cell.find(f"{W}tcPr/{W}vMerge")
    span = cell.find(f"{W}tcPr/{W}gridSpan")
    width = span.get(W + "val", "1") if span is not None else "1"
    is_merged = merge is not None and merge.get(W + "val", "continue") == "continue"
    return is_merged, min(int(width), 100) if width.isdecimal() else 1


def _targets(archive: Archive) -> dict[str, str]:
    """Addresses outside of the document, by relation id."""
    root = archive.optional_xml("word/_rels/document.xml.rels")
    return {
        relation.get("Id", ""): relation.get("Target", "")
        for relation in (root if root is not None else ())
        if relation.get("TargetMode") == "External"
    }
