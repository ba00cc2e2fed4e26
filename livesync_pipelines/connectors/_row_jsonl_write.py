"""JSON Lines written again with other values in some rows: what is not changed keeps its bytes,
lines and members alike."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

import pyarrow as pa

from livesync_pipelines.connectors import _row_values as values
from livesync_pipelines.connectors._row_jsonl import lines
from livesync_pipelines.connectors._row_judging import Judged
from livesync_pipelines.connectors._row_text import utf8_mark
from livesync_pipelines.connectors._row_types import Kind

_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\r\n]*")


class JsonlWriter:
    def made(self, kinds: Mapping[str, Kind], into: IO[bytes]) -> None:
        """Nothing: a file without lines names no columns."""

    def rewritten(
        self, file: IO[bytes], judged: Judged, kinds: Mapping[str, Kind], into: IO[bytes]
    ) -> None:
        into.write(utf8_mark(file))
        changed = dict(zip(judged.lines.to_pylist(), _edits(judged, kinds), strict=True))
        removed = set(judged.removed.to_pylist())
        for number, line in enumerate(lines(file), 1):
            if number in changed:
                into.write(_edited(line.decode(), changed[number]).encode())
            elif number not in removed and line.strip():
                into.write(line if line.endswith(b"\n") else line + b"\n")
        for added in _objects(judged.added, kinds):
            into.write(_text(added).encode() + b"\n")

    def refused(self, rows: pa.Table, file: IO[bytes]) -> dict[int, str]:
        """JSON has no numbers that are infinite or none; and a list with a null in it would be read
        again as something else than a list of texts."""
        endless = {
            place: f"column {name} holds a number that JSON does not have"
            for name in rows.column_names
            if rows[name].type == pa.float64()
            for place, value in enumerate(rows[name].to_pylist())
            if value is not None and not math.isfinite(value)
        }
        return endless | {
            place: f"column {name} holds a list with a null in it, which is no list of texts"
            for name in rows.column_names
            if pa.types.is_list(rows[name].type)
            for place, value in enumerate(rows[name].to_pylist())
            if value is not None and None in value
        }

    def shown(self, rows: pa.Table, file: IO[bytes]) -> pa.Table:
        return rows


def _edits(judged: Judged, kinds: Mapping[str, Kind]) -> Iterator[dict[str, Any]]:
    """Of each changed row, the members that are other values than before."""
    edited = {name: judged.edited(name).to_pylist() for name in judged.changed.column_names}
    for row, members in enumerate(_objects(judged.changed, kinds)):
        yield {name: value for name, value in members.items() if edited[name][row]}


def _objects(table: pa.Table, kinds: Mapping[str, Kind]) -> list[dict[str, Any]]:
    names = table.column_names
    columns = [values.jsons(table[name].combine_chunks(), kinds[name]) for name in names]
    rows = zip(*columns, strict=True) if columns else iter(())
    return [dict(zip(names, row, strict=True)) for row in rows]


def _edited(line: str, edits: Mapping[str, Any]) -> str:
    """The line with other values in these members. Of a name that is there twice, the last one
    counts; a new member comes last."""
    there, end = _members(line)
    pieces = [(at, _text(edits[name])) for name, at in there.items() if name in edits]
    new = [f"{_text(name)}: {_text(value)}" for name, value in edits.items() if name not in there]
    if new:
        pieces.append(((end, end), "".join([", " if there else "", ", ".join(new)])))
    for (start, stop), text in sorted(pieces, reverse=True):
        line = line[:start] + text + line[stop:]
    return line if line.endswith("\n") else f"{line}\n"


def _members(line: str) -> tuple[dict[str, tuple[int, int]], int]:
    """Where in a line the value of each member of its object stands, and where the last one ends
    (or would begin)."""
    found: dict[str, tuple[int, int]] = {}
    end = at = line.index("{") + 1
    while (at := _past_blanks(line, at)) < len(line) and line[at] != "}":
        at = _past_blanks(line, at + 1) if line[at] == "," else at
        name, at = _DECODER.raw_decode(line, at)
        start = _past_blanks(line, _past_blanks(line, at) + 1)
        _, end = _DECODER.raw_decode(line, start)
        found[name] = start, end
        at = end
    return found, end


def _past_blanks(line: str, at: int) -> int:
    match = _BLANKS.match(line, at)
    return match.end() if match else at


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
