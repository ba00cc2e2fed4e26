"""What is held against the reference after a run, and when everything has settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from livesync_pipelines.engine.rebuild import rebuild
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import FieldMapping, Limits
from livesync_pipelines.store import catalog, stages
from livesync_pipelines_tests.engine.house import SYNC, House, assert_sound
from livesync_pipelines_tests.proof.faults import BREAKS_OFF, Pair
from livesync_pipelines_tests.proof.reader import Reader, mapped, value
from livesync_pipelines_tests.proof.reference import Reference
from livesync_pipelines_tests.proof.source import Platform

LIMITS = Limits(delete_items=2, delete_share=0.3)
MAPPINGS = ((), (FieldMapping("number", source="edit"), FieldMapping("kind", value="fake")))


@dataclass(slots=True)
class Checks:
    """Of one history."""

    house: House
    platform: Platform
    reference: Reference
    reader: Reader
    cursor: int = 0

    def removals(self, told: int, *, held: int, approved: int, status: str) -> None:
        """What the ledger says was removed since entry `told`, of `held` items."""
        removed = Counter(
            entry["operation_id"]
            for entry in self.house.entries()[told:]
            if entry["op"] == "removed"
        )
        for number in removed.values():
            self.reference.may_remove(
                number,
                held=held,
                approved=approved,
                waited=status == Status.WAITING and len(removed) == 1,
                limits=LIMITS,
            )

    def honest(self, status: str, fired: Sequence[Pair]) -> None:
        """No run says that it has done what a fault kept it from doing."""
        struck = {name for name, *_ in fired}
        broken = status not in {Status.SUCCESS, Status.PARTIAL, Status.WAITING}
        assert broken or not struck & BREAKS_OFF, f"{status} after {struck}"
        short = "the listing ends early and says so" in struck
        assert not short or status != Status.SUCCESS, "half a listing was a success"

    def cursor_moves_on(self) -> None:
        """A cursor never goes back."""
        cursor = self.house.sync_row()["cursor"]
        if cursor is not None and self.platform.flavour.startswith("told"):
            assert int(cursor) >= self.cursor, "the cursor went back"
            self.cursor = int(cursor)

    def in_step(self, status: str, *, patient: bool) -> None:
        """After a run that missed nothing. A `patient` one leaves alone what failed a while ago,
        until its time has come."""
        platform, found = self.platform, self.reader.rows()
        failing = set(self.house.failures())
        unreadable = set(platform.poisoned) & platform.items.keys()
        if patient:
            unreadable |= self._waiting_for_their_time()
        identities = {platform.items[key].identity for key in unreadable & platform.items.keys()}
        kept = {row["key"] for row in found if row["identity"] in identities}
        # Within a run one item may be seen at two names: a listing is no snapshot.
        shown = [
            row["identity"] for row in found if row["identity"] and row["key"] not in unreadable
        ]
        self.reference.counts.duplicated += len(shown) - len(set(shown))
        self.reference.is_in_step(
            {row["key"]: value(row) for row in found},
            platform.values(),
            unreadable=unreadable | kept,
            waits=status == Status.WAITING,
        )
        held = {row["key"]: row["version"] for row in found}
        current = {key: item.version for key, item in platform.items.items()}
        self.reference.must_fail(failing, poisoned=unreadable, current=current, held=held)
        assert (status == Status.PARTIAL) == bool(failing) or status == Status.WAITING, failing

    def _waiting_for_their_time(self) -> set[str]:
        found = self.house.rows(
            "select key from livesync.item_failures where retry_at > %s", self.house.engine.now()
        )
        return {row["key"] for row in found}

    def same_items(self, before: Sequence[Mapping[str, Any]]) -> None:
        """An item that is held as before under a new name is the same item. `before` are the
        reader's rows; a name that another item had (a swap) keeps that item's place."""
        held = {(row["identity"], value(row)): row for row in before if row["identity"]}
        names = {row["key"] for row in before}
        for row in self.reader.rows():
            old = None if row["key"] in names else held.get((row["identity"], value(row)))
            assert old is None or old["item_id"] == row["item_id"], (
                f"'{old['key']}' was renamed to '{row['key']}', and became another item"
            )

    def holds_together(self, last: str) -> None:
        """In quiet, after operation `last`: all accounts of what is held agree."""
        assert_sound(self.house)
        assert rebuild(self.house.engine, SYNC, check=True).is_exact
        left = self.house.rows("select * from livesync.operations where status = 'running'")
        assert left == []
        assert self.house.rows("select * from livesync.unsettled where kind = 'arrived'") == []
        absent = self.house.rows(
            "select s.identity from livesync.unsettled u"
            " join livesync.shadow s using (sync_id, key)"
            " where u.kind = 'absent'"
        )
        unread = self.house.failures().keys() & self.platform.items.keys()
        newer = {self.platform.items[key].identity for key in unread}
        assert {row["identity"] for row in absent} <= newer, "a removal was left undone"
        with self.house.engine.database.pooled() as connection:
            wanted = catalog.sync(connection, SYNC).mapping
            listed = stages.listing_digest(connection, last)
            assert listed in {None, stages.shadow_digest(connection, SYNC)}
        for row in self.reader.rows():
            assert row["mapped"] == mapped(wanted, row["attributes"]), row["key"]
