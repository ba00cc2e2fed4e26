"""The practical limit: a plain script that does this work and nothing else.

It remembers path, size, mtime and hash of every document, and holds all of that in memory. Its
chunks have the search column and the index of `livesync.chunks`.

    python -m benchmarks.limit index-last | index-first | no-index
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import psycopg

from benchmarks.passes import files, serve, words
from livesync_pipelines.core.chunk import chunk, chunk_ids

TABLES = """
create table files (path text collate "C" not null, size bigint not null, mtime bigint not null,
                    hash bytea not null);
create table chunks (chunk_id uuid not null, path text collate "C" not null, text text not null
                     {words});
alter table chunks alter column text set storage external;
"""
WORDS = ", words tsvector generated always as (to_tsvector('english', text)) stored"
EXTERNAL = "alter table chunks alter column words set storage external;"
KEYS = """
alter table files add primary key (path);
alter table chunks add primary key (chunk_id);
create index on chunks (path);
"""
GIN = "create index on chunks using gin (words) with (gin_pending_list_limit = 65536);"


@dataclass(frozen=True, slots=True)
class Document:
    path: str
    size: int
    mtime: int
    hash: bytes


@dataclass(slots=True)
class Limit:
    """`words`: with a full-text index; `last`: the first load builds its indexes at the end."""

    words: bool
    last: bool
    url: str = ""
    folder: Path = Path()

    def prepare(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        with psycopg.connect(url) as connection:
            connection.execute(TABLES.format(words=WORDS if self.words else "").encode())
            if self.words:
                connection.execute(EXTERNAL)
            if not self.last:
                self._index(connection)

    def _index(self, connection: psycopg.Connection) -> None:
        connection.execute(KEYS)
        if self.words:
            connection.execute(GIN)

    def run(self) -> dict[str, float]:
        with psycopg.connect(self.url) as connection:
            known = {
                path: (size, mtime)
                for path, size, mtime in connection.execute("select path, size, mtime from files")
            }
            if not known:
                self._load(connection, files(self.folder))
                if self.last:
                    self._index(connection)
            else:
                self._update(connection, known)
        return {}

    def _update(self, connection: psycopg.Connection, known: dict[str, tuple[int, int]]) -> None:
        differing: list[tuple[str, os.stat_result]] = []
        for path, status in files(self.folder):
            if known.pop(path, None) != (status.st_size, status.st_mtime_ns):
                differing.append((path, status))
        gone = [*known, *(path for path, _ in differing)]
        if not gone:
            return
        hashes: dict[str, bytes] = dict(
            connection.execute("select path, hash from files where path = any(%s)", (gone,))
        )
        changed: list[tuple[str, os.stat_result]] = []
        for path, status in differing:
            if hashes.get(path) == digest((self.folder / path).read_bytes()):
                mtime = (status.st_mtime_ns, path)
                connection.execute("update files set mtime = %s where path = %s", mtime)
            else:
                changed.append((path, status))
        dead = [*known, *(path for path, _ in changed if path in hashes)]
        connection.execute("delete from chunks where path = any(%s)", (dead,))
        connection.execute("delete from files where path = any(%s)", (dead,))
        self._load(connection, changed)

    def _load(
        self, connection: psycopg.Connection, found: Iterable[tuple[str, os.stat_result]]
    ) -> None:
        """All chunks in one COPY, so that the server works while this script reads and cuts."""
        done: list[Document] = []
        with connection.cursor() as cursor:
            with cursor.copy("copy chunks (chunk_id, path, text) from stdin") as out:
                for row in self._chunks(found, done):
                    out.write_row(row)
            with cursor.copy("copy files (path, size, mtime, hash) from stdin") as out:
                for each in done:
                    out.write_row((each.path, each.size, each.mtime, each.hash))

    def _chunks(
        self, found: Iterable[tuple[str, os.stat_result]], done: list[Document]
    ) -> Iterator[tuple[object, str, str]]:
        for path, status in found:
            content = (self.folder / path).read_bytes()
            pieces = chunk(words(content))
            unique = dict(zip(chunk_ids(path, pieces), pieces, strict=True))
            for chunk_id, piece in unique.items():
                yield chunk_id, path, piece.text
            done.append(Document(path, status.st_size, status.st_mtime_ns, digest(content)))


def digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


if __name__ == "__main__":
    serve(Limit(words=sys.argv[1] != "no-index", last=sys.argv[1] != "index-first"))
