"""Deliberately broken variants of the engine: each is a mistake that sync engines have made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from livesync_pipelines.connectors import stamped
from livesync_pipelines.core import corridor, delta, guard, mapping, patience
from livesync_pipelines.engine import following, intake, listing, operating, page, sync
from livesync_pipelines.model.errors import CursorExpired, LiveSyncError
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.records import Change, Chunk
from livesync_pipelines.store import commit, kept, ledger, letters, lines, shadow, tenure, unsettled
from livesync_pipelines.store.commit import Batch
from livesync_pipelines.store.operations import Outcome

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]


def _instead(module: Any, name: str, make: Callable[[Any], Any]) -> Mutant:
    """A mutant in which this function is what `make` makes of it."""

    def apply(patch: Patch) -> None:
        patch.setattr(module, name, make(getattr(module, name)))

    return apply


def _answering(answer: Any) -> Callable[[Any], Any]:
    return lambda real: lambda *args, **named: answer


def _changed(**fields: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What the function returns, with these fields made anew from it."""

    def make(real: Any) -> Any:
        def mutated(*args: Any, **named: Any) -> Any:
            found = real(*args, **named)
            return replace(found, **{name: of(found) for name, of in fields.items()})

        return mutated

    return make


def _swallowing(real: Any) -> Any:
    """A page that fails ends the listing, as if it had been the last."""

    def walk(this: Any) -> bool:
        try:
            done: bool = real(this)
        except LiveSyncError:
            return True
        return done

    return walk


def _held(change: Change) -> tuple[str, ...]:
    return change.known.chunk_ids if change.known else ()


def _by_place(real: Any) -> Any:
    def chunk_ids(scope: str, pieces: Sequence[Any]) -> list[str]:
        return [
            real(f"{scope} {place}", [Chunk("", 0, 0, ())])[0] for place, _ in enumerate(pieces)
        ]

    return chunk_ids


def _no_resume(real: Any) -> Any:
    def begin(*args: Any, **named: Any) -> Any:
        operation = real(*args, **named)
        operation.place = replace(operation.place, resume=None)
        return operation

    return begin


def _owes_nothing(real: Any) -> Any:
    def begin(*args: Any, **named: Any) -> Any:
        operation = real(*args, **named)
        operation.owes_look = False
        return operation

    return begin


def _all_but_the_last(real: Any) -> Any:
    """`key < through` where `key <= through` is meant."""

    def versions(*args: Any, **named: Any) -> Any:
        found = real(*args, **named)
        return found.slice(0, max(found.num_rows - 1, 0))

    return versions


def _forgetful(this: intake.Pass, key: str, code: str) -> None:
    this.operation.counts.failed += 1


def _cursor_of_the_end(this: intake.Pass) -> None:
    place = replace(this.place, cursor=following.place_in_feed(this), ahead=None)
    this.commit(Batch(), place)
    this.writer.wait()


def _cursor_first(real: Any) -> Any:
    def take_page(this: intake.Pass, *args: Any, **places: Any) -> None:
        this.commit(Batch(), places["afterwards"])
        real(this, *args, **{**places, "meanwhile": places["afterwards"]})

    return take_page


def _deaf(real: Any) -> Any:
    """An expired cursor means that nothing has changed."""

    def follow(*args: Any) -> None:
        with suppress(CursorExpired):
            real(*args)

    return follow


MUTANTS: dict[str, Mutant] = {
    "an incomplete listing deletes": _instead(
        sync, "settle", lambda real: lambda this, complete: real(this, complete=True)
    ),
    "a page error is swallowed": _instead(sync, "walk", _swallowing),
    "a mass deletion asks nobody": _instead(guard, "refusal", _answering(None)),
    "chunk ids are positions": _instead(corridor, "chunk_ids", _by_place),
    "the shadow is read with a strict bound": _instead(
        shadow, "versions_between", _all_but_the_last
    ),
    "a changed version is taken for the same": _instead(
        page,
        "compare",
        _changed(changed=lambda c: c.changed.slice(0, 0)),
    ),
    "a full resync is an ordinary one": _instead(
        page, "compare", lambda real: lambda table, held, full: delta.compare(table, held)
    ),
    "a rename is a deletion and an arrival": _instead(page, "_possible_renames", _answering(set())),
    "the fence is not checked": _instead(tenure, "fence", _answering(None)),
    "two operations at a time": _instead(tenure, "_lock", _answering(None)),
    "the ledger's hashes say nothing": _instead(ledger, "chain", _answering(b"0" * 16)),
    "a removal is not logged": _instead(
        commit,
        "_lines",
        lambda real: lambda batch: (lines.of_change(change) for change in batch.changes),
    ),
    "an item that fails is absent": _instead(intake.Pass, "fails", lambda real: _forgetful),
    "what could not be seen is absent": _instead(
        listing, "screened", _changed(blind=lambda page: ())
    ),
    "a failure that has healed stays": _instead(letters, "take", _answering({})),
    "an interrupted listing begins anew": _instead(tenure, "begin", _no_resume),
    "what was told after a listing broke off is left": _instead(tenure, "begin", _owes_nothing),
    "old chunks stay": _instead(corridor, "change", _changed(dropped=lambda change: ())),
    "every chunk is written again": _instead(
        corridor,
        "change",
        _changed(
            written=lambda change: tuple({p.chunk_id: p for p in change.layout}.values()),
            dropped=_held,
        ),
    ),
    "the mapping is forgotten": _instead(
        mapping, "apply", lambda real: lambda fields, attributes: attributes
    ),
    "what a person restored is removed again": _instead(kept, "among", _answering(set())),
    "a source that stays away is tried for ever": _instead(
        patience, "after", lambda real: lambda error, **named: patience.Next(60.0, again=True)
    ),
    "absences of an older listing are believed": _instead(unsettled, "forget", _answering(None)),
    "a failed operation leaves no trace": _instead(
        operating, "_failed", lambda real: lambda operation, error, told: Outcome(Status.SUCCESS)
    ),
}

OF_FEEDS: dict[str, Mutant] = {
    "the cursor is taken after the listing": _instead(
        sync, "arrive", lambda real: _cursor_of_the_end
    ),
    "the cursor is moved before its page is written": _instead(
        following, "take_page", _cursor_first
    ),
    "an expired cursor means that nothing has changed": _instead(sync, "follow", _deaf),
    "what a listing in two halves did not show is forgotten": _instead(
        listing, "_went_on_blindly", _answering(False)
    ),
    "what a feed calls gone is kept": _instead(page, "_absences", _answering([])),
    "what failed is not read again": _instead(unsettled, "owed", _answering([])),
    "a repeated page is asked for again": _instead(following, "_refuse_repeated", _answering(None)),
    "nothing overlaps": _instead(
        stamped, "window_start", lambda real: lambda newest, clock: newest
    ),
    "a stamp of the future is believed": _instead(
        stamped,
        "window_end",
        lambda real: lambda newest, seen, now, clock: max(newest, seen or now),
    ),
    "a clock that went back is believed": _instead(stamped, "went_back", _answering(False)),
}
"""Those that only the following of a change feed can show."""
