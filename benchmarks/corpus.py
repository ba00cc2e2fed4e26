"""Markdown documents made from a seed, and what people do to them: edit, add, delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

MEAN_CHARS = 4_000
FOLDER_ITEMS = 500
VOCABULARY = 30_000
EDITED, ADDED, DELETED = 0.01, 0.005, 0.005
_DRAW = 100_000
_MEAN_OVERRUN = 950
"""By how much a document runs over its drawn size on average: its last section is whole."""

_ONSETS = """
b br c ch cl d dr f fl g gr h j l m n p pl pr qu r s sh sk sp st t th tr v w
"""
_NUCLEI = "a a e e e i i o o u ai ea ee ie oa ou"
_CODAS = "- - - - - - - - - - - - ck d l m n nd nt r s st t"
_SMALL = """
the of and to in a is that for it as was with be by on not he his but at are this have from or had
an they which one you were all her she there would their we him been has when who
"""
_SUFFIXES = "- - - - s s ed ing er ly tion"


class Words:
    """An endless stream of words: a few small ones often, most of them seldom (Zipf's law)."""

    def __init__(self, random: Random) -> None:
        self._vocabulary = _vocabulary(random)
        weights = 1.0 / (np.arange(len(self._vocabulary)) + 2.7)
        self._shares = np.cumsum(weights / weights.sum())
        self._numbers = np.random.Generator(np.random.PCG64(random.getrandbits(64)))
        self._drawn: list[int] = []
        self._at = 0

    def take(self, count: int) -> list[str]:
        if self._at + count > len(self._drawn):
            found = np.searchsorted(self._shares, self._numbers.random(_DRAW))
            self._drawn, self._at = np.minimum(found, len(self._shares) - 1).tolist(), 0
        drawn = self._drawn[self._at : self._at + count]
        self._at += count
        return [self._vocabulary[place] for place in drawn]


def _vocabulary(random: Random) -> list[str]:
    onsets, nuclei = _ONSETS.split(), _NUCLEI.split()
    ends, tails = ([part.strip("-") for part in text.split()] for text in (_CODAS, _SUFFIXES))
    words = dict.fromkeys(_SMALL.split())
    while len(words) < VOCABULARY:
        count = random.choices((1, 2, 3), (2, 5, 2))[0]
        made = [random.choice(p) for _ in range(count) for p in (onsets, nuclei, ends)]
        words["".join(made) + random.choice(tails)] = None
    return list(words)


class Writer:
    """Writes documents of about `MEAN_CHARS` characters in the shapes that people use."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.words = Words(self.random)
        self._makers: list[Callable[[], str]] = [self.paragraph, self.bullets, self.fence]
        self._makers.append(self.table)

    def sentence(self) -> str:
        words = self.words.take(self.random.randint(5, 24))
        if len(words) > 12:
            words[len(words) // 2] += ","
        return " ".join(words).capitalize() + "."

    def paragraph(self) -> str:
        count = min(9, 1 + int(self.random.expovariate(0.4)))
        return " ".join([self.sentence() for _ in range(count)])

    def bullets(self) -> str:
        mark = self.random.choice(("- ", "- ", "1. "))
        return "\n".join([mark + self.sentence() for _ in range(self.random.randint(2, 7))])

    def fence(self) -> str:
        names = self.words.take(self.random.randint(4, 14))
        lines = [f"    {name} = load('{name}', retries={len(name)})" for name in names]
        return "```python\ndef main():\n" + "\n".join(lines) + "\n```"

    def table(self) -> str:
        width, height = self.random.randint(3, 6), self.random.randint(3, 12)
        rows = [f"| {' | '.join(self.words.take(width))} |" for _ in range(height)]
        return "\n".join([rows[0], "|" + " --- |" * width, *rows[1:]])

    def section(self) -> str:
        level = self.random.choice(("##", "##", "###"))
        title = " ".join(self.words.take(self.random.randint(2, 6))).title()
        makers = self.random.choices(self._makers, (14, 3, 1, 1), k=self.random.randint(1, 6))
        return "\n\n".join([f"{level} {title}", *[make() for make in makers]])

    def document(self) -> str:
        """Sizes spread as files do: half of them below 3,500 characters, few above 12,000."""
        size = self.random.lognormvariate(0, 0.6) * (MEAN_CHARS - _MEAN_OVERRUN) / 1.197
        parts = [f"# {' '.join(self.words.take(4)).title()}", self.paragraph()]
        length = sum(map(len, parts))
        while length < size:
            parts.append(self.section())
            length += len(parts[-1]) + 2
        return "\n\n".join(parts) + "\n"


@dataclass(slots=True)
class Corpus:
    """A folder of documents. The same seed makes the same ones, and the same changes to them."""

    folder: Path
    seed: int = 1
    paths: list[str] = field(default_factory=list)
    total_bytes: int = 0
    _writer: Writer = field(init=False)
    _made: int = 0

    def __post_init__(self) -> None:
        self._writer = Writer(self.seed)

    def make(self, documents: int) -> None:
        for _ in range(documents):
            self._add()

    def mutate(self) -> None:
        """Edit, add and delete; at least one document each."""
        count = len(self.paths)
        chosen = self._writer.random.sample(
            self.paths, share(count, EDITED) + share(count, DELETED)
        )
        for path in chosen[: share(count, EDITED)]:
            self._edit(path)
        for _ in range(share(count, ADDED)):
            self._add()
        gone = set(chosen[share(count, EDITED) :])
        for path in gone:
            (self.folder / path).unlink()
        self.paths = [path for path in self.paths if path not in gone]

    def edit_one(self) -> None:
        self._edit(self._writer.random.choice(self.paths))

    def _add(self) -> None:
        path = f"part-{self._made // FOLDER_ITEMS:04}/document-{self._made:06}.md"
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        self.total_bytes += file.write_bytes(self._writer.document().encode())
        self.paths.append(path)
        self._made += 1

    def _edit(self, path: str) -> None:
        """Add a paragraph somewhere, or put another in the place of one."""
        file, random = self.folder / path, self._writer.random
        blocks = file.read_text("utf-8").rstrip("\n").split("\n\n")
        at = random.randint(1, len(blocks))
        prose = at < len(blocks) and blocks[at][:1] not in "#-|`1"
        blocks[at : at + (prose and random.random() < 0.5)] = [self._writer.paragraph()]
        file.write_text("\n\n".join(blocks) + "\n", "utf-8")


def share(count: int, part: float) -> int:
    return max(1, round(count * part))
