"""The pages of a JSON API, one after the other, until there is surely no other.

JMESPath (https://jmespath.org/specification.html) and RFC 8288, read 2026-11-23.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urljoin

import orjson

from livesync_pipelines.connectors._json_api_options import (
    Addressed,
    Asked,
    Counted,
    Cursored,
    JsonApiConnection,
    Linked,
    Numbered,
    found,
)
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.core.canon import keeps_numbers
from livesync_pipelines.model.errors import Broken, LiveSyncError, Reauthorise
from livesync_pipelines.net.api import ANONYMOUS, Account, Api, Basic, Bearer, Params
from livesync_pipelines.net.client import Answer, Client
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.links import links
from livesync_pipelines.net.verdict import BadAnswer

MOST_PAGES = 10_000
_ANSWER_BYTES = 50_000_000
_MOST_DIGITS = 20
"""Of a whole number of 64 bits."""


class Digits(str):
    """A number with more digits than a double or a whole number of 64 bits has, as it was sent."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Headers:
    """Secret headers, which nothing renews."""

    said: Mapping[str, str]

    def __repr__(self) -> str:
        return "Headers(...)"

    def headers(self) -> Mapping[str, str]:
        return self.said

    def renewed(self) -> bool:
        return False


def account_of(connection: JsonApiConnection) -> Account:
    """In whose name the API is called."""
    said = {name: secret.get_secret_value() for name, secret in connection.headers.items()}
    known: Account = ANONYMOUS
    if connection.token is not None:
        known = Bearer(connection.token.get_secret_value())
    if connection.user is not None and connection.password is not None:
        known = Basic(connection.user, connection.password.get_secret_value())
    return Headers({**said, **known.headers()})


def client_of(connection: JsonApiConnection, limits: FetchLimits) -> Client:
    return Client(
        allow_private=connection.allow_private,
        timeout_s=limits.timeout_s,
        max_bytes=_ANSWER_BYTES,
        pacer=limits.pacer,
        tries=limits.tries,
    )


def _judge(refusal: Refusal) -> LiveSyncError | None:
    """Credentials are written into the connection, not signed in for."""
    if refusal.status != 401:
        return None
    return Reauthorise(
        f"{refusal.said()}: the credentials are not taken",
        hint="Correct `token`, `user` and `password` or `headers` of the connection, or the "
        "variable that they come from.",
        where=refusal.where,
    )


class _Call(NamedTuple):
    path: str
    params: Params


class Pages:
    """Of what is asked for. `path`: below the connection's `url`; `address`: both together, and
    `where`: what that is called in errors."""

    def __init__(
        self, client: Client, connection: JsonApiConnection, path: str, asked: Asked
    ) -> None:
        self._api = Api(
            client,
            connection.url,
            account_of(connection),
            _judge,
            headers={"accept": "application/json"},
        )
        self._path, self._asked = path or connection.url, asked
        self.address = self._api.url(self._path)
        self.where = self.address.partition("://")[2]

    def __iter__(self) -> Iterator[list[Any]]:
        """The items of each page. Raises `Broken` where an answer is not what it should be, or the
        pages have no end: what was not seen is not taken for gone."""
        call: _Call | None = self._first()
        calls, passed, before = set[str](), 0, list[Any]()
        while call is not None:
            address = self._api.url(*call)
            if address in calls or len(calls) == MOST_PAGES:
                self._refuse("has no end to its pages", "`pages` may be wrong")
            calls.add(address)
            answer = self._answer(call)
            said = self._read(answer)
            items = self._items(said)
            if items and items == before:
                self._refuse("shows the same page twice", "`pages` may be wrong")
            yield items
            before, passed = items, passed + len(items)
            call = self._following(answer, said, done=len(calls), passed=passed, more=bool(items))

    def _answer(self, call: _Call) -> Answer:
        try:
            return self._api.call("GET", call.path, params=call.params)
        except BadAnswer as error:
            raise Broken(
                f"{self.where}: {error.message}",
                hint="Mend the path and `params`, or the rights of whoever calls. "
                "Nothing was taken for deleted.",
                where=self.where,
            ) from error

    def _read(self, answer: Answer) -> Any:
        try:
            return json.loads(
                answer.content, parse_float=_float, parse_int=_int, parse_constant=_refused
            )
        except (ValueError, RecursionError):
            self._refuse("answered with something that is no JSON", "The path may be wrong")

    def _items(self, said: Any) -> list[Any]:
        try:
            items = found(self._asked.items, said)
        except ValueError as error:
            self._refuse(f"cannot be asked for `items`: {error}", "Mend `items`")
        if not isinstance(items, list):
            holds = (
                f"it has {', '.join(list(said)[:20])}" if isinstance(said, dict) else "no object"
            )
            self._refuse(f"has no list at `items: {self._asked.items}` ({holds})", "Mend `items`")
        return items

    def _first(self) -> _Call:
        match self._asked.pages:
            case Numbered(param=param, first=first):
                return self._with(param, first)
            case Counted(param=param):
                return self._with(param, 0)
        return _Call(self._path, self._asked.params)

    def _following(
        self, answer: Answer, said: Any, *, done: int, passed: int, more: bool
    ) -> _Call | None:
        """The call for the next page, None after the last. `done`: how many pages were read, with
        `passed` items in all; `more`: whether the last had any."""
        asked = self._asked
        match asked.pages:
            case None:
                return None
            case Numbered(param=param, first=first):
                return self._with(param, first + done) if more else None
            case Counted(param=param):
                return self._with(param, passed) if more else None
            case Cursored(param=param, at=at):
                cursor = self._told(found(at, said))
                return self._with(param, cursor) if cursor else None
            case Addressed(at=at):
                address = self._told(found(at, said))
            case Linked():
                address = links(answer).get("next", "")
        return _Call(self._own(urljoin(answer.url, address)), {}) if address else None

    def _with(self, param: str, value: str | int) -> _Call:
        return _Call(self._path, {**self._asked.params, param: value})

    def _told(self, value: Any) -> str:
        """What leads to the next page; empty on the last."""
        if value is None or value is False:
            return ""
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            self._refuse("has neither text nor number at `pages.at`", "Mend `pages`")
        return str(value)

    def _own(self, address: str) -> str:
        if not self._api.owns(address):
            self._refuse("leads to another server for its next page", "It was not followed")
        return address

    def _refuse(self, message: str, hint: str) -> NoReturn:
        raise Broken(
            f"{self.where} {message}",
            hint=f"{hint}. Nothing was taken for deleted.",
            where=self.where,
        )


def written(item: Any, *, indented: bool = False) -> bytes:
    """An item as JSON, its numbers as they were sent, its fields in order of their names. Raises
    `ValueError` for what has half characters in it, or is nested too deeply."""
    option = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_SORT_KEYS
    option |= orjson.OPT_INDENT_2 if indented else 0
    try:
        return orjson.dumps(item, default=_as_sent, option=option)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"it cannot be kept as JSON: {error}") from error


def _as_sent(value: Any) -> Any:
    if isinstance(value, Digits):
        return orjson.Fragment(value.encode())
    raise TypeError(f"no JSON: {type(value).__name__}")


def _float(digits: str) -> float | Digits:
    number = float(digits)
    kept = isfinite(number) and keeps_numbers(digits.encode(), any_spelling=True)
    return number if kept else Digits(digits)


def _int(digits: str) -> int | Digits:
    fits = len(digits) <= _MOST_DIGITS and -(2**63) <= int(digits) < 2**64
    return int(digits) if fits else Digits(digits)


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
