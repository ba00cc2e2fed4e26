"""An edit changes the chunks around it and no others, whatever the shape of the text."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livesync_pipelines.core.chunk import chunk, chunk_ids

_SYLLABLES = ["ka", "lo", "mi", "ren", "tu", "sha", "vel", "por", "ni", "dax"]


def _word(random: Random) -> str:
    return "".join(random.choices(_SYLLABLES, k=random.randint(1, 4)))


def _sentence(random: Random) -> str:
    words = [_word(random) for _ in range(random.randint(5, 18))]
    return " ".join(words).capitalize() + "."


def _paragraph(random: Random) -> str:
    return " ".join(_sentence(random) for _ in range(random.randint(1, 6)))


def _section(random: Random) -> str:
    paragraphs = [_paragraph(random) for _ in range(random.randint(1, 6))]
    return f"{'#' * random.randint(1, 3)} {_word(random)}\n\n" + "\n\n".join(paragraphs)


def _row(random: Random) -> str:
    return "| " + " | ".join(_word(random) + str(random.randint(0, 999)) for _ in range(5)) + " |"


def _parts(random: Random, shape: str, size: int) -> tuple[list[str], str]:
    """Parts of a text of about `size` characters, and what joins them."""
    make, joint = {
        "headings and uneven paragraphs": (_section, "\n\n"),
        "equal-size paragraphs": (
            lambda r: (_paragraph(r) + _paragraph(r) + "." * 500)[:500],
            "\n\n",
        ),
        "lines": (_sentence, "\n"),
        "wall of sentences": (_sentence, " "),
        "wall without marks": (_word, " "),
        "tiny sections": (lambda r: f"## {_word(r)}\n\n{_sentence(r)}", "\n\n"),
        "no spaces": (lambda r: chr(r.randint(0x4E00, 0x9000)) * 2, ""),
        "rows": (_row, "\n"),
    }[shape]
    parts, length = [], 0
    while length < size:
        parts.append(make(random))
        length += len(parts[-1]) + len(joint)
    return parts, joint


_SHAPES = [
    "headings and uneven paragraphs",
    "equal-size paragraphs",
    "lines",
    "wall of sentences",
    "wall without marks",
    "tiny sections",
    "no spaces",
    "rows",
]


def _text(shape: str, parts: list[str], joint: str) -> str:
    header = "| a | b | c | d | e |\n| --- | --- | --- | --- | --- |\n" if shape == "rows" else ""
    return header + joint.join(parts)


def _new(before: str, after: str) -> tuple[int, int]:
    """How many ids are new, and how many there are."""
    known = set(chunk_ids("record", chunk(before)))
    ids = chunk_ids("record", chunk(after))
    return len(set(ids) - known), len(ids)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", _SHAPES)
def test_an_insert_at_the_top_renews_no_more_than_one_chunk_in_twenty(
    shape: str, seed: int
) -> None:
    random = Random(f"{shape} {seed}")
    parts, joint = _parts(random, shape, 100_000)
    extra, _ = _parts(random, shape, 1)
    before, after = _text(shape, parts, joint), _text(shape, extra + parts, joint)
    new, count = _new(before, after)
    assert new <= count * 0.05


@settings(max_examples=40)
@given(
    st.sampled_from(_SHAPES),
    st.integers(0, 10**6),
    st.floats(0, 0.999),
    st.sampled_from(["insert", "delete", "replace"]),
)
def test_an_edit_anywhere_renews_only_a_few_chunks(
    shape: str, seed: int, where: float, edit: str
) -> None:
    random = Random(seed)
    parts, joint = _parts(random, shape, 40_000)
    extra, _ = _parts(random, shape, 1)
    at = int(where * len(parts))
    rest = parts[at:] if edit == "insert" else parts[at + 1 :]
    changed = parts[:at] + ([] if edit == "delete" else extra[:1]) + rest
    new, _ = _new(_text(shape, parts, joint), _text(shape, changed, joint))
    assert new <= 8


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 19), st.text(st.sampled_from("ab. \n"), max_size=3000))
def test_an_edit_in_one_section_of_some_size_touches_no_other(
    seed: int, which: int, extra: str
) -> None:
    random = Random(seed)
    bodies = ["\n\n".join(_paragraph(random) for _ in range(8)) + "." * 500 for _ in range(20)]
    before = "\n\n".join(f"## {n}\n\n{body}" for n, body in enumerate(bodies))
    bodies[which] += "\n\n" + extra
    after = "\n\n".join(f"## {n}\n\n{body}" for n, body in enumerate(bodies))
    others = [
        {c.text for c in chunk(text) if c.heading_path != (str(which),)} for text in (before, after)
    ]
    assert others[0] == others[1]
