"""The process that cuts texts: `python -m livesync_pipelines.engine.cutter`.

It reads `[scope, [[item_id, text], ...]]` and answers with the chunks of each item as
`[chunk_id, header, start, end, heading_path]`: JSON, its length before it. It ends when its
input does.
"""

from __future__ import annotations

import sys
from typing import Any

import orjson

from livesync_pipelines.core.chunk import chunk, chunk_ids
from livesync_pipelines.engine.cutting import LENGTH


def main() -> None:
    """Answer until nobody asks."""
    while head := sys.stdin.buffer.read(LENGTH.size):
        scope, items = orjson.loads(sys.stdin.buffer.read(LENGTH.unpack(head)[0]))
        answer = orjson.dumps([_cut(f"{scope}\0{item_id}", text) for item_id, text in items])
        sys.stdout.buffer.write(LENGTH.pack(len(answer)))
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def _cut(scope: str, text: str) -> list[tuple[Any, ...]]:
    pieces = chunk(text)
    return [
        (i, c.text[: len(c.text) - (c.end - c.start)], c.start, c.end, c.heading_path)
        for i, c in zip(chunk_ids(scope, pieces), pieces, strict=True)
    ]


if __name__ == "__main__":
    main()
