"""CSV and TSV: one pipe table."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator

from .charset import decode
from .limits import Job, Reading, too_many_cells
from .markdown import table

_SAMPLE_LINES = 20


def read(job: Job) -> Reading:
    """The first row is the header. A CSV may use commas, semicolons, tabs or bars: the one that
    splits its first lines into the most columns, the same number in each, is taken."""
    text = decode(job.content, job.charset)
    delimiter = "\t" if job.family == "tsv" else delimiter_of(text)
    csv.field_size_limit(job.limits.max_chars)
    return Reading(text=table(_rows(text, delimiter, job)), attributes={})


def _rows(text: str, delimiter: str, job: Job) -> Iterator[list[str]]:
    left = job.limits.max_cells
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        left -= len(row)
        if left < 0:
            raise too_many_cells(job.limits)
        yield row


def delimiter_of(text: str) -> str:
    """What stands between the cells, told by the first lines."""
    lines = list(itertools.islice(io.StringIO(text, newline=""), _SAMPLE_LINES))
    return max(",;\t|", key=lambda delimiter: _fit(lines, delimiter))


def _fit(lines: list[str], delimiter: str) -> tuple[float, int]:
    """The share of rows as wide as the first, and that width."""
    widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    if not widths or widths[0] < 2:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]
