"""The language of computed fields: what it can do, and that it can do nothing else."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.row_map_expression import MAX_LENGTH, MAX_NODES, read
from livesync_pipelines.core.row_map_functions import MAX_CHARS
from livesync_pipelines.core.row_map_values import Unfit
from livesync_pipelines.model.errors import BadInput

ROW = {
    "net": Decimal("10.10"),
    "wide": Decimal("12345678901234567890123456789012345678"),
    "n": 7,
    "f": 1.5,
    "s": "  Ada ",
    "day": date(2026, 2, 3),
    "at": datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
    "clock": time(4, 5, 6),
    "tags": ["a", "b"],
    "no": None,
    "full name": "Ada L",
    "yes": True,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("net * 1.19", Decimal("12.0190")),
        ("wide + 1", Decimal("12345678901234567890123456789012345679")),
        ("n / 2", Decimal("3.5")),
        ("-n // 2", -4),
        ("-7.0 // 2", Decimal(-4)),
        ("-7.0 % 2", Decimal("1.0")),
        ("n * f", 10.5),
        ("0.1 + 0.2 == 0.3", True),
        ("round(net / 3, 2)", Decimal("3.37")),
        ("min(n, 3) + max(n, 3) + abs(-1)", 11),
        ("no + 1", None),
        ("no < 1", None),
        ("coalesce(no, n)", 7),
        ("no is None", True),
        ("'none' if no is None else 'some'", "none"),
        ("upper(trim(s)) + '!'", "ADA!"),
        ("length(s) + length(tags)", 8),
        ("'b' in tags and 'x' not in tags", True),
        ("replace(trim(s), 'd', 'nn')", "Anna"),
        ("part('abcdef', 2, 3)", "bcd"),
        ("starts_with('abc', 'ab') and ends_with('abc', 'bc')", True),
        ("year(day) * 100 + month(at)", 202602),
        ("hour(clock) + minute(at) + second(at)", 15),
        ('column("full name")', "Ada L"),
        ("text(day)", "2026-02-03"),
        ("integer('12') + decimal('0.5')", Decimal("12.5")),
        ("date('2026-02-03') == day", True),
        ("not yes or n > 3 and n <= 7", True),
    ],
)
def test_it_computes(text: str, value: object) -> None:
    found = read(text)(ROW)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "s.upper()", "s.__class__", "tags[0]", "[x for x in tags]", "{n for n in tags}",
        "lambda: 1",
        "f'{s}'", "2 ** 9", "n << 3", "n | 1", "n @ n", "~n", "(n := 3)", "*tags", "[1]", "(1, 2)",
        "{'a': 1}", "open('x')", "__import__('os')", "rand()", "upper(s)(s)",
        "round(net, digits=1)",
        "b'x'", "1j", "...", "n; n", "n = 1", "import os", "", "   ", "(" * 300, "-" * 900 + "1",
        "'" + "x" * MAX_LENGTH + "'", "+".join(["n"] * MAX_NODES), "\x00",
        "'\\ud800'", "await n", "yield",
    ],
)  # fmt: skip
def test_what_is_not_part_of_the_language_is_refused_before_any_row_is_read(text: str) -> None:
    with pytest.raises(BadInput, match="expression"):
        read(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / (n - 7)", "divides by zero"),
        ("1 // 0", "divides by zero"),
        ("f % 0", "divides by zero"),
        ("s * 3", "is not a number"),
        ("s + 1", "is not a number"),
        ("n + yes", "is not a number"),
        ("day < s", "cannot be computed from these values"),
        ("n in n", "cannot be computed from these values"),
        ("upper(n)", "is not a text"),
        ("hour(day)", "a date has no hour"),
        ("integer('x')", "is not a whole number"),
        ("round(n)" + " * 1000000000" * 8, "more than 60 digits"),
        ("replace(" * 6 + "'aaaaaaaaaa'" + ", 'a', 'aaaaaaaaaa')" * 6, f"{MAX_CHARS} characters"),
    ],
)
def test_what_cannot_be_computed_for_one_row_is_told_in_words(text: str, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        read(text)(ROW)


def test_the_columns_that_it_reads_are_known() -> None:
    assert read("coalesce(b, a + b) if column('c d') else round(1.5)").columns == ("c d", "b", "a")


OPERATORS = ["+", "-", "*", "/", "//", "%", "==", "<", ">=", "and", "or", "in"]
expressions = st.recursive(
    st.sampled_from([*(name for name in ROW if " " not in name), "1", "0", "2.5", "'x'", "None"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
            lambda three: f"({three[0]} {three[1]} {three[2]})"
        ),
        st.tuples(st.sampled_from(["abs", "upper", "text", "float", "year", "length"]), inner).map(
            lambda two: f"{two[0]}({two[1]})"
        ),
        st.tuples(inner, inner, inner).map(lambda three: "({} if {} else {})".format(*three)),
    ),
    max_leaves=8,
)


@given(expressions)
def test_whatever_is_written_there_is_a_value_or_a_reason(text: str) -> None:
    with contextlib.suppress(Unfit):
        read(text)(ROW)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused_and_nothing_else_happens(text: str) -> None:
    with contextlib.suppress(BadInput):
        read(text)
