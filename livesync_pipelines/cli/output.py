"""What goes to standard output: one JSON document, or lines and tables for a person."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_UNSEEN = re.compile(f"{_CONTROL.pattern}|[\t\n]")
_HIT = re.compile("\x02([^\x02\x03]*)\x03")
_BRIEF = 40
_UNITS = ((86_400, "day"), (3_600, "h"), (60, "min"))
_COLOURS = {
    "ok": "green",
    "success": "green",
    "added": "green",
    "active": "green",
    "working": "cyan",
    "running": "cyan",
    "changed": "yellow",
    "updated": "yellow",
    "partial": "yellow",
    "warning": "yellow",
    "paused": "yellow",
    "interrupted": "yellow",
    "cancelled": "yellow",
    "waiting_for_approval": "yellow",
    "refused": "yellow",
    "rate_limited": "yellow",
    "failed": "red",
    "removed": "red",
}


def emit(document: Mapping[str, Any]) -> None:
    """The one JSON document of a command."""
    ascii_only = "utf" not in (sys.stdout.encoding or "").lower()
    click.echo(json.dumps(document, indent=2, ensure_ascii=ascii_only, default=_plain))


def say(line: str = "") -> None:
    """A line for a person, on standard output."""
    click.echo(clean(line))


def note(line: str) -> None:
    """A remark for a person, on standard error."""
    click.echo(clean(line), err=True)


def clean(text: str) -> str:
    """Without what could steer a terminal: texts come from other people's documents."""
    return _CONTROL.sub("\ufffd", text)


def named(text: str) -> str:
    """A name within a line: names of files may hold line ends and what steers a terminal."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def briefly(value: object) -> str:
    """A value as JSON, its beginning only where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _BRIEF else f"{text[: _BRIEF - 1]}…"


def is_cut(value: object) -> bool:
    """Whether `briefly` leaves something of a value out."""
    return len(json.dumps(value, ensure_ascii=False)) > _BRIEF


def ago(moment: datetime | None, now: datetime) -> str:
    """`2 min ago`, `in 5 min`; a dash where there is no moment."""
    if moment is None:
        return "-"
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    if size < 10:
        return "now"
    said = f"{size:.0f} s"
    for length, unit in _UNITS:
        if size >= length:
            count = int(size // length)
            said = f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
            break
    return f"{said} ago" if seconds > 0 else f"in {said}"


def table(headers: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """A table: in colour on a terminal, aligned columns elsewhere."""
    cells = [[_cell(value) for value in line] for line in lines]
    if sys.stdout.isatty():
        _rich_table(headers, cells)
        return
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    for line in (headers, *cells):
        pairs = zip(line, widths, strict=True)
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in pairs).rstrip())


def marked(snippet: str) -> None:
    """A snippet whose hits stand between `capsules.MARKS`: bold on a terminal, `**` elsewhere."""
    if not sys.stdout.isatty():
        say(_indented(_HIT.sub(r"**\1**", snippet)))
        return
    parts = re.split("[\x02\x03]", _indented(snippet))
    styled = (
        click.style(clean(p), bold=n % 2 == 1, fg="yellow" if n % 2 else None)
        for n, p in enumerate(parts)
    )
    click.echo("".join(styled))


def title(text: str) -> None:
    """A line that begins something; bold on a terminal."""
    click.echo(click.style(clean(text), bold=True))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines() if line.strip())


def _cell(value: object) -> str:
    return "-" if value is None else clean(str(value)).replace("\n", " ")


def _rich_table(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        shown.add_column(header, overflow="fold")
    for line in cells:
        shown.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in line))
    Console().print(shown)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
