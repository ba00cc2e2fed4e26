"""PPTX: through python-pptx; a heading for each slide, then its text, tables and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape
from pptx.slide import Slide
from pptx.text.text import TextFrame

from .archive import Archive, core_properties
from .limits import ExtractLimits, Job, Reading, too_many_cells
from .markdown import heading, joined, one_line, table

_FURNITURE = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)
_LISTS = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY)


def read_pptx(archive: Archive, job: Job) -> Reading:
    properties = core_properties(archive)
    deck = _Deck(job.limits)
    slides = Presentation(archive.checked()).slides
    text = joined(block for n, slide in enumerate(slides, 1) for block in deck.blocks(slide, n))
    title = properties.pop("title", None)
    if title in (None, "PowerPoint Presentation"):
        title = deck.first_title
    return Reading(text=text, title=title, attributes=properties)


class _Deck:
    def __init__(self, limits: ExtractLimits) -> None:
        self.first_title: str | None = None
        self._limits = limits
        self._cells_left = limits.max_cells

    def blocks(self, slide: Slide, number: int) -> list[str]:
        if slide.element.get("show") == "0":
            return []
        top = slide.shapes.title
        title = one_line(top.text_frame.text) if top is not None else ""
        self.first_title = self.first_title or title or None
        blocks = [heading(2, title or f"Slide {number}")]
        top_id = top.shape_id if top is not None else None
        blocks += [self._shape(s) for s in _shapes(slide.shapes) if s.shape_id != top_id]
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        if notes is not None and notes.text.strip():
            blocks.append(f"Notes: {notes.text.strip()}")
        return blocks

    def _shape(self, shape: BaseShape) -> str:
        if isinstance(shape, GraphicFrame):
            return self._table(shape) if shape.has_table else ""
        kind = shape.placeholder_format.type if shape.is_placeholder else None
        if kind in _FURNITURE or not isinstance(shape, Shape):
            return ""
        return _text(shape.text_frame, is_list=kind in _LISTS)

    def _table(self, shape: GraphicFrame) -> str:
        rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
        self._cells_left -= sum(map(len, rows))
        if self._cells_left < 0:
            raise too_many_cells(self._limits)
        return table(rows)


def _shapes(shapes: Iterable[BaseShape]) -> Iterator[BaseShape]:
    """Also those in groups."""
    for shape in shapes:
        if isinstance(shape, GroupShape):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _text(frame: TextFrame, *, is_list: bool) -> str:
    lines = [(p.level, one_line(p.text)) for p in frame.paragraphs if p.text.strip()]
    if is_list or any(level for level, _ in lines):
        return "\n".join("  " * level + "- " + words for level, words in lines)
    return "\n\n".join(words for _, words in lines)
