"""A tree of elements as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urljoin

from .html_table import grid, is_layout, number_in, rows_of
from .html_tree import BLOCKS, HEADINGS, Element
from .limits import ExtractLimits, too_many_cells
from .markdown import heading, indented, one_line, table, unmistakable
from .text import fenced

_BREAK = "\x1e"
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BREAKS = re.compile(rf" ?{_BREAK}(?: ?{_BREAK})* ?")
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|highlight-source|highlight|brush:)[-:\s]+([\w+#-]+)"
)
_GUTTER = re.compile(r"(?:^|[\s_-])(?:gutter|linenos?|line-?numbers?|lnt?|blob-num)(?:$|[\s_-])")
_PERMALINKS = frozenset(("¶", "#", "§", "🔗", "", "link", "permalink", "copy link"))
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "del": "~~", "s": "~~"}
_CODE = frozenset(("code", "kbd", "samp", "tt"))
_CODE_LINES = BLOCKS - {"td", "th"} | {"code"}


class Writer:
    """Renders one page. `base` is the address that relative links are resolved against."""

    def __init__(self, limits: ExtractLimits, base: str = "") -> None:
        self._base = base if base.startswith(("http://", "https://")) else ""
        self._limits = limits
        self._cells_left = limits.max_cells

    def blocks(self, element: Element) -> list[str]:
        """The Markdown blocks of what is inside an element."""
        flow = _Flow()
        self._inside(element, flow)
        return flow.end()

    def _inside(self, element: Element, flow: _Flow) -> None:
        for child in element.children:
            if isinstance(child, str):
                flow.inline.append(child)
            elif child.tag in BLOCKS:
                flow.paragraph()
                flow.blocks += _RENDERERS.get(child.tag, Writer.blocks)(self, child)
            else:
                self._inline(child, flow)

    def _inline(self, element: Element, flow: _Flow) -> None:
        """An inline element; when a block turns up inside it, it is looked through."""
        tag = element.tag
        if tag == "br":
            flow.inline.append(_BREAK)
        elif tag in _CODE:
            flow.inline.append(_code_span(element.text()))
        elif tag == "img":
            flow.inline.append(one_line(element.attributes.get("alt") or ""))
        elif tag == "input":
            if element.attributes.get("type") == "checkbox":
                flow.inline.append("[x] " if "checked" in element.attributes else "[ ] ")
        elif tag == "a":
            self._wrapped(element, flow, lambda text: self._link(text, element))
        elif tag in _MARKS:
            self._wrapped(element, flow, lambda text: f"{_MARKS[tag]}{text}{_MARKS[tag]}")
        else:
            self._inside(element, flow)

    def _wrapped(self, element: Element, flow: _Flow, wrap: Callable[[str], str]) -> None:
        start, before = len(flow.inline), len(flow.blocks)
        self._inside(element, flow)
        if len(flow.blocks) > before:
            return
        text = "".join(flow.inline[start:])
        core = text.strip()
        if core and _BREAK not in core:
            left, _, right = text.partition(core)
            flow.inline[start:] = [left, wrap(core), right]

    def _link(self, text: str, element: Element) -> str:
        href = (element.attributes.get("href") or "").strip()
        if not href or href[0] == "#" or href.lower().startswith(("javascript:", "data:")):
            return text
        if not href.lower().startswith(("http://", "https://", "mailto:", "tel:")):
            if not self._base:
                return text
            href = urljoin(self._base, href)
        if text == href:
            return text
        return f"[{text}]({href.replace(' ', '%20').replace(')', '%29')})"

    def _heading(self, element: Element) -> list[str]:
        text = one_line(_heading_text(element))
        return [heading(int(element.tag[1]), text)] if text else []

    def _code(self, element: Element) -> list[str]:
        text = _code_text(element).strip("\n")
        return [fenced(text, _language(element))] if text.strip() else []

    def _list(self, element: Element) -> list[str]:
        is_ordered = element.tag == "ol"
        number = number_in(element, "start")
        items: list[str] = []
        for child in element.children:
            blocks = [child.strip()] if isinstance(child, str) else self.blocks(child)
            if not any(blocks):
                continue
            if isinstance(child, Element) and child.tag in ("ul", "ol", "menu") and items:
                items[-1] += "\n" + indented("  " + "\n".join(blocks), "  ")
            else:
                marker = f"{number}. " if is_ordered else "- "
                items.append(_list_item(marker, blocks))
                number += 1
        return ["\n".join(items)] if items else []

    def _quote(self, element: Element) -> list[str]:
        text = "\n\n".join(self.blocks(element))
        return ["> " + text.replace("\n", "\n> ").replace("> \n", ">\n")] if text else []

    def _term(self, element: Element) -> list[str]:
        blocks = self.blocks(element)
        if len(blocks) == 1 and "\n" not in blocks[0] and blocks[0][0] not in "#`*|":
            return [f"**{blocks[0]}**"]
        return blocks

    def _table(self, element: Element) -> list[str]:
        rows, captions = rows_of(element)
        if is_layout(element, rows):
            return self.blocks(element)
        blocks = [block for caption in captions for block in self.blocks(caption)]
        cells = grid(rows, lambda cell: "\n".join(self.blocks(cell)))
        self._cells_left -= sum(map(len, cells))
        if self._cells_left < 0:
            raise too_many_cells(self._limits)
        text = table(cells)
        return [*blocks, text] if text else blocks


_RENDERERS: dict[str, Callable[[Writer, Element], list[str]]] = {
    **dict.fromkeys(HEADINGS, Writer._heading),
    **dict.fromkeys(("ul", "ol", "menu"), Writer._list),
    "pre": Writer._code,
    "blockquote": Writer._quote,
    "dt": Writer._term,
    "table": Writer._table,
    "hr": lambda _writer, _element: [],
}


class _Flow:
    """Blocks that are done, and the paragraph under way."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.inline: list[str] = []

    def paragraph(self) -> None:
        if not self.inline:
            return
        text = _SPACE.sub(" ", "".join(self.inline))
        self.inline = []
        if _BREAK in text:
            text = _BREAKS.sub(lambda run: "\n" if run[0].count(_BREAK) == 1 else "\n\n", text)
        text = text.strip()
        if text:
            self.blocks.append(unmistakable(text))

    def end(self) -> list[str]:
        self.paragraph()
        return self.blocks


def _heading_text(element: Element) -> str:
    """Its words, without the sign that links to it."""
    parts: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            parts.append(child)
        elif child.tag in _CODE:
            parts.append(_code_span(child.text()))
        elif child.tag == "br":
            parts.append(" ")
        elif child.tag == "img":
            parts.append(child.attributes.get("alt") or "")
        elif child.tag != "a" or child.text().strip().lower() not in _PERMALINKS:
            parts.append(_heading_text(child))
    return "".join(parts)


def _code_span(text: str) -> str:
    core = one_line(text)
    if not core:
        return text and " "
    return f"`` {core} ``" if "`" in core else f"`{core}`"


def _code_text(element: Element) -> str:
    """Verbatim, without line numbers."""
    parts: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            parts.append(child)
        elif child.tag == "br":
            parts.append("\n")
        elif not (child.tag in ("span", "td", "div") and _GUTTER.search(child.name().lower())):
            if parts and child.tag in _CODE_LINES and not parts[-1].endswith("\n"):
                parts.append("\n")
            parts.append(_code_text(child))
    return "".join(parts)


def _language(element: Element) -> str:
    """Said by a class of the code inside or of the block: `language-rust` and its like."""
    inner = [c for c in element.children if isinstance(c, Element) and c.tag == "code"]
    for candidate in (*inner, element):
        found = _LANGUAGE.search((candidate.attributes.get("class") or "").lower())
        if found:
            return found[1]
    return ""


def _list_item(marker: str, blocks: list[str]) -> str:
    """Tight where an item is a line and a nested list, loose where it has several blocks."""
    tight = blocks[0]
    for block in blocks[1:]:
        is_list = block.startswith(("- ", "1. "))
        tight += ("\n" if is_list else "\n\n") + block
    return marker + indented(tight, " " * len(marker))
