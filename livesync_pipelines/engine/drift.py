"""Undetected drift: random items are read anew and held against what we have of them.

An item that reads differently under the version that we hold has drifted: no listing will show it.
Another version, an item that is gone, and one that is listed and that we do not know may only be
newer than the last run. They lag; and they have drifted if they are still so after a complete run
that began later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.core.normalise import normalise
from livesync_pipelines.engine import row_drift
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.pacing import connected
from livesync_pipelines.engine.reading import Answer, Read, read
from livesync_pipelines.engine.triggers import ask_for, refuse_idle
from livesync_pipelines.formats.extract import ExtractLimits, Extractor
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.records import Entry, Failed, Known
from livesync_pipelines.model.spec import Absence, Lane
from livesync_pipelines.model.sync import SyncConfig, Trigger
from livesync_pipelines.store import catalog, samples, shadow
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.samples import Sample

_GONE = frozenset({"vanished", "not_found", "moved"})
"""Failures to read an item that say that it is not there."""


@dataclass(frozen=True, slots=True)
class _Look:
    engine: Engine
    connection: Connection
    sync: SyncConfig
    connector: Connector
    extractor: Extractor

    @property
    def sync_id(self) -> str:
        return self.sync.sync_id


def sample(engine: Engine, sync_id: str, *, items: int) -> list[Sample]:
    """Look at so many random items of a sync, and once more at changes that a run should have
    brought in since; nothing but what was found is written. Returns what is new.

    The items follow from the sync and the day. Where something has drifted a full resync is queued.
    Raises what `triggers.refuse_idle` and the source raise; then nothing is kept.
    """
    with engine.database.connect() as connection:
        sync = refuse_idle(engine, connection, sync_id)
        if sync.copies:
            raise BadInput(
                f"Of sync '{sync_id}', which copies files, nothing is sampled: every run lists "
                "both of its ends.",
                hint=f"`livesync sync run {sync_id} --full` compares the contents of all files.",
            )
        now = engine.now()
        again = samples.overdue(connection, sync_id, limit=items)
        before, seed = [one for _, one in again], f"{sync_id} {now.date()}"
        if sync.target is None:
            with _looking(engine, connection, sync) as look:
                settled = _look_again(look, before)
                drawn = samples.draw(connection, sync_id, seed=seed, limit=items)
                found = [*_look_at(look, drawn), *_strangers(look, drawn, seed=seed, limit=items)]
        else:
            found, settled = row_drift.look(
                engine, connection, sync, old=before, seed=seed, limit=items
            )
        for (on, old), outcome in zip(again, settled, strict=True):
            samples.settle(connection, sync_id, old.key, outcome, on=on, at=now)
        samples.write(connection, sync_id, found, on=now.date(), at=now)
        if "drift" in {*settled, *(one.outcome for one in found)}:
            ask_for(engine, connection, sync_id, full=True, trigger=Trigger.DRIFT)
    return found


@contextmanager
def _looking(engine: Engine, connection: Connection, sync: SyncConfig) -> Iterator[_Look]:
    source = catalog.connection_of(connection, sync.connection)
    with (
        connected(engine, source, sync, Lane.BACKFILL) as connector,
        Extractor(ExtractLimits(max_bytes=sync.limits.item_bytes)) as extractor,
    ):
        yield _Look(engine, connection, sync, connector, extractor)


def _answers(look: _Look, entries: Sequence[Entry]) -> dict[str, Answer]:
    return {
        answer.entry.key if isinstance(answer, Read) else answer.failure.key: answer
        for answer in read(look.connector, look.extractor, entries, {})
    }


def _look_at(look: _Look, drawn: Sequence[Entry]) -> Iterator[Sample]:
    answers = _answers(look, drawn)
    known = shadow.known_by_key(
        look.connection, look.sync_id, list(answers)
    )  # as of now: runs go on
    for entry in drawn:
        yield _compared(look, entry.key, answers[entry.key], known.get(entry.key))


def _compared(look: _Look, key: str, answer: Answer, known: Known | None) -> Sample:
    if known is None:  # a run has just taken it out
        return Sample(key=key, outcome="unread")
    if isinstance(answer, Failed):
        if not _is_gone(look, answer):
            return Sample(key=key, outcome="unread", held=known.version, seen=answer.version)
        return Sample(key=key, outcome="lag", finding="gone", held=known.version)
    seen = answer.body.version
    if _reads_as(look, answer, known):
        return Sample(key=key, outcome="same", held=known.version, seen=seen)
    outcome = "drift" if seen == known.version else "lag"
    return Sample(key=key, outcome=outcome, finding="content", held=known.version, seen=seen)


def _is_gone(look: _Look, failed: Failed) -> bool:
    """A feed that shows an item no more has said nothing about it."""
    spec = look.connector.spec
    tells = spec.absence is Absence.DELETED or spec.explicit_deletes
    return tells and failed.failure.code in _GONE


def _reads_as(look: _Look, answer: Read, known: Known) -> bool:
    record = normalise(
        answer.body,
        answer.extracted,
        item_id=known.item_id,
        entry=answer.entry,
        fetched_at=look.engine.now(),
    )
    return record.fingerprint == known.fingerprint


def _strangers(look: _Look, drawn: Sequence[Entry], *, seed: str, limit: int) -> Iterator[Sample]:
    """What one page of the listing, from its start or from one of these items on, shows that we do
    not know. Only of a platform that can list from the middle."""
    if not look.connector.spec.ordered:
        return
    places = [None, *(entry.key for entry in drawn)]
    resume = places[int.from_bytes(blake2b(seed.encode(), digest_size=8).digest()) % len(places)]
    note = catalog.note(look.connection, look.sync_id)
    memory = shadow.StoredMemory(look.connection, look.sync_id, note)
    page = next(iter(look.connector.listing(memory, resume)))
    versions = dict(
        zip(page.entries["key"].to_pylist(), page.entries["version"].to_pylist(), strict=True)
    )
    unknown = samples.strangers(look.connection, look.sync_id, list(versions))
    for key in sorted(unknown)[:limit]:
        yield Sample(key=key, outcome="lag", finding="unknown", seen=versions[key])


def _look_again(look: _Look, old: Sequence[Sample]) -> list[str]:
    """What each of these changes, which a run should have brought in, turned out to be."""
    keys = [one.key for one in old]
    held = samples.sound(look.connection, look.sync_id, keys)
    strangers = samples.strangers(look.connection, look.sync_id, keys)
    wanted: dict[str, Entry] = {}
    for one in old:
        if one.finding == "unknown" and one.key in strangers:
            wanted[one.key] = Entry(one.key, one.seen or "")
        elif one.key in held and held[one.key].version == one.held:
            wanted[one.key] = held[one.key]
    answers = _answers(look, list(wanted.values()))
    known = shadow.known_by_key(look.connection, look.sync_id, list(wanted))
    return [
        "drift"
        if one.key in answers and _is_still_so(look, one, answers[one.key], known.get(one.key))
        else "lag"
        for one in old
    ]


def _is_still_so(look: _Look, old: Sample, answer: Answer, known: Known | None) -> bool:
    match old.finding:
        case "gone":
            return known is not None and isinstance(answer, Failed) and _is_gone(look, answer)
        case "unknown":
            return known is None and isinstance(answer, Read)
    return (
        known is not None
        and known.version == old.held
        and isinstance(answer, Read)
        and not _reads_as(look, answer, known)
    )
