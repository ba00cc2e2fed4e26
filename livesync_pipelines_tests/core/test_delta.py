"""What changed: a listing against the shadow, then a record against its base."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.connectors.base import listing_table
from livesync_pipelines.core.delta import compare, delta
from livesync_pipelines.model.operation import Op
from livesync_pipelines.model.records import Delta, Entry, Known, Record

Versions = dict[str, str]
versions = st.dictionaries(st.text(max_size=3), st.sampled_from("123"), max_size=12)


def listing(held: Versions) -> pa.Table:
    return listing_table(Entry(key, held[key]) for key in sorted(held))


def shadow(held: Versions) -> pa.Table:
    keys = pa.array(list(held), pa.string())
    return pa.table({"key": keys, "version": pa.array(list(held.values()), pa.string())})


def keys(table: pa.Table) -> set[str]:
    return set(table["key"].to_pylist())


@given(now=versions, before=versions)
def test_every_item_is_in_exactly_one_of_four_places(now: Versions, before: Versions) -> None:
    found = compare(listing(now), shadow(before))
    assert keys(found.new) == now.keys() - before.keys()
    assert set(found.absent) == before.keys() - now.keys()
    both = now.keys() & before.keys()
    assert keys(found.changed) == {key for key in both if now[key] != before[key]}
    assert keys(found.same) == {key for key in both if now[key] == before[key]}
    parts = (found.new, found.changed, found.same)
    assert sum(part.num_rows for part in parts) == len(now)


@given(held=versions)
def test_a_listing_against_itself_says_nothing(held: Versions) -> None:
    found = compare(listing(held), shadow(held))
    assert (found.new.num_rows, found.changed.num_rows, list(found.absent)) == (0, 0, [])


@given(now=versions, before=versions)
def test_in_a_full_resync_every_known_item_counts_as_changed(
    now: Versions, before: Versions
) -> None:
    found = compare(listing(now), shadow(before), full=True)
    assert keys(found.changed) == now.keys() & before.keys()
    assert found.same.num_rows == 0
    assert set(found.absent) == before.keys() - now.keys()


def test_the_order_of_the_shadow_does_not_matter() -> None:
    found = compare(listing({"a": "1", "b": "2"}), shadow({"b": "2", "a": "1"}))
    assert keys(found.same) == {"a", "b"}


NOW = datetime(2026, 3, 1, tzinfo=UTC)
RECORD = Record(
    item_id="a",
    key="a",
    version="2",
    title="Title",
    text="Words.",
    url="fake://a",
    media_type="text/markdown",
    attributes={"who": "Ada"},
    size=6,
    modified_at=NOW,
    fetched_at=NOW,
    content_hash=b"words",
    fingerprint=b"all",
)
KNOWN = Known(
    item_id="a",
    key="a",
    version="1",
    identity=None,
    title="Title",
    url="fake://a",
    media_type="text/markdown",
    attributes={"who": "Ada"},
    content_hash=b"words",
    fingerprint=b"all",
    mapped={},
    chunk_ids=(),
    mapping_version="identity",
    chunker_version="1",
)


def test_what_was_not_known_is_added() -> None:
    assert delta(RECORD, None) == Delta(Op.ADDED)


def test_a_new_version_of_the_same_words_is_no_change() -> None:
    assert delta(RECORD, KNOWN) == Delta(None)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"text": "New.", "content_hash": b"new"}, ("text",)),
        ({"title": "New"}, ("title",)),
        ({"url": "fake://b"}, ("url",)),
        ({"media_type": "text/html"}, ("media_type",)),
        ({"attributes": {}}, ("attributes",)),
        (
            {"content_hash": b"new", "title": "New", "attributes": {}},
            ("text", "title", "attributes"),
        ),
    ],
)
def test_an_update_names_the_fields_that_changed(
    change: dict[str, object], fields: tuple[str, ...]
) -> None:
    record = replace(RECORD, fingerprint=b"other", **change)  # type: ignore[arg-type]  # fields by name
    assert delta(record, KNOWN) == Delta(Op.UPDATED, fields)
    assert delta(replace(record, key="b"), KNOWN) == Delta(Op.MOVED, ("key", *fields))


def test_a_new_key_with_the_same_words_is_a_move() -> None:
    assert delta(replace(RECORD, key="b"), KNOWN) == Delta(Op.MOVED, ("key",))


def test_times_and_sizes_are_no_change() -> None:
    later = replace(RECORD, modified_at=None, size=None, version="9", state="new")
    assert delta(later, KNOWN) == Delta(None)
