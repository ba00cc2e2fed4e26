"""A page is held to what it must be before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.connectors.base import listing_table
from livesync_pipelines.core.screen import MAX_NAME_BYTES, screened
from livesync_pipelines.model.errors import Broken, ItemFailure
from livesync_pipelines.model.records import Entry, ListingPage

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
hostile = st.text(st.sampled_from("a\0\ud800é"), max_size=5)


def page(keys: Sequence[str], *, resume: str | None = None) -> ListingPage:
    entries = listing_table(Entry(key, f"v{place}") for place, key in enumerate(keys))
    return ListingPage(entries=entries, resume=resume, complete=resume is None)


def kept(found: ListingPage) -> list[str]:
    keys: list[str] = found.entries["key"].to_pylist()
    return keys


@given(st.lists(names, max_size=8))
def test_each_key_is_kept_once_in_its_last_version_or_is_a_failure(keys: list[str]) -> None:
    found = screened(page(keys), ordered=False, after=None)
    assert set(kept(found)) == {key for key in keys if "\0" not in key}
    assert len(kept(found)) == len(set(kept(found)))
    last = {key: f"v{place}" for place, key in enumerate(keys)}
    versions = found.entries["version"].to_pylist()
    assert dict(zip(kept(found), versions, strict=True)).items() <= last.items()
    assert len(found.failures) == len({key for key in keys if "\0" in key})


@given(st.sets(names, max_size=8))
def test_a_page_in_order_passes_as_it_is(keys: set[str]) -> None:
    ordered = sorted(key for key in keys if "\0" not in key)
    found = screened(page(ordered), ordered=True, after=None)
    assert (kept(found), found.failures) == (ordered, ())


@given(st.lists(names, min_size=2, max_size=6))
def test_a_page_out_of_order_is_refused(keys: list[str]) -> None:
    if keys == sorted(keys):
        screened(page(keys), ordered=True, after=None)
    else:
        with pytest.raises(Broken, match="out of order"):
            screened(page(keys), ordered=True, after=None)
    screened(page(keys), ordered=False, after=None)


@pytest.mark.parametrize(
    ("keys", "after", "resume"), [(["a"], "a", None), (["a"], "b", None), (["a", "c"], None, "b")]
)
def test_a_page_outside_of_its_range_is_refused(
    keys: list[str], after: str | None, resume: str | None
) -> None:
    with pytest.raises(Broken):
        screened(page(keys, resume=resume), ordered=True, after=after)


@given(st.sets(names, min_size=1, max_size=8), names)
def test_a_bound_without_its_nul_divides_what_can_be_stored_just_the_same(
    keys: set[str], bound: str
) -> None:
    last = f"{bound}\0z"
    found = screened(page((), resume=last), ordered=True, after=None)
    assert found.resume is not None
    assert "\0" not in found.resume
    for key in keys:
        if "\0" not in key:
            assert (key <= last) == (key <= found.resume)


@given(st.lists(hostile, max_size=4))
def test_failures_absences_and_blind_spots_can_all_be_stored(odd: list[str]) -> None:
    told = ListingPage(
        entries=listing_table([Entry("a", "1")]),
        failures=tuple(ItemFailure(key, "odd", "") for key in odd),
        gone=dict.fromkeys(["a", "b", *odd], "deleted"),
        blind=tuple(odd),
    )
    found = screened(told, ordered=False, after=None)
    assert "a" not in found.gone
    assert "b" in found.gone
    for text in (*found.gone, *found.blind, *(failure.key for failure in found.failures)):
        text.encode()
        assert "\0" not in text


def test_long_names_stay_apart_when_they_are_cut() -> None:
    long = "é" * MAX_NAME_BYTES
    found = screened(page([f"{long}1", f"{long}2"]), ordered=True, after=None)
    assert kept(found) == []
    one, other = (failure.key for failure in found.failures)
    assert one != other
    assert len(one.encode()) < MAX_NAME_BYTES
