"""Confluence's storage format as Markdown: macros are made plain HTML, the rest is HTML already.

https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html,
as others tell it (2026-11-22).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from html.entities import html5

from lxml import etree

from livesync_pipelines.formats.html import fragment
from livesync_pipelines.formats.limits import ExtractLimits, Job, Unreadable

_AC, _RI = "{urn:ac}", "{urn:ri}"
_CLOSED = frozenset({"br", "hr", "img", "col", "input"})
_ENTITY = re.compile(r"<!\[CDATA\[.*?\]\]>|&([A-Za-z][A-Za-z0-9]*);", re.DOTALL)
_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
_PANELS = {
    "panel": "",
    "info": "Info",
    "note": "Note",
    "tip": "Tip",
    "warning": "Warning",
    "success": "Success",
    "error": "Error",
}
_JOB = Job(content=b"", family="html", media_type="text/html", limits=ExtractLimits())


def storage_markdown(storage: str, base: str) -> str:
    """`base`: the URL that links of the page are relative to. Raises `Unreadable` for too many
    cells of tables, and for what is nested beyond all reason."""
    try:
        return fragment(plain_html(storage), _JOB, base)
    except RecursionError as error:
        raise Unreadable("unreadable", "It is nested too deeply.") from error


def plain_html(storage: str) -> str:
    """Storage format without a word of its own vocabulary."""
    root = parsed(storage)
    return "" if root is None else _inner(root)


def parsed(storage: str) -> etree._Element | None:
    """The text below a root of its own, `ac:` and `ri:` as namespaces `urn:ac` and `urn:ri`. What
    is not well-formed is read as far as it can be. Raises RecursionError for what is nested beyond
    all reason."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    spelled = _ENTITY.sub(_as_character, storage)
    framed = f'<div xmlns:ac="urn:ac" xmlns:ri="urn:ri">{spelled}</div>'
    root = etree.fromstring(framed.encode(errors="replace"), parser)
    if any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log):
        raise RecursionError("nested beyond what libxml2 reads")
    return root


def _as_character(found: re.Match[str]) -> str:
    """XML knows five entities by name, and HTML all of them."""
    name = found[1]
    if name is None or name in _XML:
        return found[0]
    return escape(html5.get(f"{name};", found[0]))


def _inner(node: etree._Element) -> str:
    parts = (f"{_one(child)}{escape(child.tail or '')}" for child in node)
    return escape(node.text or "") + "".join(parts)


def _one(node: etree._Element) -> str:
    if not isinstance(node.tag, str):  # a comment
        return ""
    render = _ELEMENTS.get(node.tag)
    if render is not None:
        return render(node)
    if node.tag.startswith("{"):
        return _inner(node)
    said = "".join(f' {name}="{escape(value)}"' for name, value in node.attrib.items())
    opened = f"<{node.tag}{said}>"
    return opened if node.tag in _CLOSED else f"{opened}{_inner(node)}</{node.tag}>"


def _macro(node: etree._Element) -> str:
    """A macro that is not known shows its text, and one that has none shows nothing."""
    name = node.get(f"{_AC}name", "")
    if name in _PANELS:
        return _panel(node, _PANELS[name])
    render = _MACROS.get(name)
    if render is not None:
        return render(node)
    plain = node.find(f"{_AC}plain-text-body")
    return _rich(node) if plain is None else f"<p>{escape(plain.text or '')}</p>"


def _panel(node: etree._Element, usual: str) -> str:
    title = _parameter(node, "title") or usual
    shown = f"<p><strong>{escape(title)}</strong></p>" if title else ""
    return f"<blockquote>{shown}{_rich(node)}</blockquote>"


def _code(node: etree._Element) -> str:
    text = node.findtext(f"{_AC}plain-text-body") or ""
    language = re.sub(r"\W", "", _parameter(node, "language"))
    said = f' class="language-{language}"' if language else ""
    return f"<pre><code{said}>{escape(text)}</code></pre>"


def _expand(node: etree._Element) -> str:
    title = _parameter(node, "title")
    return (f"<p><strong>{escape(title)}</strong></p>" if title else "") + _rich(node)


def _status(node: etree._Element) -> str:
    return f"<strong>{escape(_parameter(node, 'title'))}</strong>"


def _issue(node: etree._Element) -> str:
    return escape(_parameter(node, "key"))


def _link(node: etree._Element) -> str:
    """The words of the link, else the name of what it leads to."""
    for name in ("link-body", "plain-text-link-body"):
        body = node.find(f"{_AC}{name}")
        if body is not None:
            return _inner(body)
    return _named(node)


def _named(node: etree._Element) -> str:
    """What a `ri:` element inside names: a page, a file, a space; nothing for a person's id."""
    for child in node:
        for attribute in ("content-title", "filename", "space-key", "value"):
            name = child.get(f"{_RI}{attribute}")
            if name:
                return escape(name)
    return ""


def _image(node: etree._Element) -> str:
    return escape(node.get(f"{_AC}alt") or "") or _named(node)


def _task(node: etree._Element) -> str:
    done = node.findtext(f"{_AC}task-status") == "complete"
    body = node.find(f"{_AC}task-body")
    box = f'<input type="checkbox"{" checked" if done else ""}>'
    return f"<li>{box} {'' if body is None else _inner(body)}</li>"


def _tasks(node: etree._Element) -> str:
    return f"<ul>{''.join(_one(child) for child in node)}</ul>"


def _emoji(node: etree._Element) -> str:
    return escape(node.get(f"{_AC}emoji-fallback") or "")


def _time(node: etree._Element) -> str:
    return escape(node.get("datetime") or "")


def _extension(node: etree._Element) -> str:
    """What only the new editor knows carries a version for the old one."""
    fallback = node.find(f".//{_AC}adf-fallback")
    return "" if fallback is None else _inner(fallback)


def _nothing(node: etree._Element) -> str:
    return ""


def _rich(node: etree._Element) -> str:
    body = node.find(f"{_AC}rich-text-body")
    return "" if body is None else _inner(body)


def _parameter(node: etree._Element, name: str) -> str:
    named = (one for one in node if one.get(f"{_AC}name") == name)
    return "".join((one.text or "") for one in named if one.tag == f"{_AC}parameter").strip()


_Render = Callable[[etree._Element], str]
_MACROS: Mapping[str, _Render] = {
    "code": _code,
    "noformat": _code,
    "expand": _expand,
    "status": _status,
    "jira": _issue,
    "toc": _nothing,
}
_ELEMENTS: Mapping[str, _Render] = {
    f"{_AC}structured-macro": _macro,
    f"{_AC}macro": _macro,
    f"{_AC}link": _link,
    f"{_AC}image": _image,
    f"{_AC}task-list": _tasks,
    f"{_AC}task": _task,
    f"{_AC}emoticon": _emoji,
    f"{_AC}adf-extension": _extension,
    f"{_AC}placeholder": _nothing,
    "time": _time,
}
