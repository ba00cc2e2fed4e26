"""Options and kinds of values that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from livesync_pipelines.core import moments

F = TypeVar("F", bound=Callable[..., Any])


def moment(ctx: click.Context, param: click.Parameter, text: str | None) -> datetime | None:
    """A time, or a span before now."""
    return None if text is None else moments.moment(text, now=datetime.now(UTC))


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


def limit_option(default: int, most: int | None) -> Callable[[F], F]:
    """`--limit`; where there is no `most`, 0 asks for all."""
    return click.option(
        "--limit",
        type=click.IntRange(0 if most is None else 1, most),
        default=default,
        show_default=True,
        help="How many at most; 0 for all." if most is None else "How many at most.",
    )
