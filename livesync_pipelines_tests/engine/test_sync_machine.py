"""Generated histories: whatever is done to a source, after a run the capsule equals it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as play

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import replay_sync
from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Limits
from livesync_pipelines_tests.engine.fake_source import Source, fails
from livesync_pipelines_tests.engine.house import House, a_house, a_sync, assert_sound, prose

HISTORIES = int(os.environ.get("LIVESYNC_PROVE", "15"))
"""`make prove` asks for many more, from a seed that it prints."""

KEYS = [f"{folder}{name}" for folder in ("", "m/", "z/") for name in "abc"]
TOPICS = ["one", "two", "three"]
keys = st.sampled_from(KEYS)
texts = st.builds(
    lambda topics: "\n\n".join(prose(topic, sections=1) for topic in topics),
    st.lists(st.sampled_from(TOPICS), min_size=0, max_size=3),
)
LOOSE = a_sync(limits=Limits(delete_items=1_000))


class Histories(RuleBasedStateMachine):
    """`model` is what the source holds; `sure` what a run must have brought in at least."""

    house: House
    seen: dict[str, int]

    @initialize(page_items=st.integers(1, 4))
    def begin(self, page_items: int) -> None:
        house = self.house
        for table in (
            "chunks",
            "documents",
            "records",
            "shadow",
            "contents",
            "unsettled",
            "item_failures",
            "ledger",
            "operations",
            "syncs",
        ):
            house.execute(f"delete from livesync.{table}")
        house.configure(LOOSE)
        fresh = Source(page_items=page_items)
        for name in Source.__slots__:
            setattr(house.source, name, getattr(fresh, name))
        self.model: dict[str, str] = {}

    def count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1

    @rule(key=keys, text=texts)
    def put(self, key: str, text: str) -> None:
        self.house.source.put(key, text)
        self.model[key] = text

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def touch(self, data: st.DataObject) -> None:
        self.house.source.touch(data.draw(st.sampled_from(sorted(self.model))))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        self.house.source.remove(key)
        del self.model[key]

    @precondition(lambda self: 0 < len(self.model) < len(KEYS))
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(sorted(self.model)))
        new = data.draw(st.sampled_from(sorted(set(KEYS) - set(self.model))))
        self.house.source.rename(old, new)
        self.model[new] = self.model.pop(old)

    @precondition(lambda self: len(self.model) > 1)
    @rule(data=st.data())
    def swap(self, data: st.DataObject) -> None:
        one, other = data.draw(
            st.lists(st.sampled_from(sorted(self.model)), min_size=2, max_size=2, unique=True)
        )
        self.house.source.swap(one, other)
        self.model[one], self.model[other] = self.model[other], self.model[one]

    @rule(full=st.booleans())
    def run(self, full: bool) -> None:
        self.house.source.forget()
        result = self.house.run(full=full)
        assert result.status is Status.SUCCESS
        self.count("run")
        self.check()

    @rule(page=st.integers(0, 5), killed=st.booleans())
    def break_off(self, page: int, killed: bool) -> None:
        """Die, or lose the source, before a page; the run after it must go on and be right."""
        self.house.source.forget()
        error = KeyboardInterrupt() if killed else Unavailable("away")
        self.house.source.at_page[page] = fails(error)
        pages = -(-len(self.model) // self.house.source.page_items)
        if killed and page < max(pages, 1) and self.house.sync_row()["resume"] is None:
            with pytest.raises(KeyboardInterrupt):
                self.house.run()
            self.count("killed")
        elif not killed:
            self.count(self.house.run().status)
        assert_sound(self.house)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def run_with_an_item_that_fails(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        code = data.draw(st.sampled_from(["timed_out", "malformed"]))
        self.house.source.forget()
        self.house.source.unreadable[key] = ItemFailure(key, code, "Not today.")
        self.count(f"item {self.house.run(full=code == 'timed_out').status}")
        self.house.source.unreadable.clear()
        if code == "malformed" and key in self.house.failures():
            self.house.source.touch(key)
        assert_sound(self.house)

    @rule()
    def list_half(self) -> None:
        """An incomplete listing takes nothing away."""
        before = set(self.house.held())
        gone = before - set(self.model)
        self.house.source.forget()
        self.house.source.complete = False
        self.house.run()
        self.house.source.complete = True
        assert gone <= set(self.house.held())
        self.count("half")
        assert_sound(self.house)

    @rule()
    def replay(self) -> None:
        before = self.house.written()
        assert replay_sync(self.house.engine, "docs").counts.synced_items == 0
        assert self.house.written() == before

    def check(self) -> None:
        """A run that broke off may have passed an edit by; one that is whole passes nothing."""
        if self.house.source.pages and self.house.history()[-1]["cursor_from"] is not None:
            self.house.source.forget()
            self.house.run()
        assert self.house.held() == self.model
        assert self.house.failures() == {}
        assert_sound(self.house)
        self.house.source.forget()
        before = self.house.written()
        assert self.house.run().counts.synced_items == 0
        assert self.house.written() == before
        assert self.house.source.fetched == []

    def teardown(self) -> None:
        self.house.source.forget()
        self.house.run()
        self.house.run()
        self.check()


@pytest.fixture
def house(engine: Engine) -> Iterator[House]:
    with ExitStack() as stack:
        yield stack.enter_context(a_house(engine))


def test_after_any_history_the_capsule_equals_the_source(house: House) -> None:
    class Here(Histories):
        pass

    Here.house, Here.seen = house, {}
    play(
        Here,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=20,
            deadline=None,
            derandomize="LIVESYNC_PROVE" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
    print(f"{HISTORIES} histories: {dict(sorted(Here.seen.items()))}")  # noqa: T201
    assert {"run", "killed", "failed", "half", "item partial"} <= Here.seen.keys(), Here.seen
