"""One record's way: chunks with identities, and what must be written of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core import corridor
from livesync_pipelines.core.chunk import CHUNKER_VERSION
from livesync_pipelines.core.delta import delta
from livesync_pipelines.model.operation import Op
from livesync_pipelines.model.records import Change, Delta, Known, Record

NOW = datetime(2026, 3, 1, tzinfo=UTC)
sections = st.lists(st.integers(0, 5), max_size=6)


def record(text: str, *, item_id: str = "a") -> Record:
    return Record(
        item_id=item_id,
        key=item_id,
        version="1",
        title="",
        text=text,
        url="",
        media_type="",
        attributes={},
        size=None,
        modified_at=None,
        fetched_at=NOW,
        content_hash=text.encode(),
        fingerprint=text.encode(),
    )


def known(text: str) -> Known:
    of = record(text)
    return Known(
        item_id=of.item_id,
        key=of.key,
        version=of.version,
        identity=None,
        title="",
        url="",
        media_type="",
        attributes={},
        content_hash=of.content_hash,
        fingerprint=of.fingerprint,
        mapped={},
        chunk_ids=tuple(placed.chunk_id for placed in corridor.place(of, scope="s")),
        mapping_version="identity",
        chunker_version=CHUNKER_VERSION,
    )


def text_of(numbers: list[int]) -> str:
    return "\n\n".join(f"## Part {n}\n\n" + f"Words of part {n}. " * 40 + "End." for n in numbers)


def change(now: str, before: str | None) -> Change:
    made, base = record(now), None if before is None else known(before)
    return corridor.change(
        made, base, delta=delta(made, base), mapped={}, layout=corridor.place(made, scope="s")
    )


def test_the_same_words_have_another_identity_in_another_record_and_another_sync() -> None:
    text = text_of([1])
    (here,) = corridor.place(record(text), scope="s")
    (there,) = corridor.place(record(text, item_id="b"), scope="s")
    (elsewhere,) = corridor.place(record(text), scope="t")
    assert len({here.chunk_id, there.chunk_id, elsewhere.chunk_id}) == 3
    (again,) = corridor.place(replace(record(text), key="z", version="9"), scope="s")
    assert again.chunk_id == here.chunk_id


def test_scope_and_item_do_not_run_into_each_other() -> None:
    text = text_of([1])
    (one,) = corridor.place(record(text, item_id="b c"), scope="a")
    (other,) = corridor.place(record(text, item_id="c"), scope="a b")
    assert one.chunk_id != other.chunk_id


@given(now=sections, before=sections)
def test_after_a_change_the_target_holds_exactly_the_chunks_of_the_text(
    now: list[int], before: list[int]
) -> None:
    made = change(text_of(now), text_of(before))
    held = set(known(text_of(before)).chunk_ids)
    written = [placed.chunk_id for placed in made.written]
    after = (held - set(made.dropped)) | set(written)
    assert after == {placed.chunk_id for placed in made.layout}
    assert held.isdisjoint(written)
    assert len(written) == len(set(written))
    assert held.issuperset(made.dropped)


def test_a_new_record_writes_each_of_its_chunks_once() -> None:
    made = change(text_of([1, 2, 1]), None)
    assert made.delta == Delta(Op.ADDED)
    assert (len(made.layout), len(made.written), made.dropped) == (3, 2, ())


def test_only_what_is_shown_as_it_should_be_is_idle() -> None:
    made = change(text_of([1]), text_of([1]))
    assert corridor.is_idle(made, mapping_version="identity")
    assert not corridor.is_idle(made, mapping_version="other")
    assert not corridor.is_idle(replace(made, mapped={"a": "b"}), mapping_version="identity")
    assert made.known is not None
    older = replace(made, known=replace(made.known, chunker_version="0"))
    assert not corridor.is_idle(older, mapping_version="identity")
    for other in (change(text_of([2]), text_of([1])), change(text_of([1]), None)):
        assert not corridor.is_idle(other, mapping_version="identity")
