"""What a page is about: its parsed tree without navigation, banners and what no reader sees.

Own rules over selectolax, because resiliparse's main content comes without tables, emphasis and
the languages of code.
"""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from .html_table import HEADINGS, inside_out
from .markdown import one_line

_INVISIBLE = """
    script, style, noscript, template, svg, math, iframe, object, embed, canvas, video, audio, map,
    button, select, textarea, datalist, dialog, rp, rt, colgroup, input:not([type=checkbox]),
    [hidden]:not([role=tabpanel], [hidden=until-found]), [aria-hidden=true], [aria-modal=true],
    [style*="display:none"], [style*="display: none"],
    td.linenos, td.gutter, pre .lineno, pre .linenos, pre .lnt
"""
_CHROME_NAMES = """
    nav navbar navigation navheader navfooter topnav topbar menubar breadcrumb breadcrumbs
    pagination pager prevnext toc table-of-contents sidebar sidenav sphinxsidebar skip-link skip
    skiplink newsletter subscribe advertisement related social share footer masthead
    editsection backtotop feedback popup modal search languages
"""
_CHROME_ROLES = "navigation search dialog alertdialog menu menubar toolbar contentinfo"
_CONSENT_NAMES = "cookie consent gdpr onetrust"
_CHROME = ", ".join(
    [
        "nav, a[class*=skip], span.mw-editsection, div[role=complementary]",
        *(f"[role={role}]" for role in _CHROME_ROLES.split()),
        *(f"div[{key}*={name}]" for name in _CONSENT_NAMES.split() for key in ("id", "class")),
        *(
            f"{tag}{sign}{name}"
            for name in _CHROME_NAMES.split()
            for tag in ("div", "section", "ul", "table", "aside", "form")
            for sign in ".#"
        ),
    ]
)
_OUTSIDE = "header, footer, aside:not([class*=note], [class*=tip], [class*=warning])"
_MENUS = ":is(body, div, td) > :is(ul, ol, table):only-child"
_PERMALINKS = frozenset(("¶", "#", "§", "🔗", "", "link", "permalink", "copy link"))


def main_content(body: LexborNode, title: str) -> LexborNode:
    """The element that holds the content, pruned: the one landmark, else the body. `title` is that
    of the window."""
    drop_invisible(body)
    root = _landmark(body)
    if root is None:
        _prune(body, f"{_CHROME}, {_OUTSIDE}")
        _drop_menus(body)
        return body
    _bring_heading(body, root, title)
    _prune(root, _CHROME)
    return root


def drop_invisible(body: LexborNode) -> None:
    """Also the signs in headings that link to them."""
    for node in inside_out(body, _INVISIBLE):
        node.decompose()
    for link in inside_out(body, f":is({HEADINGS}) a"):
        if link.text().strip().lower() in _PERMALINKS:
            link.decompose()


def _landmark(body: LexborNode) -> LexborNode | None:
    """`main` or the `article`, if there is exactly one."""
    for selector in ("main, [role=main]", "article"):
        found = inside_out(body, selector)
        if len(found) == 1:
            return found[0]
    return None


def _prune(root: LexborNode, selector: str) -> None:
    """What holds much of the page, or its heading, is no chrome, whatever it is called."""
    most = 0.4 * len(root.text())
    for node in inside_out(root, selector):
        if node.mem_id != root.mem_id and len(node.text()) <= most and not node.css_first("h1"):
            node.decompose()


def _drop_menus(root: LexborNode) -> None:
    """Lists of short links that have a box to themselves, unless the page is little else."""
    limit = 0.3 * len(root.text())
    for menu in inside_out(root, _MENUS) if root.css_first("a[href]") else ():
        links = [len(link.text()) for link in menu.css("a[href]")]
        chars = len("".join(menu.text().split()))
        if len(links) >= 3 and 0.85 * chars < sum(links) < min(limit, 40 * len(links)):
            menu.decompose()


def _bring_heading(body: LexborNode, root: LexborNode, title: str) -> None:
    """A page's one h1 belongs to its content even when it stands in a header before it; unless it
    is the name of the site, with which the title of the window does not begin."""
    headings = body.css("h1")
    if len(headings) == 1 and root.css_first("h1") is None and root.first_child is not None:
        words = one_line(headings[0].text())
        if title.startswith(words) or not title:
            root.first_child.insert_before(headings[0], move=True)
