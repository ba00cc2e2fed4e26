"""dlt, files by modification date, merged by path: https://dlthub.com/docs/general-usage/merge-loading

It has no way to hear of a file that is gone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.passes import serve, words
from livesync_pipelines.core.chunk import chunk, chunk_ids

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
dlt = import_module("dlt")
filesystem: Any = import_module("dlt.sources.filesystem").filesystem


def cut(items: list[Any]) -> Iterator[list[dict[str, str]]]:
    """The rows of a page of files."""
    rows = []
    for item in items:
        path = item["relative_path"]
        pieces = chunk(words(item.read_bytes()))
        unique = dict(zip(chunk_ids(path, pieces), pieces, strict=True))
        rows += [{"chunk_id": str(i), "path": path, "text": p.text} for i, p in unique.items()]
    yield rows


class Dlt:
    """A pipeline's working folder is its memory, with tables of its own in the database."""

    def prepare(self, url: str, folder: Path) -> None:
        place = dict(part.split("=", 1) for part in url.split())
        host = quote(place.get("host", "localhost"), safe="")
        secret = place.get("password", "none")
        address = {
            "host": host,
            "username": place.get("user", "postgres"),
            "password": secret,
            "database": place["dbname"],
            "port": int(place.get("port", 5432)),
        }
        self.memory = tempfile.TemporaryDirectory(prefix="dlt-")
        self.pipeline = dlt.pipeline(
            pipeline_name=f"peer_{place['dbname']}",
            pipelines_dir=self.memory.name,
            destination=dlt.destinations.postgres(credentials=address),
            dataset_name="peer",
        )
        self.folder = folder

    def run(self) -> dict[str, float]:
        found = filesystem(bucket_url=self.folder.as_uri(), file_glob="**/*.md")
        found.apply_hints(incremental=dlt.sources.incremental("modification_date"))
        chunks = (found | dlt.transformer(cut, name="chunks")).with_name("chunks")
        chunks.apply_hints(merge_key="path")
        self.pipeline.run(
            chunks,
            table_name="chunks",
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
            primary_key="chunk_id",
        )
        return {}


if __name__ == "__main__":
    serve(Dlt())
