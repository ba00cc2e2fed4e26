"""reStructuredText."""

from __future__ import annotations

from .conftest import Read

PAGE = """\
=====
Guide
=====

:Author: Ada Byron

Intro with ``literal``, :ref:`a section <x>`, :class:`~pkg.Thing` and
`a link <https://example.com>`_.

.. _target:

First
-----

.. code-block:: python
   :linenos:

   def f():
       return 1

Then an example::

    $ run | less

.. note:: Mind *this*.

   More of it.

Second
------

- one
- two

  still two

  - inner

1. first
2. second

.. a comment

.. house-directive:: Named
   :option: x

   Its words are kept.

Deeper
~~~~~~

=====  =====
A      B
=====  =====
1      x | y
       more
=====  =====

+------+-------+
| Name | Value |
+======+=======+
| a    | one   |
|      | two   |
+------+-------+

.. list-table::
   :header-rows: 1

   * - Key
     - Word
   * - k
     - w
"""
MARKDOWN = """\
# Guide

Author:

Ada Byron

Intro with `literal`, a section, `pkg.Thing` and [a link](https://example.com).

## First

```python
def f():
    return 1
```

Then an example:

```
$ run | less
```

Note

Mind *this*.

More of it.

## Second

- one

- two

  still two

  - inner

1. first

2. second

**Named**

Its words are kept.

### Deeper

| A | B |
| --- | --- |
| 1 | x \\| y more |

| Name | Value |
| --- | --- |
| a | one two |

| Key | Word |
| --- | --- |
| k | w |"""


def test_a_page_becomes_markdown(read: Read) -> None:
    result = read(PAGE, "guide.rst")
    assert result.text == MARKDOWN
    assert (result.title, result.attributes) == ("Guide", {"author": "Ada Byron"})


def test_levels_follow_the_order_of_the_signs(read: Read) -> None:
    text = "A\n^^^^\n\nB\n====\n\nC\n^^^^\n"
    assert read(text, "a.rst").text == "# A\n\n## B\n\n# C"


def test_what_its_reader_calls_an_error_keeps_its_words(read: Read) -> None:
    """A table that is drawn badly, a directive without what it needs."""
    table = "=====  =====\nA      B\n=====  =====\nlonger than its column\n=====  =====\n"
    text = read(f"A\n=\n\n{table}\n.. figure::\n\n   Lost?\n\n* x\nEnd `of it.\n", "a.rst").text
    for words in ("longer than its column", "Lost?", "End `of it."):
        assert words in text


def test_nothing_outside_of_the_page_is_read(read: Read) -> None:
    inserted = (
        ".. include:: /etc/hostname\n\n.. raw:: html\n   :file: /etc/hostname\n\n"
        ".. csv-table::\n   :file: /etc/hostname\n\n.. raw:: html\n\n   <b>raw</b>\n\nWords.\n"
    )
    with open("/etc/hostname", encoding="utf-8") as hostname:
        name = hostname.read().strip()
    text = read(inserted, "a.rst").text
    assert "Words." in text
    assert name not in text
    assert "<b>" not in text
