"""JSON, JSON lines and notebooks."""

from __future__ import annotations

import json
from typing import Any

from .charset import decode
from .limits import Job, Reading, Unreadable, too_many_cells
from .markdown import joined, table
from .text import fenced, markdown_title


def read(job: Job) -> Reading:
    """A list of flat objects becomes a table, anything else a code block. What does not parse but
    is whole (a settings file with comments) is kept as it is."""
    text = decode(job.content, job.charset).strip()
    if job.family == "jsonl":
        return Reading(text=_lines(text, job), attributes={})
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return Reading(text=_unparsed(text, error, job), attributes={})
    if job.name.endswith(".ipynb") and isinstance(value, dict) and "cells" in value:
        return _notebook(value)
    rows = value if isinstance(value, list) else []
    if _are_flat(rows):
        return Reading(text=_table(text, rows, job), attributes={})
    return Reading(text=fenced(_spread(text, value), "json"), attributes={})


def _unparsed(text: str, error: json.JSONDecodeError, job: Job) -> str:
    if error.msg == "Extra data" and "\n" in text:
        return _lines(text, job)
    if error.pos >= len(text) - 1 or error.msg.startswith("Unterminated string"):
        raise Unreadable("malformed", "It ends in the middle: its JSON is not closed.") from error
    return fenced(text, "json")


def _lines(text: str, job: Job) -> str:
    """JSON lines; a last line that is cut off means a file cut off."""
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        rows = [json.loads(line, parse_float=str, parse_int=str) for line in lines]
    except json.JSONDecodeError as error:
        raise Unreadable("malformed", "Not every line of it is JSON.") from error
    if _are_flat(rows):
        return _table_of(rows, job)
    return fenced("\n".join(lines), "json")


def _are_flat(rows: list[Any]) -> bool:
    """Objects of plain values, that share most of their keys."""
    if not rows or not all(isinstance(row, dict) and row for row in rows):
        return False
    if any(isinstance(value, dict | list) for row in rows for value in row.values()):
        return False
    keys = {key for row in rows for key in row}
    return sum(map(len, rows)) >= 0.5 * len(keys) * len(rows)


def _table(text: str, rows: list[Any], job: Job) -> str:
    """Numbers are read again as they are written: 1.10 stays 1.10."""
    if len(rows) > job.limits.max_cells:
        raise too_many_cells(job.limits)
    return _table_of(json.loads(text, parse_float=str, parse_int=str), job)


def _table_of(rows: list[dict[str, Any]], job: Job) -> str:
    header = list(dict.fromkeys(key for row in rows for key in row))
    if len(header) * len(rows) > job.limits.max_cells:
        raise too_many_cells(job.limits)
    return table([header, *([_word(row.get(key)) for key in header] for row in rows)])


def _word(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spread(text: str, value: object) -> str:
    """As its author laid it out; spread over lines if it is all on one."""
    if "\n" in text or len(text) < 80:
        return text
    return json.dumps(value, indent=2, ensure_ascii=False)


def _notebook(value: dict[str, Any]) -> Reading:
    """Markdown cells as they are, code cells as code with what they printed; no pictures."""
    language = value.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    blocks: list[str] = []
    for cell in value["cells"]:
        source = _source(cell.get("source"))
        if cell.get("cell_type") == "code":
            blocks += [fenced(source, language) if source.strip() else "", *_printed(cell)]
        else:
            blocks.append(source)
    text = joined(blocks)
    return Reading(
        text=text, title=markdown_title(text), attributes={}, media_type="application/x-ipynb+json"
    )


def _printed(cell: dict[str, Any]) -> list[str]:
    outputs = [
        out.get("text") or out.get("data", {}).get("text/plain") for out in cell.get("outputs", [])
    ]
    return [fenced(_source(output)) for output in outputs if output]


def _source(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")
