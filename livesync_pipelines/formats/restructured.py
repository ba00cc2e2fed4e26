"""reStructuredText, line by line.

docutils knows the language and not its dialects: what Sphinx, CMake or a house adds becomes an
error message there. Here an unknown directive keeps its words.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .charset import decode
from .limits import Job, Reading
from .markdown import heading, indented
from .restructured_inline import inline
from .restructured_table import (
    csv_table,
    grid_table,
    is_grid,
    is_simple,
    list_table,
    simple_table,
)
from .text import fenced
from .words import words

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")
_DIRECTIVE = re.compile(r"\.\.\s+(?:\|[^|]+\|\s+)?([\w:.+-]+?)::(?:\s+(.*))?$")
_FIELD = re.compile(r":([^:\s][^:]*):(?:\s+(.*))?$")
_ITEM = re.compile(r"([-*+•]|(?:\d+|#|[a-zA-Z])[.)]|\((?:\d+|#|[a-zA-Z])\))(\s+)(?=\S)")
_CODE = words(
    "code code-block sourcecode highlight parsed-literal literalinclude prompt doctest "
    "testcode ipython"
)
_SILENT = words(
    "contents toctree index meta raw include image highlight currentmodule module py:module "
    "py:currentmodule default-role role sectnum target-notes ifconfig testsetup cmake-module"
)
_BULLETS = "-*+•"
_FIELD_NAMES = {"author": "author", "authors": "author", "date": "created", "created": "created"}


def read(job: Job) -> Reading:
    parser = _Parser(decode(job.content, job.charset))
    blocks = parser.blocks(parser.lines)
    return Reading(text="\n\n".join(blocks), title=parser.title, attributes=parser.attributes)


class _Parser:
    """The levels of headings are given by the order in which their adornments first appear."""

    def __init__(self, text: str) -> None:
        self.lines = [line.rstrip().expandtabs(8) for line in text.split("\n")]
        self.title: str | None = None
        self.attributes: dict[str, str] = {}
        self._levels: list[str] = []
        self._language = ""

    def blocks(self, lines: list[str]) -> list[str]:
        blocks: list[str] = []
        at = 0
        while at < len(lines):
            if not lines[at]:
                at += 1
                continue
            before = at
            for read_block in _READERS:
                at, block = read_block(self, lines, at)
                if at > before:
                    blocks += [block] if block else []
                    break
        return blocks

    def _section(self, lines: list[str], at: int) -> tuple[int, str]:
        line = lines[at]
        following = lines[at + 1] if at + 1 < len(lines) else ""
        overlined = _ADORNMENT.match(line) and at + 2 < len(lines) and lines[at + 2] == line
        if overlined and following.strip():
            return at + 3, self._heading(following, line[0] * 2)
        is_under = _ADORNMENT.match(following) and len(following) >= min(len(line), 4)
        if is_under and line[:1] != " " and not _ADORNMENT.match(line):
            return at + 2, self._heading(line, following[0])
        if _ADORNMENT.match(line) and not following and not is_simple(lines, at):
            return at + 1, ""  # a transition
        return at, ""

    def _heading(self, text: str, adornment: str) -> str:
        if adornment not in self._levels:
            self._levels.append(adornment)
        words = inline(text.strip())
        if self.title is None and adornment == self._levels[0]:
            self.title = words
        return heading(self._levels.index(adornment) + 1, words)

    def _explicit(self, lines: list[str], at: int) -> tuple[int, str]:
        """Directives, and comments, targets, footnotes, all of which start with two dots."""
        line = lines[at]
        if line != ".." and not line.startswith(".. "):
            return at, ""
        end, body = _below(lines, at + 1)
        found = _DIRECTIVE.match(line)
        if found:
            return end, self._directive(found[1].lower(), (found[2] or "").strip(), body)
        note = re.match(r"\.\. \[([^\]]+)\]\s+(.*)$", line)
        if note:
            return end, f"[{note[1]}] {inline(' '.join([note[2], *map(str.strip, body)]).strip())}"
        return end, ""

    def _directive(self, name: str, argument: str, body: list[str]) -> str:
        options, content = _options(body)
        if name in ("highlight", "code-block", "sourcecode", "code") and not any(content):
            self._language = argument if name == "highlight" else self._language
        if name in _CODE:
            said = argument.split(maxsplit=1)[0] if argument else self._language
            language = said if name != "parsed-literal" else ""
            return fenced("\n".join(content), language) if any(content) else ""
        if name in _SILENT:
            return options.get("alt", "") if name == "image" else ""
        if name in ("csv-table", "list-table"):
            return "\n\n".join(
                [
                    *([f"**{inline(argument)}**"] if argument else []),
                    *self._listed(name, options, content),
                ]
            )
        inner = self.blocks(content)
        label = inline(argument)
        if name in _ADMONITIONS:
            label = f"**{name.capitalize()}:** {label}".strip()
        elif label and name not in ("figure", "replace"):
            label = f"**{label}**" if name != "rubric" else heading(len(self._levels) + 1, label)
        elif name == "figure":
            label = options.get("alt", "")
        return "\n\n".join(filter(None, [label, *inner]))

    def _listed(self, name: str, options: dict[str, str], content: list[str]) -> list[str]:
        read_table = csv_table if name == "csv-table" else list_table
        return [read_table(content, options.get("header", ""))]

    def _fields(self, lines: list[str], at: int) -> tuple[int, str]:
        found = _FIELD.match(lines[at])
        if not found or found[1].count("`") % 2 or (found[2] is None and lines[at].count(":") < 2):
            return at, ""
        end, body = _below(lines, at + 1)
        value = inline(" ".join([found[2] or "", *map(str.strip, body)]).strip())
        key = _FIELD_NAMES.get(found[1].lower())
        if key and value:
            self.attributes.setdefault(key, value)
        return end, f"**{inline(found[1])}:** {value}" if value else ""

    def _item(self, lines: list[str], at: int) -> tuple[int, str]:
        """A whole list; nested ones are inside its items."""
        items: list[str] = []
        end = at
        while end < len(lines) and (found := _ITEM.match(lines[end])):
            if items and (found[1] in _BULLETS) != items[0].startswith("- "):
                break
            width = found.end()
            following, body = _below(lines, end + 1, at_least=min(width, 2))
            is_loose = end + 1 < len(lines) and not lines[end + 1]
            text = [lines[end][width:], *([""] if is_loose else []), *body]
            marker = "- " if found[1] in _BULLETS else f"{len(items) + 1}. "
            items.append(marker + indented("\n".join(_tight(self.blocks(text))), " " * len(marker)))
            end = following
            while end < len(lines) and not lines[end]:
                end += 1
        return (end, "\n".join(items)) if items else (at, "")

    def _quote_or_definition(self, lines: list[str], at: int) -> tuple[int, str]:
        if lines[at].startswith(" "):
            end, body = _below(lines, at)
            inner = "\n\n".join(self.blocks(body))
            return end, "> " + inner.replace("\n", "\n> ")
        is_term = (
            at + 1 < len(lines) and lines[at + 1].startswith(" ") and not lines[at].endswith("::")
        )
        if not is_term:
            return at, ""
        end, body = _below(lines, at + 1)
        return end, "\n\n".join([f"**{inline(lines[at])}**", *self.blocks(body)])

    def _table(self, lines: list[str], at: int) -> tuple[int, str]:
        if is_grid(lines, at):
            return grid_table(lines, at)
        return simple_table(lines, at) if is_simple(lines, at) else (at, "")

    def _paragraph(self, lines: list[str], at: int) -> tuple[int, str]:
        """Up to an empty line; one that ends in `::` announces a literal block."""
        end = at
        while end < len(lines) and lines[end]:
            end += 1
        text = "\n".join(line.strip() for line in lines[at:end])
        if text.startswith(">>> "):
            return end, fenced("\n".join(lines[at:end]), "python")
        if not text.endswith("::"):
            return end, inline(text)
        following, body = _below(lines, end)
        words = text[:-2].rstrip()
        announced = inline(words) + ("" if not words or text[-3:-2].isspace() else ":")
        code = fenced("\n".join(body), self._language) if any(body) else ""
        return following, "\n\n".join(filter(None, [announced if words else "", code]))


_ADMONITIONS = words(
    "note warning tip caution important danger attention hint error admonition seealso "
    "versionadded versionchanged deprecated todo"
)
_READERS: tuple[Callable[[_Parser, list[str], int], tuple[int, str]], ...] = (
    _Parser._section,
    _Parser._explicit,
    _Parser._table,
    _Parser._fields,
    _Parser._item,
    _Parser._quote_or_definition,
    _Parser._paragraph,
)


def _below(lines: list[str], at: int, at_least: int = 1) -> tuple[int, list[str]]:
    """Where the indented lines from `at` end, and those lines without their common indent."""
    end = last = at
    while end < len(lines) and (not lines[end] or _indent(lines[end]) >= at_least):
        end += 1
        if lines[end - 1]:
            last = end
    body = lines[at:last]
    common = min((_indent(line) for line in body if line), default=0)
    cut = [line[common:] for line in body]
    while cut and not cut[0]:
        del cut[0]
    return last, cut


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _tight(blocks: list[str]) -> list[str]:
    """A blank line between blocks, but none before a nested list."""
    spread: list[str] = []
    for block in blocks:
        if spread and not block.startswith(("- ", "1. ")):
            spread.append("")
        spread.append(block)
    return spread


def _options(body: list[str]) -> tuple[dict[str, str], list[str]]:
    options: dict[str, str] = {}
    at = 0
    while at < len(body) and (found := _FIELD.match(body[at])):
        options[found[1].lower()] = found[2] or ""
        at += 1
    return options, body[at + 1 :] if at < len(body) and not body[at] else body[at:]
