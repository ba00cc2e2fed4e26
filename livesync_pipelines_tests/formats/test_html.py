"""HTML."""

from __future__ import annotations

import pytest

from .conftest import Read

CHROME = """<!DOCTYPE html><html lang="en"><head><title>Guide | Example</title>
<meta name="author" content="Ada"><meta property="article:published_time" content="2024-05-01">
<style>p {color: red}</style></head><body class="has-sidebar">
<a class="skip-link" href="#main">Skip to content</a>
<div id="onetrust-banner"><p>We value your privacy and cookies.</p><button>Accept</button></div>
<header><nav><ul><li><a href="/">Home</a></li><li><a href="/x">Pricing</a></li></ul></nav></header>
<div class="sidebar"><a href="/1">Other guide</a><a href="/2">Another guide</a></div>
%s
<footer><p>© 2024 Example Inc. <a href="/imprint">Imprint</a></p></footer>
<script>track()</script></body></html>"""
CONTENT = """<h1>Guide <a class="headerlink" href="#g">¶</a></h1>
<p>Some <b>bold</b> and <code>code</code> words with a <a href="/next">link</a>.<br>Next line.</p>
<h2>Steps</h2><ol><li>One<ul><li>Inner</li></ul></li><li><p>Two</p></li></ol>
<pre><code class="language-python">def f():
    return 1</code></pre>
<aside class="note"><p>Mind the gap.</p></aside>
<table><caption>Prices</caption><tr><th>Item</th><th>Cost</th></tr>
<tr><td>A|B</td><td>1<br>2</td></tr></table>
<blockquote><p>Quoted.</p></blockquote>"""
MARKDOWN = """# Guide

Some **bold** and `code` words with a [link](https://example.com/next).\x20\x20
Next line.

## Steps

1. One

   - Inner

2. Two

```python
def f():
    return 1
```

Mind the gap.

*Prices*

| Item | Cost |
| --- | --- |
| A\\|B | 1<br>2 |

> Quoted."""


@pytest.mark.parametrize(
    "wrapped",
    [
        f"<main>{CONTENT}</main>",
        f"<article>{CONTENT}</article>",
        f"<div role='main'>{CONTENT}</div>",
        f"<div class='page'><div id='content'>{CONTENT}</div></div>",
    ],
    ids=["main", "article", "role", "id"],
)
def test_the_content_is_kept_and_the_chrome_is_not(read: Read, wrapped: str) -> None:
    result = read(CHROME % wrapped, "guide", "text/html", url="https://example.com/guide")
    assert result.text == MARKDOWN
    assert result.title == "Guide"


def test_a_page_without_any_landmark_loses_its_chrome_too(read: Read) -> None:
    """Old pages have nothing but divisions."""
    text = read(CHROME % f"<div>{CONTENT}</div>", "a.html").text
    assert text.startswith("# Guide\n\nSome **bold**")
    for chrome in ("privacy", "Home", "Other guide", "Imprint", "Skip", "track"):
        assert chrome not in text


def test_what_the_page_says_about_itself_is_kept(read: Read) -> None:
    attributes = read(CHROME % f"<main>{CONTENT}</main>", "a.html").attributes
    assert attributes == {"author": "Ada", "created": "2024-05-01", "language": "en"}


def test_a_title_that_stands_before_the_content_is_brought_in(read: Read) -> None:
    page = "<header><h1>Name</h1></header><main><p>Words of it.</p></main>"
    assert read(page, "a.html").text == "# Name\n\nWords of it."


def test_a_page_of_links_is_not_emptied(read: Read) -> None:
    """An index is all links; then they are its content."""
    links = "".join(f"<li><a href='/{i}'>Chapter {i}</a></li>" for i in range(20))
    text = read(f"<html><body><h1>Index</h1><ul>{links}</ul></body></html>", "a.html").text
    assert text.count("Chapter") == 20


def test_links_among_the_text_are_no_menu(read: Read) -> None:
    """A list under `See also` is content, the same list in a box of its own is not."""
    links = "<ul><li><a href='/1'>One</a><li><a href='/2'>Two</a><li><a href='/3'>Three</a></ul>"
    words = f"<h1>A</h1><p>{'Words of it. ' * 30}</p>"
    text = read(f"<div>{links}</div><div>{words}<h2>See also</h2>{links}</div>", "a.html").text
    assert text.startswith("# A")
    assert text.endswith("## See also\n\n- One\n- Two\n- Three")


def test_the_name_of_a_site_is_not_the_title_of_a_page(read: Read) -> None:
    page = (
        "<html><head><title>Unit Tests - The Book</title></head><body><h1>The Book</h1>"
        "<main><h2>Unit Tests</h2><p>Words.</p></main></body></html>"
    )
    result = read(page, "a.html")
    assert (result.title, result.text) == ("Unit Tests", "## Unit Tests\n\nWords.")


def test_content_under_a_suspicious_name_is_kept(read: Read) -> None:
    """What holds most of the page is no sidebar, whatever it is called."""
    page = f"<div class='sidebar-layout sidebar'><h1>A</h1><p>{'Words. ' * 90}</p></div>"
    assert read(page, "a.html").text.startswith("# A\n\nWords.")


def test_words_in_code_are_never_chrome(read: Read) -> None:
    """Highlighters call their classes `nav` or `language_`."""
    page = "<pre><span class='language_'>console</span>.<span class='nav'>log</span></pre>"
    assert read(page, "a.html").text == "```\nconsole.log\n```"


def test_tables_for_layout_are_read_through(read: Read) -> None:
    page = "<table><tr><td><h2>Left</h2></td><td><pre>x = 1</pre></td></tr></table>"
    assert read(page, "a.html").text == "## Left\n\n```\nx = 1\n```"


def test_cells_over_several_rows_and_columns_stay_in_their_place(read: Read) -> None:
    page = (
        "<table><tr><th>City</th><th>Street</th><th>No</th></tr>"
        "<tr><td rowspan=2>Ulm</td><td>A</td><td>1</td></tr><tr><td colspan=2>B</td></tr></table>"
    )
    assert read(page, "a.html").text.splitlines()[2:] == ["| Ulm | A | 1 |", "| Ulm | B | |"]


def test_line_numbers_beside_code_are_left_out(read: Read) -> None:
    page = (
        "<table class='highlighttable'><tr><td class='linenos'><div><pre>1\n2</pre></div></td>"
        "<td class='code'><pre>a = 1\nb = 2</pre></td></tr></table>"
    )
    assert "a = 1\nb = 2" in read(page, "a.html").text


def test_a_paragraph_that_starts_with_a_hash_is_no_heading(read: Read) -> None:
    assert read("<p># not a heading</p>", "a.html").text == "\\# not a heading"


def test_the_charset_of_the_page_is_believed(read: Read) -> None:
    page = "<html><head><meta charset='windows-1251'></head><body><p>Привет</p></body></html>"
    assert read(page.encode("cp1251"), "a.html").text == "Привет"


def test_hidden_things_stay_hidden(read: Read) -> None:
    page = (
        "<main><p>Seen</p><p hidden>no</p><p style='display: none'>no</p>"
        "<p aria-hidden='true'>no</p>"
        "<div role='tabpanel' hidden>Other tab</div></main>"
    )
    assert read(page, "a.html").text == "Seen\n\nOther tab"
