"""A page as a small tree of Python objects, without what no reader sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from .markdown import one_line
from .words import words

INVISIBLE = words(
    "script style noscript template svg math iframe object embed canvas video audio head "
    "title meta link button select option textarea dialog map datalist colgroup rp rt"
)
BLOCKS = words(
    "html body address article aside blockquote center dd details dialog div dl dt fieldset "
    "figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav "
    "ol p pre search section summary table tbody td tfoot th thead tr ul caption"
)
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_WITH_ATTRIBUTES = BLOCKS | {"a", "img", "code", "span", "input"}
_MAX_DEPTH = 400


@dataclass(slots=True, eq=False)
class Element:
    """`text_chars` and `link_chars` count the characters below, those in links apart too."""

    tag: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)
    text_chars: int = 0
    link_chars: int = 0
    links: int = 0

    def name(self) -> str:
        """Its id and classes."""
        return f"{self.attributes.get('id') or ''} {self.attributes.get('class') or ''}"

    def elements(self) -> Iterator[Element]:
        """All elements below it, in no order."""
        pending = [self]
        while pending:
            for child in pending.pop().children:
                if not isinstance(child, str):
                    yield child
                    if child.children:
                        pending.append(child)

    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text() for c in self.children)


@dataclass(slots=True)
class Page:
    """The body, all block elements below it in the order of the page, and the title of its
    window."""

    body: Element
    blocks: list[Element]
    title: str


_NO_ATTRIBUTES: dict[str, str | None] = {}


def tree(parser: LexborHTMLParser) -> Page:
    """Below 400 levels only text is kept, so that no reader can run out of stack."""
    title = parser.css_first("head title")
    page = Page(Element("body", _NO_ATTRIBUTES), [], one_line(title.text()) if title else "")
    if parser.body is not None:
        _fill(page.body, parser.body, 0, page.blocks)
    return page


def _fill(element: Element, node: LexborNode, depth: int, blocks: list[Element]) -> None:
    child = node.first_child
    children = element.children
    text_chars = 0
    while child is not None:
        tag = child.tag or ""
        if tag == "-text":
            text = child.text_content or ""
            children.append(text)
            if not text.isspace():
                text_chars += len(text)
        elif tag not in INVISIBLE and tag[:1] not in "-!":
            attributes = child.attributes if tag in _WITH_ATTRIBUTES else _NO_ATTRIBUTES
            if not (attributes and _is_hidden(attributes)):
                _add(element, Element(tag, attributes), child, depth, blocks)
        child = child.next
    element.text_chars += text_chars


def _add(
    parent: Element, element: Element, node: LexborNode, depth: int, blocks: list[Element]
) -> None:
    tag = element.tag
    if tag in BLOCKS:
        blocks.append(element)
    if depth < _MAX_DEPTH:
        _fill(element, node, depth + 1, blocks)
    else:
        element.children.append(node.text(deep=True, separator=" "))
    parent.children.append(element)
    parent.text_chars += element.text_chars
    if tag == "a" and "href" in element.attributes:
        parent.link_chars += element.text_chars
        parent.links += 1
    elif element.links:
        parent.link_chars += element.link_chars
        parent.links += element.links


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    """Hidden tab panels are kept: they hold the other language of a code sample."""
    if "hidden" in attributes:
        return attributes.get("role") != "tabpanel" and attributes["hidden"] != "until-found"
    if attributes.get("aria-hidden") == "true" or attributes.get("aria-modal") == "true":
        return True
    style = attributes.get("style")
    return bool(style) and "display:none" in str(style).replace(" ", "").lower()
