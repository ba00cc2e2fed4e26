"""The content benchmark, with few documents: it runs, and everybody ends with the same chunks."""

from __future__ import annotations

from pathlib import Path

from benchmarks.content import compare
from benchmarks.report import report, shortfalls


def test_every_subject_ends_with_the_same_chunks_and_the_table_says_so(
    server_url: str, tmp_path: Path
) -> None:
    """The edits, additions and deletions have reached every store, and the idle pass none."""
    (measured,) = compare([200], repeat=1, room=tmp_path, server_url=server_url)

    assert shortfalls(measured) == []
    assert {figures.chunks for figures in measured.figures} == {measured.chunks}
    assert [f.idle_rows for f in measured.figures] == [0] * len(measured.figures)
    table = report(measured)
    assert table.startswith("## 200 documents, ")
    for figures in measured.figures:
        assert f"| {figures.contestant.label} | " in table
