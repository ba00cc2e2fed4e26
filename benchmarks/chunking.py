"""How fast texts are cut, how well, and how much one insert renews.

    python -m benchmarks.chunking [MEGABYTES]

The corpus is made from a seed. Peer: semantic-text-splitter's MarkdownSplitter, if it can be
imported. Rounds alternate between the two, and the table shows medians of one run.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from random import Random
from statistics import mean, median

from livesync_pipelines.core.chunk import ChunkLimits, chunk, chunk_ids

Splitter = Callable[[str], list[str]]

LIMITS = ChunkLimits()
DOCUMENT_CHARS = 4_000
SHAPE_CHARS = 100_000
ROUNDS = 5
SEEDS = 10


def ours(text: str) -> list[str]:
    return [each.text for each in chunk(text, LIMITS)]


def peer() -> Splitter | None:
    try:
        module = importlib.import_module("semantic_text_splitter")
    except ImportError:
        return None
    splitter = module.MarkdownSplitter(LIMITS.max_chars)
    return lambda text: list(splitter.chunks(text))


class Writer:
    """Writes nonsense that has the shape of what people write."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        letters = "aaabcdeeeefghiiijklmnnoooprrsssttttuvwy"
        sizes = (self.random.randint(2, 10) for _ in range(5_000))
        self.words = ["".join(self.random.choices(letters, k=size)) for size in sizes]

    def sentence(self) -> str:
        words = self.random.choices(self.words, k=self.random.randint(6, 22))
        return " ".join(words).capitalize() + "."

    def paragraph(self) -> str:
        return " ".join(self.sentence() for _ in range(self.random.randint(1, 7)))

    def bullets(self) -> str:
        return "\n".join(f"- {self.sentence()}" for _ in range(self.random.randint(2, 7)))

    def fence(self) -> str:
        lines = (f"    {word} = call('{word}')" for word in self.random.choices(self.words, k=9))
        return "```python\n# a comment\n" + "\n".join(lines) + "\n```"

    def row(self) -> str:
        return "| " + " | ".join(self.random.choices(self.words, k=6)) + " |"

    def table(self) -> str:
        return "\n".join([self.row(), "|" + " --- |" * 6, *(self.row() for _ in range(8))])

    def block(self) -> str:
        makers = [self.paragraph] * 7 + [self.bullets] * 2 + [self.fence, self.table]
        return self.random.choice(makers)()

    def section(self) -> str:
        title = " ".join(self.random.choices(self.words, k=4)).title()
        blocks = [self.block() for _ in range(self.random.randint(1, 7))]
        return "\n\n".join([f"{self.random.choice(['##', '##', '###'])} {title}", *blocks])

    def document(self, size: int) -> str:
        return "# " + self.sentence() + "\n\n" + "\n\n".join(self.many(self.section, size))

    def many(self, make: Callable[[], str], size: int) -> list[str]:
        made: list[str] = []
        total = 0
        while total < size:
            made.append(make())
            total += len(made[-1]) + 2
        return made

    def numbered(self, size: int) -> list[str]:
        return [f"| {n} {row[1:]}" for n, row in enumerate(self.many(self.row, size), 1)]


def shapes(seed: int) -> dict[str, tuple[str, str]]:
    """By shape, a text before and after one insert at its top."""
    writer, size = Writer(seed), SHAPE_CHARS
    header = "| n |" + " c |" * 6 + "\n|" + " --- |" * 7 + "\n"
    document = writer.document(size)
    equal = [(writer.paragraph() + " " + "and more words " * 40)[:500] for _ in range(size // 500)]
    wall, rows, paragraph = writer.many(writer.sentence, size), writer.numbered(size), equal.pop()
    return {
        "headings, uneven paragraphs": (
            document,
            document.replace("\n\n", f"\n\n{writer.paragraph()}\n\n", 1),
        ),
        "equal-size paragraphs": ("\n\n".join(equal), "\n\n".join([paragraph, *equal])),
        "wall of text": (" ".join(wall), " ".join([writer.sentence(), *wall])),
        "rows of a table": (
            header + "\n".join(rows),
            header + "\n".join([f"| 0 {writer.row()[1:]}", *rows]),
        ),
    }


def renewed(split: Splitter, before: str, after: str) -> float:
    known, chunks = set(split(before)), split(after)
    return sum(each not in known for each in chunks) / len(chunks)


def is_broken(text: str) -> bool:
    return (text.startswith("```") + text.count("\n```")) % 2 == 1


def timed(run: Callable[[], object]) -> float:
    """Seconds of processor time, which other work on the machine disturbs least."""
    started = time.process_time()
    run()
    return time.process_time() - started


def speeds(splitters: dict[str, Splitter], documents: list[str]) -> dict[str, float]:
    """MB/s; a round of each in turn, so that a busy machine is as busy for all."""
    seconds: dict[str, list[float]] = {name: [] for name in splitters}
    for _ in range(ROUNDS):
        for name, split in splitters.items():
            seconds[name].append(timed(lambda s=split: [s(text) for text in documents]))  # type: ignore[misc]  # as above
    size = sum(len(text.encode()) for text in documents) / 1e6
    return {name: size / median(times) for name, times in seconds.items()}


def measures(splitters: dict[str, Splitter], documents: list[str]) -> dict[str, list[str]]:
    """By name of the measure, one value for each splitter."""
    speed = speeds(splitters, documents)
    all_chunks = {n: [c for d in documents for c in split(d)] for n, split in splitters.items()}
    found = {
        "MB/s": [f"{speed[name]:.0f}" for name in splitters],
        "chunks": [str(len(chunks)) for chunks in all_chunks.values()],
        "mean characters": [f"{mean(map(len, c)):.0f}" for c in all_chunks.values()],
        "begin at a heading": [
            f"{mean(c.lstrip().startswith('#') for c in chunks):.1%}"
            for chunks in all_chunks.values()
        ],
        "break a fence": [f"{mean(map(is_broken, c)):.1%}" for c in all_chunks.values()],
    }
    texts = [shapes(seed) for seed in range(SEEDS)]
    for shape in texts[0]:
        shares = [[renewed(s, *each[shape]) for each in texts] for s in splitters.values()]
        found[f"renewed: {shape}"] = [f"{mean(s):.1%} (most {max(s):.1%})" for s in shares]
    return found


def main(megabytes: float) -> int:
    writer = Writer(1)
    count = int(megabytes * 1e6 / DOCUMENT_CHARS / 1.2)
    documents = [writer.document(DOCUMENT_CHARS) for _ in range(count)]
    splitters: dict[str, Splitter] = {"livesync": ours}
    other = peer()
    if other is None:
        print("semantic-text-splitter cannot be imported: measured without it")
    else:
        splitters["semantic-text-splitter"] = other
    size = sum(map(len, documents))
    print(f"{count} documents, {size / 1e6:.1f} MB, chunks of up to {LIMITS.max_chars} characters")
    print(f"{'':40}" + "".join(f"{name:>26}" for name in splitters))
    for name, values in measures(splitters, documents).items():
        print(f"{name:40}" + "".join(f"{value:>26}" for value in values))
    chunks = [chunk(text, LIMITS) for text in documents]
    seconds = timed(lambda: [chunk_ids("record", each) for each in chunks])
    print(f"{'ids, MB/s':40}{size / 1e6 / seconds:>26.0f}")
    if other is not None:
        speed = speeds(splitters, documents)
        ratio = speed["livesync"] / speed["semantic-text-splitter"]
        print(f"{'speed, ratio to semantic-text-splitter':40}{ratio:>26.2f}")
    return 0
