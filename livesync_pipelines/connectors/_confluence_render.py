"""Markdown, HTML and plain text as pages of Confluence: in storage format, nothing in it that could
be a macro but code and pictures, whatever the document says.

https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html, as others tell it
(2026-11-22).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from html import escape

from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode

from livesync_pipelines.connectors._confluence_form import PageForm, normal
from livesync_pipelines.formats.charset import decode
from livesync_pipelines.formats.forms import FORMS_BY_SUFFIX
from livesync_pipelines.formats.html_page import drop_invisible
from livesync_pipelines.formats.markdown import one_line
from livesync_pipelines.formats.text import markdown_title
from livesync_pipelines.model.errors import BadInput

_TITLE_CHARS = 255
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_FRONT_MATTER = re.compile(r"---\r?\n.*?\n---[ \t]*(?:\r?\n|$)", re.DOTALL)
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LANGUAGE = re.compile(r"language-(\w+)")
_FAR = ("http://", "https://", "mailto:")

_INLINE = {
    **{name: name for name in ("strong", "em", "u", "sub", "sup", "code", "small")},
    **{"b": "strong", "i": "em", "cite": "em", "ins": "u", "kbd": "code", "samp": "code"},
}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_WRAPPERS = frozenset(
    {
        *("div", "section", "article", "main", "header", "footer", "aside", "nav", "figure"),
        *("figcaption", "address", "details", "summary", "center", "form", "fieldset"),
        *("dl", "dt", "dd"),
    }
)
_BLOCKS = _HEADINGS | _WRAPPERS | {"p", "ul", "ol", "table", "pre", "blockquote", "hr"}
_LANGUAGES = {
    **{name: name for name in ("bash", "c", "cpp", "css", "diff", "go", "java", "json", "kotlin")},
    **{name: name for name in ("php", "powershell", "python", "ruby", "rust", "scala", "sql")},
    **{name: name for name in ("swift", "typescript", "xml", "yaml")},
    **{"js": "javascript", "javascript": "javascript", "py": "python", "sh": "bash"},
    **{"html": "xml", "ts": "typescript", "yml": "yaml", "cs": "csharp", "csharp": "csharp"},
}
"""Those that the macro for code knows, as others tell it."""


def family_of(name: str) -> str | None:
    """How a file of this name becomes a page; None where it does not."""
    _, dot, suffix = name.rpartition(".")
    form = FORMS_BY_SUFFIX.get(suffix.lower()) if dot else None
    return form.family if form is not None and form.family in _READERS else None


def title_of(name: str) -> str:
    """What a page is called whose document does not say."""
    return name.rpartition("/")[2].rpartition(".")[0]


def page_of(name: str, content: bytes) -> PageForm:
    """Raises `BadInput` for what cannot be a page. `name` is of a kind that `family_of` knows."""
    read = _READERS[family_of(name) or ""]
    try:
        title, html = read(_NO_XML.sub("", decode(content)))
        page = LexborHTMLParser(html)
        found = _page(page, title)
        form = PageForm(found[0], normal(found[1]))
    except RecursionError as error:
        raise BadInput(f"{name} is nested too deeply to be a page") from error
    if not 0 < len(form.title or title_of(name)) <= _TITLE_CHARS:
        raise BadInput(
            f"{name} has no title, or one of more than {_TITLE_CHARS} characters",
            hint="Give it another heading, or a `title` in its front matter.",
        )
    return form


def _from_markdown(text: str) -> tuple[str | None, str]:
    front = _FRONT_MATTER.match(text)
    if front is None:
        return None, _MARKDOWN.render(text)
    return markdown_title(front[0]), _MARKDOWN.render(text[front.end() :])


def _from_text(text: str) -> tuple[str | None, str]:
    parts = (escape(part).replace("\n", "<br>") for part in _PARAGRAPHS.split(text.strip()))
    return None, "".join(f"<p>{part}</p>" for part in parts)


_Reader = Callable[[str], tuple[str | None, str]]
_READERS: Mapping[str, _Reader] = {
    "markdown": _from_markdown,
    "plain": _from_text,
    "html": lambda text: (None, text),
}
"""By family: the title that the document gives itself beside its headings, and HTML."""


def _page(page: LexborHTMLParser, title: str | None) -> tuple[str | None, str]:
    """The title and the text. A heading that only says the title again is left out."""
    if page.body is None:
        return title, ""
    drop_invisible(page.body)
    first = page.body.css_first("h1")
    heading = one_line(first.text()) if first is not None else ""
    window = page.css_first("head title")
    own = one_line(title or heading or (window.text() if window is not None else ""))
    if first is not None and heading == own:
        first.decompose()
    return own or None, _blocks(page.body)


def _blocks(node: LexborNode) -> str:
    """The children as blocks: what is in a line of its own becomes a paragraph."""
    parts: list[str] = []
    line = ""
    for child in _children(node):
        if child.tag in _BLOCKS:
            parts += (_paragraph(line), _block(child))
            line = ""
        else:
            line += _span(child)
    return "".join([*parts, _paragraph(line)])


def _block(node: LexborNode) -> str:
    tag = node.tag or ""
    if tag in _HEADINGS:
        return f"<{tag}>{_line(node)}</{tag}>"
    render = _RENDERED.get(tag)
    return render(node) if render is not None else _blocks(node)


def _list(node: LexborNode, *, tag: str) -> str:
    items = (f"<li>{_cell(child)}</li>" for child in _children(node) if child.is_element_node)
    return f"<{tag}>{''.join(items)}</{tag}>"


def _table(node: LexborNode) -> str:
    parts = [child for child in _children(node) if child.is_element_node]
    told = "".join(_paragraph(_line(part)) for part in parts if part.tag == "caption")
    rows = (row for part in parts for row in _children(part) if row.tag == "tr")
    return f"{told}<table><tbody>{''.join(map(_row, rows))}</tbody></table>"


def _row(node: LexborNode) -> str:
    cells = (child for child in _children(node) if child.tag in {"td", "th"})
    shown = (f"<{cell.tag}{_spans(cell)}>{_cell(cell)}</{cell.tag}>" for cell in cells)
    return f"<tr>{''.join(shown)}</tr>"


def _spans(cell: LexborNode) -> str:
    said = ((name, cell.attributes.get(name) or "") for name in ("colspan", "rowspan"))
    return "".join(f' {name}="{value}"' for name, value in said if value.isdecimal())


def _cell(node: LexborNode) -> str:
    """A cell of a table or an item of a list: one line, or blocks."""
    if any(child.tag in _BLOCKS for child in _children(node)):
        return _blocks(node)
    return _line(node).strip()


def _code(node: LexborNode) -> str:
    inner = node.css_first("code")
    said = _LANGUAGE.search((inner or node).attributes.get("class") or "")
    language = _LANGUAGES.get(said[1].lower()) if said else None
    named = f'<ac:parameter ac:name="language">{language}</ac:parameter>' if language else ""
    text = node.text().removesuffix("\n").replace("]]>", "]]]]><![CDATA[>")
    body = f"<ac:plain-text-body><![CDATA[{text}]]></ac:plain-text-body>"
    return f'<ac:structured-macro ac:name="code">{named}{body}</ac:structured-macro>'


def _paragraph(line: str) -> str:
    return f"<p>{line.strip()}</p>" if line.strip() else ""


def _line(node: LexborNode) -> str:
    return "".join(map(_span, _children(node)))


def _span(node: LexborNode) -> str:
    """What stands within a line. Of what is not known there the words stay."""
    tag = node.tag or ""
    if tag == "-text":
        return escape(node.text_content or "", quote=False)
    if not node.is_element_node:
        return ""
    if tag in _INLINE:
        return f"<{_INLINE[tag]}>{_line(node)}</{_INLINE[tag]}>"
    render = _SPANS.get(tag)
    return render(node) if render is not None else _line(node)


def _link(node: LexborNode) -> str:
    """A link to a neighbour leads nowhere from a page: its words stay."""
    href = node.attributes.get("href") or ""
    inner = _line(node)
    return f'<a href="{escape(href)}">{inner}</a>' if href.startswith(_FAR) else inner


def _image(node: LexborNode) -> str:
    source, words = node.attributes.get("src") or "", escape(node.attributes.get("alt") or "")
    if not source.startswith(_FAR[:2]):
        return words
    said = f' ac:alt="{words}"' if words else ""
    return f'<ac:image{said}><ri:url ri:value="{escape(source)}" /></ac:image>'


def _struck(node: LexborNode) -> str:
    return f'<span style="text-decoration: line-through;">{_line(node)}</span>'


def _box(node: LexborNode) -> str:
    return "☑ " if "checked" in node.attributes else "☐ "


def _children(node: LexborNode) -> Iterator[LexborNode]:
    return node.iter(include_text=True)


_RENDERED: Mapping[str, Callable[[LexborNode], str]] = {
    "p": lambda node: _paragraph(_line(node)),
    "ul": partial(_list, tag="ul"),
    "ol": partial(_list, tag="ol"),
    "table": _table,
    "pre": _code,
    "blockquote": lambda node: f"<blockquote>{_blocks(node)}</blockquote>",
    "hr": lambda node: "<hr />",
}
_SPANS: Mapping[str, Callable[[LexborNode], str]] = {
    "a": _link,
    "img": _image,
    "br": lambda node: "<br />",
    "input": _box,
    "s": _struck,
    "del": _struck,
    "strike": _struck,
}
