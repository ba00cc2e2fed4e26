"""Each broken variant of the engine is caught by a test of its behaviour."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from itertools import chain
from types import ModuleType

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import ledger
from livesync_pipelines_tests.connectors import test_stamped
from livesync_pipelines_tests.engine import (
    test_restore,
    test_sync_changes,
    test_sync_config,
    test_sync_failures,
    test_sync_follow,
    test_sync_interrupted,
    test_sync_patience,
    test_sync_refused,
    test_sync_removals,
    test_sync_renames,
    test_sync_told_meanwhile,
)
from livesync_pipelines_tests.engine.fake_source import Told
from livesync_pipelines_tests.engine.house import (
    DATA,
    House,
    a_house,
    a_sync,
    begin_following,
    prose,
)
from livesync_pipelines_tests.proof.mutants import MUTANTS, OF_FEEDS, Mutant

Trial = Callable[[Engine], None]
Story = Callable[[House], None]
MODULES: tuple[ModuleType, ...] = (
    test_sync_removals,
    test_sync_renames,
    test_sync_changes,
    test_sync_failures,
    test_sync_follow,
    test_sync_interrupted,
    test_sync_config,
    test_sync_refused,
    test_sync_told_meanwhile,
)


def trials() -> Iterator[Trial]:
    """The tests that ask for nothing but a house."""
    yield from (lived(story) for module in MODULES for story in stories(module, "house"))
    yield from (lived(story) for story in (restored, tried_for_ever, tampered))


def trials_of_feeds() -> Iterator[Trial]:
    """The tests that ask for a house with a change feed, and those of feeds made of stamps."""
    yield from (followed(story) for story in stories(test_sync_follow, "told"))
    yield from (begun_anew(story) for story in stories(test_sync_follow, "engine"))
    yield from (asked(story) for story in stories(test_stamped))


def stories(module: ModuleType, *asks: str) -> Iterator[Callable[..., None]]:
    for name, test in vars(module).items():
        if name.startswith("test_") and tuple(inspect.signature(test).parameters) == asks:
            yield test


def lived(story: Story) -> Trial:
    @wraps(story)
    def trial(engine: Engine) -> None:
        with a_house(engine) as house:
            emptied(house)
            story(house)

    return trial


def followed(story: Story) -> Trial:
    @wraps(story)
    def trial(engine: Engine) -> None:
        with a_house(engine, kind=Told) as house:
            emptied(house)
            begin_following(house)
            story(house)

    return trial


def begun_anew(story: Trial) -> Trial:
    @wraps(story)
    def trial(engine: Engine) -> None:
        with a_house(engine) as house:
            emptied(house)
        story(engine)

    return trial


def asked(story: Callable[[], None]) -> Trial:
    @wraps(story)
    def trial(engine: Engine) -> None:
        story()

    return trial


def restored(house: House) -> None:
    for key in "abc":
        house.source.put(key, prose(key))
    house.run()
    house.source.remove("b")
    house.run()
    test_restore.test_a_removed_item_comes_back_as_it_was_and_stays(house)


def tried_for_ever(house: House) -> None:
    house.configure(a_sync(schedule="hourly"))
    test_sync_patience.test_after_three_tries_a_source_that_is_away_is_left_to_its_schedule(house)


def tampered(house: House) -> None:
    house.source.put("a", "Words.")
    house.run()
    house.execute("update livesync.ledger set item_id = 'other'")
    with house.engine.database.connect() as connection:
        assert ledger.first_broken(connection, "docs") == 1


def emptied(house: House) -> None:
    for table in (*DATA, "unsettled", "queue", "events", "operations", "syncs"):
        house.execute(f"delete from livesync.{table}")
    house.configure()


def caught_by(engine: Engine, trials: Iterator[Trial]) -> tuple[str | None, int]:
    """The trial that fails, and how many were needed."""
    tried = 0
    for tried, trial in enumerate(trials, 1):
        try:
            trial(engine)
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - whatever: it was noticed
            return trial.__name__, tried
    return None, tried


def noticed(name: str | None, tried: int) -> None:
    """Hold a mutant to having been killed, and tell by what."""
    assert name is not None, f"{tried} trials passed with it"
    print(f"killed by {name}, trial {tried}")


def test_there_are_twenty_mutants_and_many_trials() -> None:
    assert len(MUTANTS) >= 20
    assert len(list(trials())) >= 50
    assert len(list(trials_of_feeds())) >= 20


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_broken_engine_is_noticed(
    engine: Engine, mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        mutant(patch)
        noticed(*caught_by(engine, trials()))


@pytest.mark.parametrize("mutant", OF_FEEDS.values(), ids=OF_FEEDS)
def test_a_broken_way_of_following_a_feed_is_noticed(
    engine: Engine, mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        mutant(patch)
        noticed(*caught_by(engine, trials_of_feeds()))


def test_the_engine_as_it_is_passes_every_trial(engine: Engine) -> None:
    name, tried = caught_by(engine, chain(trials(), trials_of_feeds()))
    assert name is None, f"trial {tried} fails without any mutant"
