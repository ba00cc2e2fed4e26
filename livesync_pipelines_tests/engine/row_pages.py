"""Pages of rows that are committed as a run commits them, without the ends that they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import pyarrow as pa

from livesync_pipelines.engine.operating import Errand, operate
from livesync_pipelines.model.conflict import Conflict, Version
from livesync_pipelines.model.operation import Op, Status
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import commit, row_base
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation, Outcome
from livesync_pipelines.store.row_commit import FORGOTTEN, STATE, RowCommit
from livesync_pipelines_tests.engine.two_ends import SYNC, TwoEnds

Values = Mapping[str, str | None]
"""By key the new value of each row of a page; None: the row is removed."""


@dataclass(slots=True)
class RowPages:
    """A sync of rows that have one value, `name`; `told`: by key each version with its time."""

    ends: TwoEnds
    told: dict[str, list[tuple[datetime, str | None]]] = field(default_factory=dict)

    def living(self) -> dict[str, str]:
        newest = {key: versions[-1][1] for key, versions in self.told.items()}
        return {key: value for key, value in newest.items() if value is not None}

    def write(self, pages: Sequence[tuple[datetime, Values]], *, disputed: str = "") -> None:
        """Commit these pages in one operation; of the row `disputed` a conflict is told."""

        def work(operation: Operation) -> Outcome:
            for at, values in pages:
                self._write(connection, operation, at, values, disputed)
            return Outcome(Status.SUCCESS)

        errand = Errand(sync_id=SYNC, trigger=Trigger.PERSON)
        with self.ends.engine.database.connect() as connection:
            operate(self.ends.engine, connection, errand, work)

    def _write(
        self,
        connection: Connection,
        operation: Operation,
        at: datetime,
        values: Values,
        disputed: str,
    ) -> None:
        living = self.living()
        page = {k: v for k, v in values.items() if v is not None or k in living}
        if not page:
            return
        lost = [_conflict(disputed)] if disputed in page else []
        made = RowCommit(
            lines=_lines(connection, page, living), conflicts=lost, policy="latest_wins"
        )
        commit.write(connection, operation, commit.Batch(rows=made), now=at, place=operation.place)
        for key, value in page.items():
            self.told.setdefault(key, []).append((at, value))


def _lines(connection: Connection, page: Values, living: Mapping[str, str]) -> pa.Table:
    held = row_base.by_key(connection, SYNC, list(page)).to_pylist()
    blocks = {row["key"]: row["block"] for row in held}
    marks = [_mark(value) for value in page.values()]
    columns = {
        "key": list(page),
        "op": [_op(key, value, living) for key, value in page.items()],
        "before": [blocks.get(key) for key in page],
        "source_mark": marks,
        "target_mark": marks,
        "turns": [0] * len(page),
        "went_to": ["target"] * len(page),
        "to_source": [False] * len(page),
        "to_target": [True] * len(page),
    }
    return pa.table(columns, schema=STATE).append_column(
        "=name", pa.array([value or "" for value in page.values()])
    )


def _mark(value: str | None) -> bytes | None:
    return None if value is None else blake2b(value.encode(), digest_size=16).digest()


def _op(key: str, value: str | None, living: Mapping[str, str]) -> str:
    if value is None:
        return Op.REMOVED if len(key) % 2 else FORGOTTEN
    return Op.UPDATED if key in living else Op.ADDED


def _conflict(key: str) -> Conflict:
    return Conflict(
        key=key,
        field="name",
        policy="latest_wins",
        winner="source",
        reason="It is newer.",
        base="was",
        source=Version(value="here"),
        target=Version(value="there"),
    )
