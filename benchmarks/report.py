"""Figures become Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from benchmarks.content import Measured
from benchmarks.contest import PHASES, Figures
from benchmarks.tables import table

Pick = Callable[[Sequence[float]], float]
WANTED_RATIO = 3.0
WANTED_MEMORY_RATIO = 1.3


def report(measured: Measured) -> str:
    figures = [f for f in measured.figures if f.trouble is None]
    size = measured.corpus_bytes / 1e6
    lines = [
        f"## {measured.documents:,} documents, {size:.0f} MB, {measured.chunks:,} chunks",
        "",
        "Seconds: the median of the rounds (and the least).",
        "",
        *table(("", *PHASES, "peak MB", "chunks", "right?"), _results(measured.figures)),
        "",
        *table(("ratio of medians (of the least)", *PHASES), _ratios(figures)),
        "",
        *table(("own processor time", *PHASES), _own_work(figures)),
        "",
        *_stages(figures),
        *table(
            ("rows written when nothing changed", "data", "notes of the pass itself"),
            [
                (f.contestant.label, str(f.idle_rows), str(f.idle_notes))
                for f in figures
                if f.contestant.kind != "peer"
            ],
        ),
        "",
        "Left to the server after a first sync (vacuum, analyze), s: "
        + "; ".join(f"{f.contestant.label} {median(f.later_s):.2f}" for f in figures),
        "",
    ]
    return "\n".join(lines)


def memory(all_measured: Sequence[Measured]) -> str:
    """How the peak grew from the smallest corpus to the largest."""
    small, large = (f(all_measured, key=lambda m: m.documents) for f in (min, max))
    peaks = {f.contestant.name: f.peak_mb for f in small.figures if f.trouble is None}
    title = f"peak at {large.documents:,} / at {small.documents:,} documents"
    rows = [
        (f.contestant.label, f"{f.peak_mb / peaks[f.contestant.name]:.2f}")
        for f in large.figures
        if f.trouble is None and f.contestant.name in peaks
    ]
    wanted = f"Wanted of LiveSync: at most {WANTED_MEMORY_RATIO}."
    return "\n".join([*table((title, "ratio"), rows), "", wanted, ""])


def shortfalls(measured: Measured) -> list[str]:
    """What must never be: a subject of ours or a limit that was lost, or ended up wrong."""
    return [
        f"{f.contestant.label}: {f.trouble or 'its chunks are not those of a fresh computation'}"
        for f in measured.figures
        if f.contestant.kind != "peer" and not f.right
    ]


def _results(figures: Sequence[Figures]) -> Iterator[tuple[str, ...]]:
    for f in figures:
        label = f.contestant.label
        if f.trouble is not None:
            yield (label, *("-" for _ in PHASES), "-", "-", f"lost: {f.trouble}")
            continue
        seconds = [_seconds(f.wall_s[phase]) for phase in PHASES]
        yield (label, *seconds, f"{f.peak_mb:.0f}", f"{f.chunks:,}", "yes" if f.right else "no")


def _seconds(values: Sequence[float]) -> str:
    return f"{median(values):.3f} ({min(values):.3f})" if len(values) > 1 else f"{values[0]:.3f}"


def _ratios(figures: Sequence[Figures]) -> Iterator[tuple[str, ...]]:
    for our in (f for f in figures if f.contestant.kind == "ours"):
        indexed = our.contestant.indexed
        limits = [f for f in figures if _is(f, "limit", indexed)]
        if limits:
            cells = [
                f"{_ratio(our, limits, p, median)} ({_ratio(our, limits, p, min)})" for p in PHASES
            ]
            yield (f"{our.contestant.label} / the faster limit", *cells)
        peers = [f for f in figures if f.contestant.kind == "peer"]
        if peers:
            cells = [
                f"{_ratio(our, peers, p, median)} ({_ratio(our, peers, p, min)})" for p in PHASES
            ]
            yield (f"{our.contestant.label} / the fastest peer", *cells)


def _is(figures: Figures, kind: str, indexed: bool | None) -> bool:
    return figures.contestant.kind == kind and figures.contestant.indexed == indexed


def _ratio(our: Figures, others: Sequence[Figures], phase: str, pick: Pick) -> str:
    least = min(pick(other.wall_s[phase]) for other in others)
    return f"{pick(our.wall_s[phase]) / least:.2f}"


def _own_work(figures: Sequence[Figures]) -> Iterator[tuple[str, ...]]:
    """What the contestant's own process worked; the rest of the time is the server's."""
    for f in figures:
        yield (f.contestant.label, *(f"{median(f.own_cpu_s[phase]):.3f}" for phase in PHASES))


def _stages(figures: Sequence[Figures]) -> Iterator[str]:
    for f in (f for f in figures if f.contestant.kind == "ours"):
        names = list(dict.fromkeys(name for found in f.stage_s.values() for name in found))
        rows = []
        for phase in PHASES:
            found = f.stage_s[phase]
            rest = f.wall_s[phase][-1] - sum(found.values())
            cells = [f"{found.get(name, 0.0):.3f}" for name in names]
            rows.append((phase, *cells, f"{rest:.3f}"))
        head = (f"{f.contestant.label}: where the time went, last round", *names, "the rest")
        yield from table(head, rows)
        yield ""
