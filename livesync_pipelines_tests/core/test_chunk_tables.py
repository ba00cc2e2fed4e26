"""Tables that are too long for one chunk."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.chunk import ChunkLimits, chunk, chunk_ids

HEADER = "| key | name | note |\n| --- | :---: | ---: |\n"


def _rows(count: int) -> list[str]:
    return [f"| k{n * 7919 % 100_003} | name {n} | {'x' * (n % 30)} |" for n in range(count)]


def test_every_chunk_of_a_table_begins_with_its_header_and_holds_whole_rows() -> None:
    rows = _rows(500)
    text = HEADER + "\n".join(rows) + "\n"
    chunks = chunk(text)
    assert all(c.text.startswith(HEADER) for c in chunks)
    assert all(500 <= len(c.text) <= 2000 for c in chunks)
    assert [row for c in chunks for row in c.text.split("\n")[2:]] == rows
    assert chunks[0].text == text[: chunks[0].end]
    assert all(c.text == HEADER + text[c.start : c.end] for c in chunks[1:])


def test_a_table_that_fits_is_not_cut_and_stays_with_its_words() -> None:
    table = HEADER + "\n".join(_rows(20))
    assert len(chunk(f"# T\n\nHere:\n\n{table}\n\nAnd so on.")) == 1
    padding = "Words about it go here. " * 50
    chunks = chunk(f"{padding}\n\n{table}\n\n{padding}")
    assert sum(table in c.text for c in chunks) == 1


def test_a_few_words_above_stay_with_the_first_rows_and_words_below_stand_alone() -> None:
    table = HEADER + "\n".join(_rows(200))
    first, *middle, last = chunk(f"# T\n\nHere is what we have:\n\n{table}\n\nThat is all.")
    assert first.text.startswith(f"# T\n\nHere is what we have:\n\n{HEADER}| k0 |")
    assert all(c.text.startswith(HEADER) for c in middle)
    assert last.text == "That is all."
    assert {c.heading_path for c in (first, *middle, last)} == {("T",)}


@given(st.integers(0, 299), st.text(st.characters(categories=["L", "N", "Zs"]), max_size=40))
def test_editing_a_cell_beside_the_key_moves_no_boundary(which: int, words: str) -> None:
    rows = _rows(300)
    before = chunk(HEADER + "\n".join(rows))
    key = rows[which].split("|")[1]
    changed = f"|{key}| {words} | x |"
    after = chunk(HEADER + "\n".join([*rows[:which], changed, *rows[which + 1 :]]))
    keys = [[row.split("|")[1] for row in c.text.split("\n")[2:]] for c in before]
    assert keys == [[row.split("|")[1] for row in c.text.split("\n")[2:]] for c in after]
    assert len(set(chunk_ids("r", after)) - set(chunk_ids("r", before))) <= 1


@given(st.integers(0, 299), st.sampled_from(["insert", "delete", "rename"]))
def test_a_row_that_comes_or_goes_renews_the_chunks_beside_it(which: int, edit: str) -> None:
    rows = _rows(300)
    fresh = [] if edit == "delete" else ["| kNEW | new | y |"]
    changed = [*rows[:which], *fresh, *rows[which + (edit != "insert") :]]
    before, after = chunk(HEADER + "\n".join(rows)), chunk(HEADER + "\n".join(changed))
    assert len(set(chunk_ids("r", after)) - set(chunk_ids("r", before))) <= 4


def test_rows_with_one_key_for_all_are_told_apart_by_the_rest() -> None:
    rows = [f"| same | {n * 7919 % 100_003} | words |" for n in range(1000)]
    before, after = (chunk(HEADER + "\n".join(r)) for r in (rows, ["| same | new | w |", *rows]))
    assert len(set(chunk_ids("r", after)) - set(chunk_ids("r", before))) <= 3


def test_a_row_that_does_not_fit_is_cut_like_a_wall_under_the_same_header() -> None:
    giant = "| big | " + "Words in a cell go on. " * 300 + "| end |"
    text = HEADER + "\n".join([*_rows(50), giant, *_rows(50)])
    chunks = chunk(text)
    assert all(c.text.startswith(HEADER) and len(c.text) <= 2000 for c in chunks)
    inside = [c for c in chunks if c.text.endswith("on.") or "end" in c.text]
    assert len(inside) > 3
    assert all(not text[a.end : b.start].strip() for a, b in pairwise(chunks))


def test_a_giant_header_is_not_repeated() -> None:
    header = f"| {'| '.join(['column of a wide table'] * 200)} |\n|{'---|' * 200}\n"
    text = header + "\n".join(_rows(100))
    chunks = chunk(text)
    assert all(c.text == text[c.start : c.end] and len(c.text) <= 2000 for c in chunks)


def test_tables_are_known_without_outer_bars_and_not_within_fences() -> None:
    bare = "a | b\n--- | ---\n"
    rows = "\n".join(f"{n * 7919 % 100_003} | value {n}" for n in range(300))
    assert all(c.text.startswith(bare) for c in chunk(bare + rows))
    fenced = chunk(f"```\n{HEADER}" + "\n".join(_rows(200)) + "\n```")
    assert sum(HEADER in c.text for c in fenced) == 1


def test_a_table_ends_where_lines_have_no_bars() -> None:
    table = HEADER + "\n".join(_rows(100))
    *_, last = chunk(f"{table}\nA line below the table.\n\n{'More words follow. ' * 50}")
    assert last.text.startswith("A line below the table.\n\nMore words")


def test_two_tables_keep_their_own_headers() -> None:
    other = HEADER.replace("key", "other")
    text = HEADER + "\n".join(_rows(100)) + "\n\n" + other + "\n".join(_rows(100))
    chunks = chunk(text)
    border = text.index(other)
    for each in chunks:
        assert each.text.startswith(HEADER if each.start < border else other)


def test_limits_hold_for_the_header_and_rows_together() -> None:
    text = HEADER + "\n".join(_rows(300))
    for size in (100, 150, 400, 1000):
        chunks = chunk(text, ChunkLimits(max_chars=size, min_chars=size // 4))
        assert max(len(c.text) for c in chunks) <= size
        assert chunks[1].text.startswith(HEADER) == (len(HEADER) <= size // 2)
