"""CQL, as far as it asks what has changed: comparisons, joined by `and`, `or` and brackets, and an
order by the last change.

https://developer.atlassian.com/cloud/confluence/advanced-searching-using-cql/ and
https://developer.atlassian.com/cloud/confluence/cql-functions/, as others tell it (2026-11-22).
Dates have minutes and no seconds. What is not known here is refused.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from livesync_pipelines.sandbox.confluence.errors import ConfluenceError

_ORDER = re.compile(r"\border\s+by\s+lastmodified(?:\s+(asc|desc))?\s*$", re.IGNORECASE)
_TOKEN = re.compile(r"""\s*(>=|<=|[(),=<>]|"[^"]*"|'[^']*'|[^\s(),=<>"']+)\s*""")
_BACK = re.compile(r"[\"']-(\d{1,6})([wdhm])[\"']")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
_DATES = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d")
_WORDS = ("space", "type", "label")
_MOMENTS = ("lastmodified", "created")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What of a content can be asked for: the words of its fields, and its moments."""

    words: Mapping[str, tuple[str, ...]]
    moments: Mapping[str, datetime]


Term = Callable[[Subject], bool]


@dataclass(frozen=True, slots=True)
class Question:
    """`newest_first`: in which order of their last changes the answers come."""

    means: Term
    newest_first: bool


def question(text: str, now: datetime) -> Question:
    """Raises `ConfluenceError` for what cannot be parsed."""
    order = _ORDER.search(text)
    newest_first = order is not None and (order[1] or "asc").lower() == "desc"
    parser = _Parser(text[: order.start()] if order else text, now)
    return Question(parser.whole(), newest_first)


class _Parser:
    def __init__(self, text: str, now: datetime) -> None:
        self._now = now
        self._tokens = _TOKEN.findall(text)
        if _TOKEN.sub("", text):
            raise _refusal()

    def whole(self) -> Term:
        found = self._either()
        if self._tokens:
            raise _refusal()
        return found

    def _either(self) -> Term:
        terms = [self._all()]
        while self._takes("or"):
            terms.append(self._all())
        return lambda one: any(term(one) for term in terms)

    def _all(self) -> Term:
        terms = [self._one()]
        while self._takes("and"):
            terms.append(self._one())
        return lambda one: all(term(one) for term in terms)

    def _one(self) -> Term:
        if self._takes("("):
            found = self._either()
            self._expect(")")
            return found
        field = self._next().lower()
        if field in _MOMENTS:
            return self._moment(field)
        if field not in _WORDS:
            raise _refusal()
        words = self._words()
        return lambda one: not words.isdisjoint(one.words[field])

    def _words(self) -> set[str]:
        if not self._takes("in"):
            self._expect("=")
            return {_bare(self._next())}
        self._expect("(")
        words = {_bare(self._next())}
        while self._takes(","):
            words.add(_bare(self._next()))
        self._expect(")")
        return words

    def _moment(self, field: str) -> Term:
        sign = self._next()
        if sign not in _COMPARISONS:
            raise _refusal()
        compare, moment = _COMPARISONS[sign], self._when()
        return lambda one: compare(_minute(one.moments[field]), moment)

    def _when(self) -> datetime:
        """A date, or `now("-5m")`, which needs no time zone."""
        if not self._takes("now"):
            return _date(_bare(self._next()))
        self._expect("(")
        back = _BACK.fullmatch(self._next())
        self._expect(")")
        if back is None:
            raise _refusal()
        return _minute(self._now - timedelta(**{_UNITS[back[2]]: int(back[1])}))

    def _takes(self, word: str) -> bool:
        found = bool(self._tokens) and self._tokens[0].lower() == word
        if found:
            self._tokens.pop(0)
        return found

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise _refusal()

    def _next(self) -> str:
        if not self._tokens:
            raise _refusal()
        return str(self._tokens.pop(0))


def _date(text: str) -> datetime:
    for form in _DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise _refusal()


def _bare(word: str) -> str:
    return word.strip("\"'")


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _refusal() -> ConfluenceError:
    return ConfluenceError(400, "Could not parse cql")
