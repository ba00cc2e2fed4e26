"""LangChain `index()`, cleanup "full": https://reference.langchain.com/python/langchain_core/indexing

Its vector store here is a plain table without vectors, filled by COPY.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.passes import files, serve, words
from livesync_pipelines.core.chunk import chunk

core = import_module("langchain_core.indexing")
Document: Any = import_module("langchain_core.documents").Document
VectorStore: Any = import_module("langchain_core.vectorstores").VectorStore
RecordManager: Any = import_module("langchain_classic.indexes").SQLRecordManager

BATCH = 1_000


class Table(VectorStore):  # type: ignore[misc]  # it has no types
    """A vector store that keeps path and text by id, and cannot search."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        connection.execute(
            "create table if not exists chunks (id text primary key, path text, text text)"
        )

    def add_documents(self, documents: list[Any], *, ids: Sequence[str], **_: Any) -> list[str]:
        self.delete(list(ids))
        with (
            self.connection.cursor() as cursor,
            cursor.copy("copy chunks (id, path, text) from stdin") as out,
        ):
            for key, each in zip(ids, documents, strict=True):
                out.write_row((key, each.metadata["source"], each.page_content))
        return list(ids)

    def delete(self, ids: list[str] | None = None, **_: Any) -> bool:
        self.connection.execute("delete from chunks where id = any(%s)", (ids,))
        return True

    def add_texts(self, *_: Any, **__: Any) -> list[str]:
        raise NotImplementedError

    def similarity_search(self, *_: Any, **__: Any) -> list[Any]:
        raise NotImplementedError

    @classmethod
    def from_texts(cls, *_: Any, **__: Any) -> Table:
        raise NotImplementedError


class LangChain:
    """The record manager keeps its hashes in the same database."""

    def prepare(self, url: str, folder: Path) -> None:
        place = conninfo_to_dict(url)
        address = import_module("sqlalchemy").URL.create(
            "postgresql+psycopg",
            username=place.get("user"),
            password=place.get("password"),
            database=place.get("dbname"),
            query={"host": str(place.get("host", "localhost"))},
        )
        self.records = RecordManager("peer", db_url=address)
        self.records.create_schema()
        self.table = Table(psycopg.connect(url, autocommit=True))
        self.folder = folder

    def documents(self) -> Iterator[Any]:
        for path, _ in files(self.folder):
            for piece in chunk(words((self.folder / path).read_bytes())):
                yield Document(page_content=piece.text, metadata={"source": path})

    def run(self) -> dict[str, float]:
        core.index(
            self.documents(),
            self.records,
            self.table,
            batch_size=BATCH,
            cleanup="full",
            source_id_key="source",
            key_encoder="blake2b",
        )
        return {}


if __name__ == "__main__":
    serve(LangChain())
