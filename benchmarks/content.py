"""Documents in a folder become searchable chunks: ours, the limit's and the peers' ways."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import rivals
from benchmarks.contest import (
    PHASES,
    Contestant,
    Figures,
    Lost,
    Runner,
    expected_marks,
    ours_and_limits,
)
from benchmarks.corpus import Corpus
from livesync_pipelines.store import embedded

WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Measured:
    """One corpus size: what it was in the end, and everybody's figures."""

    documents: int
    corpus_bytes: int
    chunks: int
    figures: list[Figures]


def compare(
    sizes: Sequence[int],
    *,
    repeat: int,
    with_peers: bool = False,
    room: Path | None = None,
    server_url: str | None = None,
) -> Iterator[Measured]:
    """Measure every size, on a server of our own unless one is given. `room` is where corpus
    and server live; others must be able to enter it, for root's server is another user's."""
    contestants = ours_and_limits() + (rivals.installed(say) if with_peers else [])
    place = a_place(room)
    url = server_url or embedded.start(place / "home")
    warm = Corpus(place / "warm", seed=7)
    warm.make(WARM_UP)
    for documents in sizes:
        corpus = Corpus(place / f"corpus-{documents}")
        say(f"{documents:,} documents: writing them")
        corpus.make(documents)
        yield _contest(contestants, url, corpus, warm.folder, repeat)
        shutil.rmtree(corpus.folder)


def a_place(room: Path | None) -> Path:
    """A new folder that others may enter. The server in it runs until this process ends, so
    the folder goes after it."""
    place = Path(tempfile.mkdtemp(prefix="livesync-benchmark-", dir=room or "/var/tmp"))
    place.chmod(0o755)
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def _contest(
    contestants: Sequence[Contestant], server_url: str, corpus: Corpus, warm: Path, repeat: int
) -> Measured:
    documents = len(corpus.paths)
    runners: list[Runner] = []
    try:
        for contestant in contestants:
            runners.append(Runner(contestant, server_url))
            _all(runners[-1:], lambda runner: runner.warm_up(warm))
        for turn in range(1, repeat + 1):
            order = runners if turn % 2 else runners[::-1]
            _round(order, corpus, turn, f"{documents:,} documents, round {turn} of {repeat}")
        say("comparing what is stored with a fresh computation")
        expected = expected_marks(corpus.folder, corpus.paths)
        _all(runners, lambda runner: runner.verify(expected))
    finally:
        for runner in runners:
            runner.close()
    figures = [runner.figures for runner in runners]
    return Measured(documents, corpus.total_bytes, len(expected), figures)


def _round(runners: Sequence[Runner], corpus: Corpus, turn: int, title: str) -> None:
    changes = {"changed": corpus.mutate, "one edited": corpus.edit_one}
    _all(runners, lambda runner: runner.prepare(corpus.folder, f"r{turn}"))
    for phase in PHASES:
        if phase in changes:
            changes[phase]()
        say(f"{title}: {phase}")
        _all(runners, lambda runner, phase=phase: runner.measure(phase))  # type: ignore[misc]  # mypy guesses no lambda's type


def _all(runners: Sequence[Runner], act: Callable[[Runner], None]) -> None:
    """Each in turn. One that is lost, or whose store cannot be read, is out; the others go on."""
    for runner in runners:
        if runner.figures.trouble is None:
            try:
                act(runner)
            except (Lost, psycopg.Error) as error:
                runner.figures.trouble = str(error).splitlines()[0]
                say(f"{runner.contestant.label}: {runner.figures.trouble}")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
