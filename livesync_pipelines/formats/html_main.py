"""What a page is about: the tree without navigation, banners and footers."""

from __future__ import annotations

import re
from functools import lru_cache

from .html_tree import HEADINGS, Element, Page
from .markdown import one_line
from .words import words

_CHROME_ROLES = words(
    "navigation search dialog alertdialog menu menubar toolbar contentinfo complementary"
)
_CHROME_NAME = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|navheader|navfooter|topnav|menubar|topbar|breadcrumbs?|crumbs"
    r"|cookies?|cookiebanner|cookiebar|cookieconsent|consent|gdpr|ccpa|onetrust"
    r"|sidebar|sidenav|side|footer|foot|masthead|skip|skiplink|skipnav"
    r"|share|sharing|social|related|recommended|newsletter|subscribe|signup|promo|advert|ads?"
    r"|advertisement|sponsor(?:ed)?|pagination|pager|prevnext|popup|modal|overlay|lightbox"
    r"|edit(?:section|link|page)|backtotop|feedback|languages?|search)(?:$|[\s_-])"
)
_CONTENTS_NAME = re.compile(r"(?:^|[\s_-])(?:toc|table-?_?of-?_?contents)(?:$|[\s_-])")
_NOTE_NAME = re.compile(r"note|tip|admonition|callout|caution|warning", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CONSENT = re.compile(r"cookie|consent|gdpr|onetrust", re.IGNORECASE)
_NAMED_ROOTS = words(
    "content main main-content maincontent content-main bodycontent mw-content-text markdown- "
    "body post-content entry-content article-body article-content post-body page-content "
    "theme-doc-markdown wiki-content documentation"
)
_PRUNED_TAGS = words("div section aside header footer ul ol form p table details dl fieldset nav")
_CONTAINERS = _PRUNED_TAGS | words(
    "body main article center tbody tr td li dd blockquote figure hgroup a"
)
_WORDS = HEADINGS | {"p"}
_MENUS = words("ul ol div table p")
_BOXED_MENUS = words("div table")
_NO_MENUS = words("")


def main_content(page: Page) -> Element:
    """The element that holds the content, pruned. A page of which nothing would be left is
    returned as it is: better its navigation than no text."""
    body = page.body
    visible = body.text_chars
    root = _landmark(page)
    if root is None:
        _prune(body, body, is_landmark=False)
        root = _named_root(page) or body
    if root is not body:
        _prune(root, root, is_landmark=True)
    if root.text_chars < 0.02 * visible:
        return body
    _bring_title(root, page)
    return root


def _landmark(page: Page) -> Element | None:
    """`main`, or the one `article` that holds the page."""
    blocks = page.blocks
    mains = [e for e in blocks if e.tag == "main" or e.attributes.get("role") == "main"]
    articles = [e for e in blocks if e.tag == "article"]
    for candidates, share in ((mains, 0.15), (articles, 0.5)):
        if candidates:
            best = max(candidates, key=_own_chars)
            if _own_chars(best) > share * _own_chars(page.body):
                return best
    return None


def _own_chars(element: Element) -> int:
    """Characters outside of links: a page's menu can be longer than its text."""
    return element.text_chars - element.link_chars


def _named_root(page: Page) -> Element | None:
    """The innermost element with a name that is known to hold content, if it holds most of it."""
    most = 0.6 * page.body.text_chars
    named = (
        element
        for element in reversed(page.blocks)
        if element.text_chars > most and element.tag in ("div", "section", "article", "td")
    )
    return next((e for e in named if not _NAMED_ROOTS.isdisjoint(e.name().lower().split())), None)


def _prune(element: Element, root: Element, *, is_landmark: bool) -> int:
    """Takes chrome out below `element` and returns how many characters that was. A list of links
    that stands among paragraphs and headings is no menu."""
    kept: list[Element | str] = []
    gone = 0
    menus = _MENUS
    if is_landmark or any(not isinstance(c, str) and c.tag in _WORDS for c in element.children):
        menus = _NO_MENUS if is_landmark else _BOXED_MENUS
    for child in element.children:
        if isinstance(child, str) or child.tag not in _CONTAINERS:
            kept.append(child)
        elif _is_chrome(child, root, is_landmark=is_landmark) or (
            child.tag in menus and _is_link_list(child, root)
        ):
            gone += child.text_chars
        else:
            gone += _prune(child, root, is_landmark=is_landmark)
            kept.append(child)
    if len(kept) != len(element.children):
        element.children = kept
    element.text_chars -= gone
    return gone


def _is_chrome(element: Element, root: Element, *, is_landmark: bool) -> bool:
    """Inside of a landmark an `aside` is a note or a tip; outside it is a sidebar."""
    tag = element.tag
    if _is_called_chrome(element):
        return not _holds_content(element, root)
    if _is_contents(element, root):
        return True
    if is_landmark:
        return tag == "footer" and element.link_chars > 0.3 * element.text_chars
    if tag in ("header", "aside", "footer"):
        has_title = tag != "footer" and _has_heading(element, "h1")
        is_kept = has_title or (tag == "aside" and _NOTE_NAME.search(element.name()))
        return not is_kept and not _holds_content(element, root)
    return tag == "a" and "skip" in element.name().lower()


def _is_contents(element: Element, root: Element) -> bool:
    """A table of contents repeats the headings; on a page of little else it is the content."""
    if not _CONTENTS_NAME.search(element.name().lower()):
        return False
    return element.links > 0 and element.text_chars < _own_chars(root)


def _is_called_chrome(element: Element) -> bool:
    """By its tag, its role, its id or its classes."""
    if element.tag == "nav":
        return True
    role = element.attributes.get("role")
    if role in _CHROME_ROLES and (role != "complementary" or element.tag != "aside"):
        return True
    return element.tag in _PRUNED_TAGS and _is_chrome_name(element.name())


@lru_cache(4_096)
def _is_chrome_name(name: str) -> bool:
    if name == " ":
        return False
    if _CONSENT.search(name):
        return True
    return bool(_CHROME_NAME.search(_CAMEL.sub("-", name).lower()))


def _holds_content(element: Element, root: Element) -> bool:
    """That it is too much of the page to be chrome, whatever it is called."""
    if _own_chars(element) > 0.4 * max(_own_chars(root), 1):
        return True
    return element.text_chars > 200 and any(
        e.tag in ("main", "article") for e in element.elements()
    )


def _has_heading(element: Element, *tags: str) -> bool:
    return any(e.tag in tags for e in element.elements())


def _is_link_list(element: Element, root: Element) -> bool:
    """Many short links and next to nothing else, on a page that has other text."""
    if element.links < 3 or element.link_chars < 0.85 * element.text_chars:
        return False
    if element.link_chars > 40 * element.links or _has_heading(element, *HEADINGS):
        return False
    return element.text_chars < 0.3 * root.text_chars and _own_chars(root) > 0.5 * root.text_chars


def _bring_title(root: Element, page: Page) -> None:
    """A page's one h1 belongs to its content even when it stands in a header before it; unless
    it is the name of the site, with which the title of the window does not begin."""
    titles = [element for element in page.blocks if element.tag == "h1"]
    if len(titles) != 1 or root is page.body or _has_heading(root, "h1"):
        return
    if page.title.startswith(one_line(titles[0].text())) or not page.title:
        root.children.insert(0, titles[0])
