"""One spelling for what is compared, the same on every machine and for ever."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.canon import (
    EMPTY_CHAIN,
    canonical,
    chain,
    content_hash,
    fingerprint,
    listing_mark,
    storable,
)

texts = st.text(max_size=8)
marks = st.dictionaries(texts, texts, max_size=6)
anything = st.text(st.characters(exclude_categories=()), max_size=30)


def test_the_hashes_are_those_of_every_other_day() -> None:
    """What is stored was hashed by an older version of this program."""
    assert content_hash("words").hex() == "3be147d0936baf6d1beb65ca7654472b"
    assert (
        fingerprint(b"c", "t", "u", "m", {"b": "2", "a": "1"}).hex()
        == "df13722e4266f0c57381286c5ce39fea"
    )
    assert f"{listing_mark('key', 'version'):016x}" == "fe12fc5f7bd0462c"
    assert (
        chain(EMPTY_CHAIN, {"b": [1, None], "a": "é"}).hex() == "3fdf6cbb8e906c09814895661870c18e"
    )


def test_json_is_sorted_bare_and_plain() -> None:
    assert canonical({"b": (1, None), "a": {"z": "é", "y": True}}) == (
        '{"a":{"y":true,"z":"é"},"b":[1,null]}'.encode()
    )


@given(attributes=marks)
def test_the_order_of_attributes_makes_no_difference(attributes: dict[str, str]) -> None:
    turned = dict(reversed(attributes.items()))
    assert fingerprint(b"", "", "", "", attributes) == fingerprint(b"", "", "", "", turned)


@given(one=marks, other=marks)
def test_the_digest_of_a_listing_depends_on_what_is_listed_and_not_on_the_order(
    one: dict[str, str], other: dict[str, str]
) -> None:
    def digest(items: list[tuple[str, str]]) -> int:
        found = 0
        for key, version in items:
            found ^= listing_mark(key, version)
        return found

    assert digest(list(one.items())) == digest(list(reversed(one.items())))
    plain = "\0" not in "".join([*one, *one.values(), *other, *other.values()])
    if plain:
        assert (digest(list(one.items())) == digest(list(other.items()))) == (one == other)


@given(st.lists(st.dictionaries(texts, texts, max_size=3), min_size=2, max_size=5))
def test_each_link_of_a_chain_depends_on_all_before_it(entries: list[dict[str, str]]) -> None:
    links = [EMPTY_CHAIN]
    for entry in entries:
        links.append(chain(links[-1], entry))
    assert all(before != after for before, after in pairwise(links))
    assert chain(links[1], entries[1]) == links[2]
    assert chain(EMPTY_CHAIN, entries[1]) != links[2]


@given(anything)
def test_what_is_storable_is_utf_8_without_nul_and_stays_as_it_is(text: str) -> None:
    kept = storable(text)
    assert "\0" not in kept
    assert kept.encode().decode() == kept
    assert storable(kept) == kept
    assert len(kept) == len(text)
