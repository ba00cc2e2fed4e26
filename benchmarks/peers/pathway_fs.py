"""Pathway, files in static mode with persistence: https://pathway.com/developers/api-docs/persistence-api

Pathway is under the Business Source License: it stays in its own environment.
"""

from __future__ import annotations

import logging
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from benchmarks.passes import serve, words
from livesync_pipelines.core.chunk import chunk, chunk_ids

logging.disable(logging.WARNING)
pw: Any = import_module("pathway")
graph: Any = import_module("pathway.internals.parse_graph")


def cut(content: bytes, metadata: Any) -> tuple[tuple[str, str, str], ...]:
    """Id, path and text of each chunk of a file."""
    path = "/".join(metadata["path"].as_str().rsplit("/", 2)[-2:])
    pieces = chunk(words(content))
    unique = dict(zip(chunk_ids(path, pieces), pieces, strict=True))
    return tuple((str(key), path, piece.text) for key, piece in unique.items())


class Pathway:
    """Its memory is a folder; its results go to a table that mirrors them."""

    def prepare(self, url: str, folder: Path) -> None:
        place = conninfo_to_dict(url)
        self.settings = {
            "host": str(place.get("host", "localhost")),
            "port": str(place.get("port", 5432)),
            "dbname": str(place["dbname"]),
            "user": str(place.get("user", "postgres")),
            "password": str(place.get("password") or "none"),
        }
        self.folder = folder
        self.place = tempfile.TemporaryDirectory(prefix="pathway-")
        self.memory = pw.persistence.Backend.filesystem(self.place.name)

    def run(self) -> dict[str, float]:
        graph.G.clear()
        found = pw.io.fs.read(
            self.folder, format="binary", mode="static", with_metadata=True, name="documents"
        )
        pieces = found.select(piece=pw.apply(cut, found.data, found._metadata)).flatten(
            pw.this.piece
        )
        rows = pieces.select(
            chunk_id=pw.apply_with_type(lambda p: p[0], str, pw.this.piece),
            path=pw.apply_with_type(lambda p: p[1], str, pw.this.piece),
            text=pw.apply_with_type(lambda p: p[2], str, pw.this.piece),
        )
        pw.io.postgres.write(
            rows,
            self.settings,
            "chunks",
            output_table_type="snapshot",
            primary_key=[rows.chunk_id],
            init_mode="create_if_not_exists",
        )
        pw.run(
            monitoring_level=pw.MonitoringLevel.NONE,
            persistence_config=pw.persistence.Config(self.memory),
        )
        return {}


if __name__ == "__main__":
    serve(Pathway())
