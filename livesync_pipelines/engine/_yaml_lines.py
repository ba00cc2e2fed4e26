"""A YAML file as plain data that still knows its lines.

The words are YAML 1.2's: `on`, `no`, `12:30` and `2024-01-01` are text, and a key is always the
text that was written. Of the rest only what a configuration needs is read: no tags, no merge keys.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from livesync_pipelines.model.errors import BadInput

Key = tuple[str | int, ...]
"""Keys and positions from the top of a file down to a value."""

REPORTED = 20
_MAX_BYTES = 1_000_000
_MAX_NODES = 100_000  # aliases of aliases make a small file big
_MAX_DEPTH = 20  # an alias of itself has no end

_NULL, _BOOL, _INT, _FLOAT, _STR = (
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str")
)
_MERGE = "<<"
_DIGITS = list("-+0123456789")


class _Loader(yaml.SafeLoader):
    """Composes nodes; values are made by `_Walk`."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(_NULL, re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(
    _BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(_INT, re.compile(r"[-+]?(?:0|[1-9](?:_?[0-9])*)$"), _DIGITS)
_Loader.add_implicit_resolver(
    _FLOAT, re.compile(r"[-+]?(?:[0-9]*\.[0-9]+|[0-9]+\.)(?:[eE][-+]?[0-9]+)?$"), [*_DIGITS, "."]
)


@dataclass(frozen=True, slots=True)
class Problem:
    line: int
    where: str
    message: str
    hint: str


@dataclass(slots=True)
class Document:
    """One file: what it says, at which line, and what is wrong with it."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Key, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, path: Sequence[str | int]) -> str:
        """`file.yaml:12: syncs.docs.mode`; the line is that of the nearest key that is there."""
        key = ".".join(map(str, path))
        if not self.lines:
            return f"{self.name}: {key}" if key else self.name
        return f"{self.name}:{self._line(path)}: {key}" if key else f"{self.name}:1"

    def complain(self, path: Sequence[str | int], message: str, hint: str = "") -> None:
        self.problems.append(Problem(self._line(path), self.where(path), message, hint))

    def broken(self, line: int, message: str, hint: str = "") -> None:
        where = f"{self.name}:{line}" if line else self.name
        self.problems.append(Problem(line, where, message, hint))

    def _line(self, path: Sequence[str | int]) -> int:
        return next(
            (
                self.lines[tuple(path[:n])]
                for n in range(len(path), 0, -1)
                if tuple(path[:n]) in self.lines
            ),
            1,
        )


def read(file: Path) -> Document:
    """The file as a document; what cannot be read is a problem of it, never an exception."""
    document = Document(str(file))
    try:
        content = file.read_bytes()
        text = content.decode("utf-8-sig")
        if len(content) > _MAX_BYTES:
            document.broken(0, f"the file is larger than {_MAX_BYTES:,} bytes")
            return document
        node = yaml.compose(text, Loader=_Loader)
    except OSError as error:
        document.broken(0, f"the file cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        document.broken(0, "the file is not UTF-8 text")
    except RecursionError:
        document.broken(0, "the file is nested too deeply")
    except yaml.YAMLError as error:
        document.broken(*_syntax(error))
    else:
        _fill(document, node)
    return document


def raise_problems(documents: Sequence[Document]) -> None:
    """Raises one BadInput with everything that is wrong, in the order of files and lines."""
    problems = [
        problem
        for document in documents
        for problem in sorted(document.problems, key=lambda problem: problem.line)
    ]
    if not problems:
        return
    first = problems[0]
    if len(problems) == 1:
        raise BadInput(first.message, hint=first.hint, where=first.where)
    lines = [
        f"{problem.where}: {problem.message}" + (f" ({problem.hint})" if problem.hint else "")
        for problem in problems[:REPORTED]
    ]
    if len(problems) > REPORTED:
        lines.append(f"and {len(problems) - REPORTED} more")
    raise BadInput(
        "\n".join([f"{len(problems)} problems:", *lines]),
        hint="Nothing was changed. Mend them and apply again.",
        where=first.where,
    )


def _syntax(error: yaml.YAMLError) -> tuple[int, str, str]:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", "unreadable")
    hint = "Text that begins with * & ! % @ ` { [ or holds ': ' must be in quotes."
    return (mark.line + 1 if mark else 0, f"this is not YAML: {problem}", hint)


def _fill(document: Document, node: yaml.Node | None) -> None:
    if node is None:
        return
    try:
        data = _Walk(document).value(node, ())
    except _EndlessError:
        document.broken(1, "nested too deeply, or aliases without end")
        return
    if isinstance(data, dict):
        document.data = data
    elif data is not None:
        document.broken(1, "a configuration file is a mapping of keys")


class _EndlessError(Exception):
    """The file unfolds into more than a configuration ever holds."""


class _Walk:
    """Turns nodes into data, noting lines and problems on the way."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen = 0

    def value(self, node: yaml.Node, path: Key) -> Any:
        self._seen += 1
        if len(path) > _MAX_DEPTH or self._seen > _MAX_NODES:
            raise _EndlessError
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, n)) for n, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Key) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._document.broken(line, "a key must be plain text")
                continue
            key = key_node.value
            inner = (*path, key)
            if key in data:
                first = self._document.lines[inner]
                dotted = ".".join(map(str, inner))
                self._document.broken(line, f"{dotted} is given twice", f"First at line {first}.")
                continue
            self._document.lines[inner] = line
            if key == _MERGE and not key_node.style:
                self._document.complain(inner, "merge keys (<<) are not read", "Write it out.")
                continue
            data[key] = self.value(value_node, inner)
        return data

    def _scalar(self, node: yaml.Node, path: Key) -> Any:
        text = str(node.value)
        match node.tag:
            case tag if tag == _STR:
                return text
            case tag if tag == _NULL:
                return None
            case tag if tag == _BOOL:
                return text.lower() == "true"
            case tag if tag in {_INT, _FLOAT}:
                return self._number(text, path)
        self._document.complain(path, f"the tag {node.tag} is not read", "Write the plain value.")
        return None

    def _number(self, text: str, path: Key) -> int | float | None:
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
        self._document.complain(path, f"{text!r} is no number")
        return None
