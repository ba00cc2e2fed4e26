"""Which sync that is there a caller's document means, and in what it asks for another one.

A sync of rows is the one between two tables (or files), whatever they are called and however they
are read; any other is the one whose settings are as the document says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from livesync_pipelines.core import cadence
from livesync_pipelines.engine._row_doors import WHERE, place_of
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.options import expand
from livesync_pipelines.engine.wish import DOOR, End, Wish
from livesync_pipelines.model.errors import BadInput, NeedsPerson
from livesync_pipelines.model.sync import Desired, SyncConfig

_SHEETLESS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
"""How the names of files end that hold one table each; of any other, each sheet is a table."""


class Meaning:
    """What documents mean among these syncs."""

    def __init__(self, engine: Engine, known: Desired) -> None:
        self._engine = engine
        self._syncs = known.syncs
        self._connections = {one.name: one for one in known.connections}

    def there(self, wish: Wish) -> SyncConfig | None:
        """The sync that is wished for, if it is there: what the wish does not say may be anything.
        Raises `BadInput` where it names no table, or several syncs fit."""
        self._refuse_tableless(wish)
        near = [sync for sync in self._syncs if self._is_between(sync, wish)]
        found = [sync for sync in near if not self.differs(sync, wish)] or near
        if len(found) > 1:
            names = ", ".join(sync.sync_id for sync in found)
            raise BadInput(
                "several syncs are between this source and this target",
                hint=f'Ask for one by its name, as {{"sync_id": "NAME"}}: {names}.',
                where=DOOR,
            )
        return found[0] if found else None

    def differs(self, sync: SyncConfig, wish: Wish) -> list[tuple[str, str, object, object]]:
        """What the wish says of an end and the sync has not: which end, the word, what the sync
        has, what is asked for."""
        return [
            (side, word, has, asked)
            for side, asked_for, end, select in _ends(sync, wish)
            for word, asked in asked_for.select.items()
            if (not _is_of_rows(sync) or word not in WHERE)
            and (has := self._value(end, select, word)) != asked
        ]

    def refuse_another(self, there: SyncConfig, wish: Wish, wanted: SyncConfig) -> None:
        """Raises `NeedsPerson` where a sync would have to be changed: a caller asks for runs, and
        what a sync does to its ends is said where it was made."""
        same_times = cadence.parse(there.schedule) == cadence.parse(wanted.schedule)
        pairs: list[tuple[str, str, object, object]] = [
            ("", "mode", str(there.mode), str(wanted.mode)),
            *([] if same_times else [("", "schedule", there.schedule, wanted.schedule)]),
            *self.differs(there, wish),
        ]
        for side, word, has, asked in pairs:
            if has != asked:
                whose = f"the {word} of its {side}" if side else f"its {word}"
                place = f" under `{'select' if side == 'source' else 'target'}`" if side else ""
                or_so = f", or ask for {_said(has)}" if has else ""
                raise NeedsPerson(
                    f"Sync '{there.sync_id}' is between these two already, and {whose} is "
                    f"{_said(has)}, not {_said(asked)}.",
                    hint=f"Leave {word!r} out{or_so}. To change it, write `{word}: "
                    f"{_said(asked)}`{place} for this sync in the workspace file, and `livesync "
                    "apply FILE`.",
                    where=f"{DOOR}: {side}.{word}" if side else f"{DOOR}: {word}",
                )

    def _is_between(self, sync: SyncConfig, wish: Wish) -> bool:
        if sync.project_id != wish.project_id or sync.capsule != wish.capsule:
            return False
        if _is_of_rows(sync):
            return not self._is_of_another_sheet(sync, wish) and all(
                self._place(asked_for.connection, asked_for.select) == self._place(end, select)
                for _, asked_for, end, select in _ends(sync, wish)
            )
        same = all(asked_for.connection == end for _, asked_for, end, _ in _ends(sync, wish))
        return same and not self.differs(sync, wish)

    def _is_of_another_sheet(self, sync: SyncConfig, wish: Wish) -> bool:
        selects = {side: select for side, _, _, select in _ends(sync, wish)}
        return any(
            word == "sheet" and not str(selects[side].get("rows")).lower().endswith(_SHEETLESS)
            for side, word, _, _ in self.differs(sync, wish)
        )

    def _place(self, name: str, select: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        connection = self._connections[name]
        said = {**connection.options, **select}
        with suppress(BadInput):  # a variable is not set: the place is told by the variable
            said = expand(said, self._engine.environ)
        return place_of(connection.platform, said)

    def _value(self, name: str, select: Mapping[str, Any], word: str) -> object:
        """What a sync has of an option of an end, said or not."""
        connection = self._connections[name]
        said = {**connection.options, **select}
        kind = self._engine.row_ends.get(connection.platform)
        option = kind.Selection.model_fields.get(word) if kind is not None else None
        if word in said or option is None or option.is_required():
            return said.get(word)
        return option.get_default(call_default_factory=True)

    def _refuse_tableless(self, wish: Wish) -> None:
        if wish.target is None:
            return
        for word, one in (("source", wish.source), ("target", wish.target)):
            connection = self._connections[one.connection]
            kind = self._engine.row_ends.get(connection.platform)
            of_tables = kind is not None and "table" in kind.Selection.model_fields
            if of_tables and "table" not in {**connection.options, **one.select}:
                name = one.connection
                raise BadInput(
                    f"the table is missing: {name!r} is a database",
                    hint=f'Write "{name}/TABLE", or {{"connection": "{name}", "table": "NAME"}}.',
                    where=f"{DOOR}: {word}",
                )


def _is_of_rows(sync: SyncConfig) -> bool:
    return sync.target is not None and not sync.copies


def _ends(sync: SyncConfig, wish: Wish) -> Iterator[tuple[str, End, str, Mapping[str, Any]]]:
    """Of each end: what it is called, what is asked for, and the sync's connection and select."""
    yield "source", wish.source, sync.connection, sync.select
    if wish.target is not None and sync.target is not None:
        yield "target", wish.target, sync.target.connection, sync.target.select


def _said(value: object) -> str:
    if value is None or value == []:
        return "not set"
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
