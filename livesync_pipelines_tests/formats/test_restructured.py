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

**Author:** Ada Byron

Intro with `literal`, a section, `pkg.Thing` and
[a link](https://example.com).

## First

```python
def f():
    return 1
```

Then an example:

```
$ run | less
```

**Note:** Mind *this*.

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
