"""What the language of expressions can do with values: operators and functions, each bounded."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import partial
from typing import Any

from livesync_pipelines.core.row_map_spelling import spelled
from livesync_pipelines.core.row_map_types import column_of
from livesync_pipelines.core.row_map_values import Unfit, converted
from livesync_pipelines.model.rows import Column

MAX_CHARS = 100_000
MAX_DIGITS = 60

_CONTEXT = Context(prec=MAX_DIGITS)


def _known(work: Callable[..., Any]) -> Callable[..., Any]:
    """As in SQL, what is computed from null is null."""
    return lambda *given: None if any(one is None for one in given) else work(*given)


def _same_kind(one: Any, other: Any) -> tuple[Any, Any]:
    """Whole numbers and decimals make decimals, a float makes floats."""
    for value in (one, other):
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            raise Unfit(f"{spelled(value)[:40]!r} is not a number")
    if isinstance(one, float) or isinstance(other, float):
        return float(one), float(other)
    return one, other


def _exactly(decimals: Callable[[Any, Any], Any], plain: Callable[[Any, Any], Any]) -> Any:
    """Decimals to `MAX_DIGITS` digits, whatever the thread's own context says."""

    def work(one: Any, other: Any) -> Any:
        one, other = _same_kind(one, other)
        if isinstance(one, Decimal) or isinstance(other, Decimal):
            return decimals(Decimal(one), Decimal(other))
        return bounded(plain(one, other))

    return work


def _plus(one: Any, other: Any) -> Any:
    if isinstance(one, str) and isinstance(other, str):
        return bounded(one + other)
    return _ADD(one, other)


_ADD = _exactly(_CONTEXT.add, operator.add)


def _divided(one: Any, other: Any) -> Any:
    one, other = _same_kind(one, other)
    if isinstance(one, float):
        return one / other
    return _CONTEXT.divide(Decimal(one), Decimal(other))


def _rest(one: Decimal, other: Decimal) -> Decimal:
    """With the sign of the divisor, as for whole numbers."""
    rest = _CONTEXT.remainder(one, other)
    return _CONTEXT.add(rest, other) if rest and (rest < 0) != (other < 0) else rest


def _whole_times(one: Decimal, other: Decimal) -> Decimal:
    return _CONTEXT.divide_int(_CONTEXT.subtract(one, _rest(one, other)), other)


def _order(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def work(one: Any, other: Any) -> bool:
        if isinstance(one, (int, float, Decimal)):
            one, other = _same_kind(one, other)
        return compare(one, other)

    return work


def bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_CHARS:
        raise Unfit(f"becomes a text of more than {MAX_CHARS} characters")
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        raise Unfit(f"becomes a number of more than {MAX_DIGITS} digits")
    return value


OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _known(_plus),
    ast.Sub: _known(_exactly(_CONTEXT.subtract, operator.sub)),
    ast.Mult: _known(_exactly(_CONTEXT.multiply, operator.mul)),
    ast.Div: _known(_divided),
    ast.FloorDiv: _known(_exactly(_whole_times, operator.floordiv)),
    ast.Mod: _known(_exactly(_rest, operator.mod)),
    ast.USub: _known(lambda one: operator.neg(_same_kind(one, 0)[0])),
    ast.UAdd: _known(lambda one: _same_kind(one, 0)[0]),
    ast.Not: _known(operator.not_),
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.Lt: _known(_order(operator.lt)),
    ast.LtE: _known(_order(operator.le)),
    ast.Gt: _known(_order(operator.gt)),
    ast.GtE: _known(_order(operator.ge)),
    ast.In: _known(lambda part, whole: operator.contains(whole, part)),
    ast.NotIn: _known(lambda part, whole: not operator.contains(whole, part)),
}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit(f"{spelled(value)[:40]!r} is not a text")
    return value


def _round(value: Any, digits: int = 0) -> Any:
    number = _same_kind(value, 0)[0]
    if not isinstance(digits, int) or not 0 <= digits <= MAX_DIGITS:
        raise Unfit("the decimals to round to are a whole number from 0 to 60")
    if isinstance(number, Decimal):
        return number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN, _CONTEXT)
    return round(number, digits)


def _replace(text: str, old: str, new: str) -> str:
    if _text(old) and len(_text(text)) + text.count(old) * len(_text(new)) > MAX_CHARS:
        raise Unfit(f"becomes a text of more than {MAX_CHARS} characters")
    return text.replace(old, new) if old else text


def _part(text: str, start: int, length: int) -> str:
    """From character `start`, which counts from 1."""
    return _text(text)[max(start - 1, 0) : max(start - 1, 0) + max(length, 0)]


def _of_day(part: str, value: Any) -> int:
    if not isinstance(value, date) and not (isinstance(value, time) and part in _CLOCK):
        raise Unfit(f"{spelled(value)[:40]!r} has no {part}")
    if part in _CLOCK and not isinstance(value, (datetime, time)):
        raise Unfit(f"a date has no {part}")
    return int(getattr(value, part))


def _converted(kind: Column, value: Any) -> Any:
    return converted(value, kind)


_CLOCK = ("hour", "minute", "second")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "coalesce": lambda *given: next((one for one in given if one is not None), None),
    "round": _known(_round),
    "abs": _known(lambda value: abs(_same_kind(value, 0)[0])),
    "min": _known(min),
    "max": _known(max),
    "upper": _known(lambda text: _text(text).upper()),
    "lower": _known(lambda text: _text(text).lower()),
    "trim": _known(lambda text: _text(text).strip()),
    "length": _known(lambda value: len(value if isinstance(value, list) else _text(value))),
    "replace": _known(_replace),
    "part": _known(_part),
    "starts_with": _known(lambda text, start: _text(text).startswith(_text(start))),
    "ends_with": _known(lambda text, end: _text(text).endswith(_text(end))),
    **{name: _known(partial(_of_day, name)) for name in ("year", "month", "day", *_CLOCK)},
    **{
        name: _known(partial(_converted, column_of(cast)))
        for name, cast in (
            ("text", "text"),
            ("integer", "integer"),
            ("decimal", "decimal(38,18)"),
            ("float", "float"),
            ("date", "date"),
        )
    },
}
