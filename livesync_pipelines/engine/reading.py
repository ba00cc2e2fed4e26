"""From listing entries to records: contents that came along or are fetched, read into text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.formats.extract import Extractor
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Entry, Extracted, Failed

BATCH_ITEMS = 500
BATCH_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Read:
    """One item whose bytes have become text."""

    entry: Entry
    body: Body
    extracted: Extracted


Answer = Read | Failed
"""What became of one entry: its text, or why it has none."""


def read(
    connector: Connector,
    extractor: Extractor,
    entries: Sequence[Entry],
    bodies: Mapping[str, Body],
) -> Iterator[Answer]:
    """One answer per entry, streaming. A second one, or one that nobody asked for, is dropped."""
    waiting = {entry.key: entry for entry in entries}
    failures: list[ItemFailure] = []
    contents = _contents(connector, entries, bodies, failures)
    for body, outcome in extractor.extract(contents):
        entry = waiting.pop(body.key, None)
        if entry is None:
            continue
        if isinstance(outcome, ItemFailure):
            yield Failed(outcome, body.version, body.content, entry)
        else:
            yield Read(entry, body, outcome)
    for failure in failures:
        failed = waiting.pop(failure.key, None)
        if failed is not None:
            yield Failed(failure, failed.version, entry=failed)
    for entry in waiting.values():
        failure = ItemFailure(entry.key, "unanswered", "the connector did not answer for it")
        yield Failed(failure, "", entry=entry)


def _contents(
    connector: Connector,
    entries: Sequence[Entry],
    bodies: Mapping[str, Body],
    failures: list[ItemFailure],
) -> Iterator[Body]:
    """What came along with the listing, then what is fetched; failures are put aside."""
    for entry in entries:
        if entry.key in bodies:
            yield bodies[entry.key]
    wanted = [entry for entry in entries if entry.key not in bodies]
    for answer in connector.fetch(wanted) if wanted else ():
        if isinstance(answer, ItemFailure):
            failures.append(answer)
        else:
            yield answer


@dataclass(slots=True)
class Piece:
    """What one transaction can hold; `last`: nothing follows it."""

    good: list[Read] = field(default_factory=list)
    bad: list[Failed] = field(default_factory=list)
    size: int = 0
    last: bool = False

    def add(self, answer: Answer) -> None:
        if isinstance(answer, Read):
            self.good.append(answer)
            self.size += len(answer.body.content)
        else:
            self.bad.append(answer)
            self.size += len(answer.content)

    @property
    def is_full(self) -> bool:
        return len(self.good) + len(self.bad) >= BATCH_ITEMS or self.size >= BATCH_BYTES


def batches(answers: Iterator[Answer]) -> Iterator[Piece]:
    """Cut a stream of answers into pieces, none of them empty."""
    piece = Piece()
    for answer in answers:
        if piece.is_full:
            yield piece
            piece = Piece()
        piece.add(answer)
    if piece.good or piece.bad:
        piece.last = True
        yield piece
