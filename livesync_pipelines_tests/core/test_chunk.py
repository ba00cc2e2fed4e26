"""What every chunk of every text holds to: spans, sizes, headings, fences, tables, ids."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livesync_pipelines.core.chunk import (
    CHUNKER_VERSION,
    ChunkLimits,
    chunk,
    chunk_ids,
    estimate_tokens,
)
from livesync_pipelines.model.records import Chunk

PROPERTY = settings(max_examples=60)
SMALL = ChunkLimits(max_chars=160, min_chars=40)

_words = st.text(st.sampled_from("abc é中文🙂.,!#|`-\u0301"), min_size=1, max_size=60).filter(
    lambda words: bool(words.strip())
)
_lines = st.lists(_words, min_size=1, max_size=8).map("\n".join)
_wall = st.text(st.sampled_from("xyz. "), min_size=100, max_size=600)
_heading = st.builds(lambda level, words: f"{'#' * level} {words}", st.integers(1, 6), _words)
_underlined = st.builds("{}\n{}".format, _words, st.sampled_from(["===", "---"]))
_fence = st.builds(
    "{0}py\n{1}\n{0}".format,
    st.sampled_from(["```", "~~~~"]),
    st.lists(_words.map(lambda words: re.sub("[`~]", "-", words)), max_size=9).map("\n".join),
)
_row = st.lists(_words.map(lambda words: words.replace("|", "/")), min_size=2, max_size=3).map(
    lambda cells: f"| {' | '.join(cells)} |"
)
_table = st.builds(
    "{}\n|---|---|\n{}".format, _row, st.lists(_row, min_size=1, max_size=12).map("\n".join)
)
_blocks = st.one_of(_lines, _wall, _heading, _underlined, _fence, _table)
_documents = st.one_of(
    st.lists(_blocks, max_size=12).map("\n\n".join),
    st.lists(_blocks, max_size=12).map("\n".join),
    st.text(max_size=600).map(lambda text: text.replace("\r", "")),
)


def _check(text: str, limits: ChunkLimits) -> list[Chunk]:
    """Cuts, and asserts what holds for all texts."""
    chunks = chunk(text, limits)
    at = 0
    for each in chunks:
        assert len(each.text) <= limits.max_chars
        assert at <= each.start < each.end
        assert not text[at : each.start].strip()
        span = text[each.start : each.end]
        header, own = each.text[: -len(span)], each.text[-len(span) :]
        assert own == span
        assert not header or re.fullmatch(r"[^\n]*\|[^\n]*\n[|: \t-]+\n", header)
        assert header in text[: each.start]
        assert span == span.rstrip()
        at = each.end
    assert not text[at:].strip()
    return chunks


@PROPERTY
@given(_documents)
def test_every_word_is_in_exactly_one_span_and_no_chunk_is_too_long(text: str) -> None:
    _check(text, SMALL)
    _check(text, ChunkLimits(max_chars=9, min_chars=2))


@PROPERTY
@given(_documents)
def test_the_same_text_is_cut_the_same_way_each_time(text: str) -> None:
    assert chunk(text, SMALL) == chunk(text, SMALL)
    assert chunk_ids("r", chunk(text, SMALL)) == chunk_ids("r", chunk(text, SMALL))


@PROPERTY
@given(st.lists(st.one_of(_heading, _fence, st.just("plain words " * 9)), max_size=12))
def test_a_heading_path_is_what_stands_above_the_beginning(blocks: list[str]) -> None:
    text = "\n\n".join(blocks)
    above: dict[int, list[str]] = {0: []}
    path: list[tuple[int, str]] = []
    at = 0
    for block in blocks:
        if block.startswith("#"):
            marks, title = block.split(" ", 1)
            path = [p for p in path if p[0] < len(marks)] + [(len(marks), _bare(title))]
        above[at] = [title for _, title in path]
        at += len(block) + 2
    for each in chunk(text, SMALL):
        block_start = max(start for start in above if start <= each.start)
        assert list(each.heading_path) == above[block_start]


def _bare(title: str) -> str:
    return re.sub(r"(^|[ \t])#+$", "", title.strip()).strip()


@PROPERTY
@given(st.lists(st.one_of(_fence, _lines.filter(lambda t: "`" not in t)), max_size=12))
def test_a_fence_that_fits_is_never_broken(blocks: list[str]) -> None:
    text = "\n\n".join(blocks)
    chunks = chunk(text, SMALL)
    at = 0
    for block in blocks:
        if block.startswith(("```", "~~~")) and len(block) <= SMALL.max_chars:
            assert any(c.start <= at and at + len(block) <= c.end for c in chunks)
        at += len(block) + 2


@PROPERTY
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 30)), min_size=1, max_size=20))
def test_a_chunk_spans_a_heading_only_to_take_in_a_tiny_section(
    sections: list[tuple[int, int]],
) -> None:
    text = "".join(f"{'#' * level} T\n\n{'word ' * size}\n\n" for level, size in sections)
    starts = [m.start() for m in re.finditer(r"^#", text, re.MULTILINE)]
    sizes = {a: b - a for a, b in pairwise([*starts, len(text)])}
    for each in chunk(text, SMALL):
        inside = [at for at in starts if each.start < at < each.end]
        touched = [at for at in starts if at < each.end and at + sizes[at] > each.start]
        for before, here in pairwise(touched):
            if here in inside:
                assert min(sizes[before], sizes[here]) < SMALL.min_chars


def test_a_section_of_some_size_is_a_chunk_of_its_own() -> None:
    section = "\n\n".join(["Some words that say something. " * 10] * 3)
    text = f"# One\n\n{section}\n\n## Two\n\n{section}\n\n# Three\n\n{section}\n"
    chunks = _check(text, ChunkLimits())
    assert [c.heading_path for c in chunks] == [("One",), ("One", "Two"), ("Three",)]
    assert [c.text.split("\n")[0] for c in chunks] == ["# One", "## Two", "# Three"]


def test_a_lone_heading_stays_with_the_first_section_below_it() -> None:
    words = "Some words that say something. " * 30
    chunks = _check(f"# Guide\n\n## First\n\n{words}\n\n## Second\n\n{words}", ChunkLimits())
    assert [c.text[:18] for c in chunks] == ["# Guide\n\n## First\n", "## Second\n\nSome wo"]


def test_a_tiny_last_section_stays_with_its_own_parent() -> None:
    words = "Some words that say something. " * 30
    text = f"# A\n\n{words}\n\n## Small\n\nSee above.\n\n# B\n\n{words}"
    chunks = _check(text, ChunkLimits())
    assert len(chunks) == 2
    assert chunks[0].text.endswith("See above.")
    assert chunks[1].heading_path == ("B",)


def test_headings_by_underline_count_and_rules_do_not() -> None:
    words = "Some words that say something. " * 30
    text = f"Top\n===\n\n{words}\n\nNext part\n---\n\n{words}\n\n---\n\n- item\n---\n\n{words}"
    paths = {c.heading_path for c in _check(text, ChunkLimits())}
    assert paths == {("Top",), ("Top", "Next part")}


def test_the_marks_around_a_title_are_left_out_of_the_path() -> None:
    assert chunk("##  C# and F# ##  \n\nwords")[0].heading_path == ("C# and F#",)
    assert chunk("#hashtag\n\nwords")[0].heading_path == ()
    assert chunk("#\n\nwords")[0].heading_path == ("",)
    assert len(chunk("# " + "long " * 1000)[0].heading_path[0]) == 200


@pytest.mark.parametrize("fence", ["```", "~~~", "````sh", "  ```", "- ```", "      ```py"])
def test_a_number_sign_in_a_fence_is_no_heading(fence: str) -> None:
    close = fence.strip("- py").removesuffix("sh")
    code = f"{fence}\n# comment\n{close}\n\n# Real\n\nwords"
    assert chunk(code, ChunkLimits(max_chars=4, min_chars=1))[-1].heading_path == ("Real",)
    assert chunk(code.replace("# Real", "Real"))[0].heading_path == ()


def test_a_fence_ends_only_at_a_bare_marker_of_its_own_kind() -> None:
    text = "````\n``` \n~~~~\n- ````\n```` no\n# not a heading\n`````\n# Heading"
    assert chunk(text, ChunkLimits(max_chars=10, min_chars=1))[-1].heading_path == ("Heading",)
    assert len({c.heading_path for c in chunk(text, ChunkLimits(max_chars=10, min_chars=1))}) == 2


def test_a_cut_between_words_and_a_fence_is_made_in_front_of_the_fence() -> None:
    fence = "```\n" + "call_something(with_words)\n" * 70 + "```"
    for words in ("Some words here. " * 6, "Some words here. " * 60):
        chunks = _check(f"{words}\n\n{fence}\n\n{words}", ChunkLimits())
        assert [c.text for c in chunks] == [words.strip(), fence, words.strip()]


def test_a_fence_that_is_too_long_is_cut_between_lines() -> None:
    code = "\n".join(f"def f{n}():\n    return {n} * {n}\n" for n in range(200))
    chunks = _check(f"# Code\n\nLook:\n\n```python\n{code}```\n\nDone.\n", ChunkLimits())
    assert len(chunks) > 2
    assert all(c.text.startswith(("# Code", "def ")) for c in chunks)


def test_text_is_never_cut_between_a_heading_and_its_words() -> None:
    parts = [f"### Part {n}\n\n{'Words are here. ' * (n % 9 + 2)}\n" for n in range(300)]
    for each in _check("\n".join(parts), ChunkLimits()):
        assert not each.text.rsplit("\n", 1)[-1].startswith("#")
    text = f"{'x' * 36}\n\n## Heading title\n\n### Detail\n\n{'Words. ' * 20}"
    assert not any(c.text.endswith("title") for c in _check(text, SMALL))


def test_walls_are_cut_after_sentences_and_where_there_are_none_between_words() -> None:
    sentences = " ".join(f"This is sentence number {n} of all." for n in range(500))
    assert all(c.text.endswith(".") for c in _check(sentences, ChunkLimits()))
    words = " ".join(f"word{n * 7919}" for n in range(3000))
    assert all(re.fullmatch(r"word\d+", c.text.split(" ")[0]) for c in _check(words, ChunkLimits()))
    chinese = "".join(f"这是第{n}句话。" for n in range(2000))
    assert all(c.text.endswith("。") for c in _check(chinese, ChunkLimits()))


_clusters = ["e\u0301", "👩‍👩‍👧", "👍🏽", "🇫🇷", "क्षि", "字", "o\u0302\u0323", "☺️", "각", "が"]


@PROPERTY
@given(st.lists(st.sampled_from(_clusters), min_size=60, max_size=200))
def test_no_character_that_a_reader_sees_is_cut_in_two(clusters: list[str]) -> None:
    text = "".join(clusters)
    starts, at = set(), 0
    for cluster in clusters:
        starts.add(at)
        at += len(cluster)
    assert {c.start for c in _check(text, SMALL)} <= starts


def test_blank_texts_have_no_chunks_and_short_ones_a_single() -> None:
    assert chunk("") == chunk(" \n\n\t\n") == []
    assert chunk("\n\n    code\n\n") == [Chunk("    code", 2, 10, ())]


def test_limits_that_leave_no_room_are_refused() -> None:
    with pytest.raises(ValueError, match="min_chars"):
        ChunkLimits(max_chars=100, min_chars=51)


def test_ids_come_from_record_and_words_alone() -> None:
    one, same, other = (
        Chunk(words, at, at + 1, ()) for words, at in (("a", 0), ("a", 7), ("b", 9))
    )
    assert chunk_ids("r", [one, other]) == list(reversed(chunk_ids("r", [other, same])))
    assert chunk_ids("r", [one, same])[0] == chunk_ids(b"r", [one, same])[1]
    assert not set(chunk_ids("r", [one, other])) & set(chunk_ids("s", [one, other]))
    assert chunk_ids("ra", [Chunk("b", 0, 1, ())]) != chunk_ids("r", [Chunk("ab", 0, 2, ())])


def test_what_was_stored_under_this_version_would_be_cut_and_named_the_same_again() -> None:
    """When this fails, the version has to change with it."""
    paragraphs = "\n\n".join(f"{n * n} words of paragraph {n}. " * (n % 5 + 1) for n in range(60))
    rows = "\n".join(f"| {n} | {n * n} |" for n in range(400))
    wall = "".join(chr(0x4E00 + n * n % 5000) for n in range(5000))
    chunks = chunk(f"# P\n\n{paragraphs}\n\n## T\n\n| n | s |\n|---|---|\n{rows}\n\n# W\n\n{wall}")
    assert CHUNKER_VERSION == "1"
    assert [c.start for c in chunks] == [
        0,
        1209,
        2940,
        3742,
        5002,
        6516,
        8116,
        8836,
        9716,
        11256,
        12266,
        13381,
        14766,
    ]
    assert str(chunk_ids("record", chunks)[-1]) == "5c5aa5bb-2fd1-5309-cb0c-b18b89d5506d"


def test_tokens_are_a_quarter_of_the_bytes() -> None:
    assert [estimate_tokens(t) for t in ("", "a", "four", "fives", "字字", "🙂")] == [
        0,
        1,
        1,
        2,
        2,
        1,
    ]


_ODD = ["a", "#", "`", "|", "~", "=", "-", ".", "中", "\u0301", "\U0001f1e6", "\u200d", "\ud83d"]
_ODD += [" a", "a\n", "a\n\n", "# a\n", "#\n", "```\n", "|-|\n", "|\n|-|\n\n", "a\n===\n\n"]
_ODD += ["- a\n", "```a`", "!)", "\n````x", "\n   x", "---\n", ". \n"]


@pytest.mark.parametrize("unit", _ODD)
def test_no_text_is_too_odd(unit: str) -> None:
    _check(unit * (100_000 // len(unit)), ChunkLimits())


@pytest.mark.parametrize("blank", ["\n", " ", "\t", "\n   ", " \n"])
def test_blank_stretches_of_any_size_are_left_out(blank: str) -> None:
    chunks = _check("a" + blank * 100_000 + "\nb", ChunkLimits())
    assert [c.text.strip() for c in chunks] == ["a", "b"]
