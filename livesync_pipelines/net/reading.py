"""How the body of an answer is read: whole into memory, or onto a file that grows try by try."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Protocol

import httpx

from livesync_pipelines.model.errors import Unavailable

from .decode import collect, decoded
from .verdict import BadAnswer, TooLarge

REFUSAL_BYTES = 64 * 1024
"""So much of the body of a refusal is kept, to judge it by."""

_PART = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class Reading(Protocol):
    """What is done with the body of each try. `pieces` are as they came off the wire."""

    def asks(self) -> Mapping[str, str]:
        """Headers that the next try carries beside the caller's."""

    def read(self, response: httpx.Response, pieces: Iterator[bytes], where: str) -> bytes:
        """The decoded body, or nothing where it went elsewhere. Raises `BadAnswer`
        (`TooLarge`), `Unavailable` and what httpx raises while it reads."""


def anything(headers: Mapping[str, str]) -> bool:
    return True


def nothing(headers: Mapping[str, str]) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """All of a body that the caller `wants` (judged by its headers), and the start of a refusal
    where `refusal_bytes` allows."""

    max_bytes: int
    wants: Callable[[Mapping[str, str]], bool] = anything
    refusal_bytes: int = 0

    def asks(self) -> Mapping[str, str]:
        return {}

    def read(self, response: httpx.Response, pieces: Iterator[bytes], where: str) -> bytes:
        if response.is_error:
            return _start(response, pieces, self.refusal_bytes, where)
        if not (response.is_success and self.wants(response.headers)):
            return b""
        if response.status_code == 206:
            raise BadAnswer(f"{where} answered with a part that nobody asked for", where=where)
        if response.request.method != "HEAD":  # whose length is that of what it leaves out
            _refuse_longer(response, 0, self.max_bytes, where)
        return collect(
            decoded(pieces, _encoding(response), where=where),
            max_bytes=self.max_bytes,
            where=where,
        )


@dataclass(slots=True, kw_only=True)
class Spooled:
    """Onto an open file, from its beginning. A try after one that broke off goes on where that
    ended, if the server deals in ranges and vouches by a strong ETag that it is the same file."""

    into: IO[bytes]
    max_bytes: int
    _at: int = field(default=0, init=False)
    _etag: str = field(default="", init=False)

    def asks(self) -> Mapping[str, str]:
        plain = {"accept-encoding": "identity"}  # ranges count encoded bytes
        if not (self._etag and self._at):
            return plain
        return {**plain, "range": f"bytes={self._at}-", "if-range": self._etag}

    def read(self, response: httpx.Response, pieces: Iterator[bytes], where: str) -> bytes:
        if response.is_error:
            return _start(response, pieces, REFUSAL_BYTES, where)
        if not response.is_success:
            return b""
        end = self._goes_on(response, where) if response.status_code == 206 else None
        if response.status_code != 206:
            self._begins(response)
        _refuse_longer(response, self._at, self.max_bytes, where)
        for piece in decoded(pieces, _encoding(response), where=where):
            if self._at + len(piece) > self.max_bytes:
                raise TooLarge(f"{where} is longer than {self.max_bytes} bytes", where=where)
            self.into.write(piece)
            self._at += len(piece)
        if end is not None and self._at != end:
            raise Unavailable(f"{where} was cut short: {self._at} of {end} bytes", where=where)
        return b""

    def _begins(self, response: httpx.Response) -> None:
        self.into.seek(0)
        self.into.truncate()
        self._at = 0
        etag = response.headers.get("etag", "")
        ranges = response.headers.get("accept-ranges", "").strip().lower() == "bytes"
        self._etag = etag if ranges and etag.startswith('"') and not _encoding(response) else ""

    def _goes_on(self, response: httpx.Response, where: str) -> int:
        """Where the whole file ends. Raises `BadAnswer` for a part that is not the rest."""
        part = _PART.fullmatch(response.headers.get("content-range", "").strip())
        asked = self._etag != "" and self._at > 0
        same = response.headers.get("etag", self._etag) == self._etag
        if part is None or not asked or int(part[1]) != self._at or not same:
            raise BadAnswer(f"{where} answered with a part that nobody asked for", where=where)
        return int(part[3]) if part[3] != "*" else int(part[2]) + 1


def _encoding(response: httpx.Response) -> str:
    named: str = response.headers.get("content-encoding", "").strip().lower()
    return "" if named == "identity" else named


def _refuse_longer(response: httpx.Response, had: int, max_bytes: int, where: str) -> None:
    """By what the server says of its length."""
    if had + int(response.headers.get("content-length", 0)) > max_bytes:
        raise TooLarge(f"{where} is longer than {max_bytes} bytes", where=where)


def _start(response: httpx.Response, pieces: Iterator[bytes], max_bytes: int, where: str) -> bytes:
    """The first bytes of a refusal. A refusal that breaks off is one all the same."""
    start = bytearray()
    if max_bytes:
        with suppress(BadAnswer, Unavailable, httpx.TransportError):
            for piece in decoded(pieces, _encoding(response), where=where):
                start += piece[: max_bytes - len(start)]
                if len(start) == max_bytes:
                    break
    return bytes(start)
