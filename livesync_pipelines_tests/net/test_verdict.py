from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.net.verdict import LONGEST_WAIT_S, request_id, retry_after_s

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("0", 0),
        ("30", 30),
        (" 30 ", 30),
        ("1.5", 1.5),
        ("-5", 0),
        ("999999999", LONGEST_WAIT_S),
        ("Sat, 21 Nov 2026 12:01:00 GMT", 60),
        ("Sat, 21 Nov 2026 13:01:00 +0100", 60),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 21 Nov 2039 12:00:00 GMT", LONGEST_WAIT_S),
        ("Saturday, 21-Nov-26 12:01:00 GMT", 60),
        ("Sat, 21 Nov 2026 12:01:00", 60),
        ("Sat, 21 Nov 2026 12:00:00 +99999999999999999999", None),
        ("Sat, 21 Nov 99999999999 12:00:00 GMT", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("9" * 400, None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_both_forms_of_retry_after_are_read_and_nonsense_is_nothing(
    said: str | None, wait_s: float | None
) -> None:
    assert retry_after_s(said, NOW) == wait_s


@given(st.text())
def test_no_retry_after_waits_longer_than_an_hour_or_backwards(said: str) -> None:
    wait_s = retry_after_s(said, NOW)
    assert wait_s is None or 0 <= wait_s <= LONGEST_WAIT_S


def test_a_request_id_is_quoted_only_when_it_looks_like_one() -> None:
    assert request_id({"x-request-id": "a-1"}) == " (request a-1)"
    assert request_id({"x-request-id": "a\nb"}) == ""
    assert request_id({}) == ""


@pytest.mark.parametrize("header", ["x-dropbox-request-id", "atl-traceid", "x-arequestid"])
def test_vendors_name_a_call_each_in_a_header_of_its_own(header: str) -> None:
    assert request_id({"cf-ray": "edge", header: "a-1"}) == " (request a-1)"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"object": "error", "request_id": "a-1"}', " (request a-1)"),
        (b'{"request_id": "a b"}', " (request edge)"),
        (b'{"request_id": {"a": 1}}', " (request edge)"),
        (b'["request_id"]', " (request edge)"),
        (b'{"request_id": "a-1"', " (request edge)"),
        (b"\xff", " (request edge)"),
        (b"[" * 100_000, " (request edge)"),
    ],
)
def test_what_an_error_calls_its_request_goes_before_what_the_headers_say(
    content: bytes, told: str
) -> None:
    assert request_id({"cf-ray": "edge"}, content) == told
