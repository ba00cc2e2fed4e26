"""The search language of `files.list`: `q`.

https://developers.google.com/workspace/drive/api/guides/ref-search-terms, read 2026-11-22. `and`
and `or` bind alike, from left to right; `contains` looks for beginnings of words in a name.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from livesync_pipelines.sandbox.google.errors import invalid
from livesync_pipelines.sandbox.google.files import FOLDER, SHORTCUT, File
from livesync_pipelines.sandbox.google.tree import Tree
from livesync_pipelines.sandbox.world import Person

Test = Callable[[File], bool]

_TOKEN = re.compile(r"\s*(?:('(?:\\.|[^'\\])*')|(<=|>=|!=|[=<>()])|([A-Za-z]+))")
_WORD = re.compile(r"\w+")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TIMES = frozenset(("modifiedTime", "createdTime"))
_FLAGS = frozenset(("trashed", "starred", "sharedWithMe"))


@dataclass(frozen=True, slots=True)
class Query:
    """`parents`: the folders that alone can hold what fits, or None for everywhere."""

    fits: Test
    parents: frozenset[str] | None


def parsed(q: str, tree: Tree, person: Person) -> Query:
    """Raises GoogleError for what is not in the language."""
    if not q.strip():
        return Query(lambda file: True, None)
    parser = _Parser(_tokens(q), tree, person)
    query = parser.terms()
    if parser.left():
        raise invalid("q")
    return query


def _tokens(q: str) -> list[str]:
    found, at = [], 0
    while at < len(q.rstrip()):
        match = _TOKEN.match(q, at)
        if match is None:
            raise invalid("q")
        found.append(match[0].strip())
        at = match.end()
    return found


class _Parser:
    """Reads tokens from the first to the last."""

    def __init__(self, tokens: list[str], tree: Tree, person: Person) -> None:
        self._tokens = tokens
        self._tree = tree
        self._person = person

    def left(self) -> bool:
        return bool(self._tokens)

    def terms(self) -> Query:
        found = self._term()
        while self._tokens and self._tokens[0] in {"and", "or"}:
            joint = self._tokens.pop(0)
            found = (_both if joint == "and" else _either)(found, self._term())
        return found

    def _term(self) -> Query:
        word = self._next()
        if word == "not":
            negated = self._term().fits
            return Query(lambda file: not negated(file), None)
        if word == "(":
            found = self.terms()
            if self._next() != ")":
                raise invalid("q")
            return found
        if word.startswith("'"):
            return self._collection(_text(word))
        return Query(self._comparison(word), None)

    def _collection(self, value: str) -> Query:
        """`'value' in name`"""
        if self._next() != "in":
            raise invalid("q")
        match self._next():
            case "parents":
                folder = self._tree.roots[self._person.email] if value == "root" else value
                return Query(lambda file: file.parent == folder, frozenset((folder,)))
            case "owners":
                return Query(
                    lambda file: file.owner is not None and file.owner.email == value, None
                )
            case "readers" | "writers":
                return Query(lambda file: value in self._tree.audience(file), None)
        raise invalid("q")

    def _comparison(self, name: str) -> Test:
        operator, value = self._next(), self._next()
        if name in _FLAGS:
            return self._flag(name, operator, value)
        if operator == "contains":
            return _contains(name, _text(value).lower())
        if name in _TIMES and operator in _COMPARED:
            return _time(name, _COMPARED[operator], _text(value))
        if name in {"name", "mimeType"} and operator in {"=", "!="}:
            wanted, same = _text(value), operator == "="
            if name == "name":
                return lambda file: (file.name == wanted) is same
            return lambda file: (file.mime_type == wanted) is same
        raise invalid("q")

    def _flag(self, name: str, operator: str, value: str) -> Test:
        if operator not in {"=", "!="} or value not in {"true", "false"}:
            raise invalid("q")
        wanted = (value == "true") is (operator == "=")
        if name == "trashed":
            return lambda file: self._tree.in_trash(file) is wanted
        if name == "starred":
            return lambda file: file.starred is wanted
        return lambda file: (_shared(file, self._person)) is wanted

    def _next(self) -> str:
        if not self._tokens:
            raise invalid("q")
        return self._tokens.pop(0)


def _both(one: Query, other: Query) -> Query:
    known = [query.parents for query in (one, other) if query.parents is not None]
    parents = frozenset.intersection(*known) if known else None
    return Query(lambda file: one.fits(file) and other.fits(file), parents)


def _either(one: Query, other: Query) -> Query:
    narrow = one.parents is not None and other.parents is not None
    parents = (one.parents or frozenset()) | (other.parents or frozenset()) if narrow else None
    return Query(lambda file: one.fits(file) or other.fits(file), parents)


def _text(token: str) -> str:
    if not token.startswith("'"):
        raise invalid("q")
    return re.sub(r"\\(.)", r"\1", token[1:-1])


def _contains(name: str, wanted: str) -> Test:
    match name:
        case "name":
            return lambda file: _begins(file.name.lower(), wanted)
        case "mimeType":
            return lambda file: wanted in file.mime_type
        case "fullText":
            return lambda file: _begins(_words(file), wanted.strip('"'))
    raise invalid("q")


def _begins(text: str, wanted: str) -> bool:
    """Whether the wanted words are there, from the beginning of a word on."""
    return any(text.startswith(wanted, found.start()) for found in _WORD.finditer(text))


def _words(file: File) -> str:
    readable = file.mime_type not in {FOLDER, SHORTCUT}
    content = file.content.decode("utf-8", "replace") if readable else ""
    return f"{file.name}\n{file.description}\n{content}".lower()


def _time(name: str, compare: Callable[[object, object], bool], text: str) -> Test:
    try:
        wanted = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid("q") from error
    aware = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    if name == "createdTime":
        return lambda file: compare(file.created, aware)
    return lambda file: compare(file.modified, aware)


def _shared(file: File, person: Person) -> bool:
    """Shared with the person by somebody, itself and not only through a folder above."""
    return person.email in file.roles
