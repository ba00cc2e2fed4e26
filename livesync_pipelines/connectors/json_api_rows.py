"""A JSON API: the items of its listings as rows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, Any

from livesync_pipelines.connectors._file_table import ColumnsSelection, FileTable
from livesync_pipelines.connectors._json_api_options import (
    Asked,
    Counted,
    JsonApiConnection,
    Numbered,
    Path,
)
from livesync_pipelines.connectors._json_api_pages import Pages, client_of, written
from livesync_pipelines.connectors._row_formats import Format
from livesync_pipelines.connectors._row_jsonl import Jsonl
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.json_api import LOOK_PAGES, JsonApi
from livesync_pipelines.model.records import Entry


class JsonApiRowsSelection(Asked, ColumnsSelection):
    """`rows`: the path below the connection's `url`. The fields of an item are its columns; what
    lies deeper is JSON, for a mapping to take apart."""

    rows: Path


class _Items(Jsonl):
    unit = "item"


class JsonApiRows(FileTable):
    """All items of one listing, read once in a run. Pages by number or offset are read twice, for
    they move while they are read: what one of the two shows is there."""

    spec = JsonApi.spec
    Connection = JsonApiConnection
    Selection = JsonApiRowsSelection

    def __init__(
        self, connection: JsonApiConnection, selection: JsonApiRowsSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._client = client_of(connection, limits)
        self._pages = Pages(self._client, connection, selection.rows, selection)
        self._read_twice = isinstance(selection.pages, (Numbered, Counted))
        self._key = selection.key
        self._copy: IO[bytes] | None = None
        self._version = ""

    def close(self) -> None:
        super().close()
        self._client.close()
        if self._copy is not None:
            self._copy.close()

    def mark(self) -> str | None:
        """None where there are so many pages that only a run can tell."""
        if self._copy is None and not self._take(most_pages=LOOK_PAGES):
            return None
        return super().mark()

    @property
    def _where(self) -> str:
        return self._pages.where

    @property
    def _called(self) -> str:
        return self._pages.where

    def _files(self) -> list[Entry]:
        if self._copy is None:
            self._take()
        return [Entry(key=self._where, version=self._version)]

    def _take(self, most_pages: int | None = None) -> bool:
        """Copy all items onto the disk, one a line; whether that was done, for there may be more
        pages than are wanted."""
        copy, digest = TemporaryFile(prefix="livesync-"), blake2b(digest_size=16)  # noqa: SIM115
        try:
            for number, line in self._lines():
                if most_pages is not None and number > most_pages:
                    copy.close()
                    return False
                digest.update(line)
                copy.write(line)
        except BaseException:
            copy.close()
            raise
        copy.flush()
        self._copy, self._version = copy, digest.hexdigest()
        return True

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Each item once, with the number of its page."""
        seen, pages = set[bytes](), 0
        for pages, items in enumerate(self._pages, start=1):
            yield from ((pages, line) for line in self._unseen(items, seen))
        if self._read_twice and pages > 2:
            again = chain.from_iterable(self._pages)
            yield from ((pages, line) for line in self._unseen(again, seen))

    def _unseen(self, items: Any, seen: set[bytes]) -> Iterator[bytes]:
        for item in items:
            line = _line(item)
            digest = blake2b(self._key_of(item) or line, digest_size=16).digest()
            if digest not in seen:
                seen.add(digest)
                yield line + b"\n"

    def _key_of(self, item: Any) -> bytes | None:
        """Its key; None where it has none: that is for the reader of rows to refuse."""
        if not isinstance(item, dict) or not all(name in item for name in self._key):
            return None
        return _line([item[name] for name in self._key])

    def _name(self, entry: Entry) -> str:
        return self._where

    def _format_of(self, entry: Entry) -> Format:
        return _Items()

    def _open(self, entry: Entry) -> IO[bytes]:
        assert self._copy is not None
        copy = os.fdopen(os.dup(self._copy.fileno()), "rb")
        copy.seek(0)
        return copy

    def _check(self, entry: Entry, file: IO[bytes]) -> None:
        """It is our own copy."""


def _line(value: Any) -> bytes:
    """As JSON; what JSON of ours cannot be so that the reader of rows finds that out."""
    try:
        return written(value)
    except ValueError:
        return json.dumps(value).encode()
