"""Options and kinds of values that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_SPAN = re.compile(r"([0-9]{1,5})(min|h|d|w)")
_SPANS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(ctx: click.Context, param: click.Parameter, text: str | None) -> datetime | None:
    """`2026-11-01`, `2026-11-01T12:00Z`, or a span before now such as `7d`."""
    if text is None:
        return None
    if span := _SPAN.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_SPANS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        said = f"{text!r} is no time: write 2026-11-01, 2026-11-01T12:00Z, or a span such as"
        raise click.BadParameter(f"{said} 30min, 12h, 7d, 4w.", ctx, param) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def pairs(
    ctx: click.Context, param: click.Parameter, texts: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Each `key=value` in two."""
    found = []
    for text in texts:
        key, sign, rest = text.partition("=")
        if not sign or not key.strip():
            raise click.BadParameter(f"{text!r} is not of the form key=value.", ctx, param)
        found.append((key.strip(), rest))
    return tuple(found)


def pair_option(*names: str, text: str) -> Callable[[F], F]:
    """An option that is given as `key=value`, any number of times."""
    return click.option(*names, multiple=True, callback=pairs, metavar="KEY=VALUE", help=text)


def json_option(command: F) -> F:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
    )(command)


def limit_option(default: int, most: int) -> Callable[[F], F]:
    return click.option(
        "--limit",
        type=click.IntRange(1, most),
        default=default,
        show_default=True,
        help="How many at most.",
    )
