"""One spelling of text, a title, and fingerprints that change when a reader would see it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.normalise import normalise, normalise_text, title_of
from livesync_pipelines.model.records import Body, Entry, Extracted, Record

NOW = datetime(2026, 3, 1, tzinfo=UTC)
anything = st.text(st.characters(exclude_categories=()), max_size=60)
blanks = st.text(st.sampled_from("a \t\n\r\0\ud800é\u0301#"), max_size=40)
BODY = Body(key="a", version="1", content=b"x", name="a%20b.md", url="fake://a")
EXTRACTED = Extracted(text="Words.", media_type="text/markdown")


@given(anything | blanks)
def test_a_text_that_is_normal_stays_as_it_is(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once


@given(anything | blanks)
def test_what_is_normal_can_be_stored_and_has_no_blank_ends(text: str) -> None:
    normal = normalise_text(text)
    normal.encode()
    assert "\0" not in normal
    assert "\r" not in normal
    assert "\n\n\n\n" not in normal
    assert all(line == line.rstrip(" \t") for line in normal.split("\n"))
    assert normal == normal.strip("\n")
    assert unicodedata.is_normalized("NFC", normal)


@given(anything)
def test_line_ends_make_no_difference(text: str) -> None:
    plain = text.replace("\r", "")
    assert normalise_text(plain.replace("\n", "\r\n")) == normalise_text(plain)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("", ""),
        ("  indented\n    more", "  indented\n    more"),
        ("end  ", "end"),
        ("a\n \t\n\n\n\n\nb", "a\n\n\nb"),
        ("e\u0301", "é"),
        ("a\0b", "a\ufffdb"),
        ("é\ud800", "é\ufffd"),
        ("\n\na\n\n", "a"),
        ("a\rb", "a\nb"),
    ],
)
def test_texts_and_their_one_spelling(text: str, normal: str) -> None:
    assert normalise_text(text) == normal


@pytest.mark.parametrize(
    ("body", "extracted", "text", "title"),
    [
        ("From the source", "Own", "# Heading", "From the source"),
        (None, "Own", "# Heading", "Own"),
        (None, None, "Before\n\n## Heading ##\n\nAfter", "Heading"),
        (None, None, "No heading.", "a b.md"),
        (None, None, "#hashtag", "a b.md"),
        ("  many \n\t blanks ", None, "", "many blanks"),
        ("x" * 500, None, "", "x" * 300),
        ("\0", None, "", "\ufffd"),
        (" \n ", None, "", "a"),
    ],
)
def test_the_title_is_the_first_that_there_is(
    body: str | None, extracted: str | None, text: str, title: str
) -> None:
    found = title_of(replace(BODY, title=body), replace(EXTRACTED, title=extracted), text)
    assert found == title


def record(body: Body = BODY, extracted: Extracted = EXTRACTED) -> Record:
    entry = Entry("a", "1", identity="i", state="s")
    return normalise(body, extracted, item_id="id", entry=entry, fetched_at=NOW)


def test_a_record_holds_what_its_parts_say() -> None:
    made = record(
        replace(BODY, attributes={"who": "source"}),
        replace(EXTRACTED, attributes={"who": "file", "pages": "3"}),
    )
    assert made.attributes == {"who": "source", "pages": "3"}
    assert (made.identity, made.state, made.size) == ("i", "s", 1)


@pytest.mark.parametrize(
    ("body", "extracted"),
    [
        (replace(BODY, title="Other"), EXTRACTED),
        (replace(BODY, url="fake://b"), EXTRACTED),
        (replace(BODY, attributes={"a": "b"}), EXTRACTED),
        (BODY, replace(EXTRACTED, text="Other.")),
        (BODY, replace(EXTRACTED, media_type="text/html")),
    ],
)
def test_whatever_a_reader_sees_is_in_the_fingerprint(body: Body, extracted: Extracted) -> None:
    assert record(body, extracted).fingerprint != record().fingerprint


def test_times_versions_and_sizes_are_not_in_the_fingerprint() -> None:
    other = replace(BODY, version="2", content=b"xyz", modified_at=NOW)
    assert record(other).fingerprint == record().fingerprint


def test_attributes_do_not_run_into_each_other() -> None:
    one = record(replace(BODY, attributes={"a": "b", "c": "d"}))
    other = record(replace(BODY, attributes={"a": "b\0c\0d"}))
    assert one.fingerprint != other.fingerprint


@given(anything, anything, anything)
def test_no_character_of_a_source_breaks_a_record(title: str, url: str, value: str) -> None:
    body = replace(BODY, title=title, url=url, version=value, attributes={value: title})
    made = record(body)
    stored = (made.title, made.url, made.version, *made.attributes, *made.attributes.values())
    for text in stored:
        text.encode()
        assert "\0" not in text
