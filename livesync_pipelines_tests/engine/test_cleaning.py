"""What is older than it is to be kept goes; what is needed stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from livesync_pipelines.engine.cleaning import Cleaned, clean
from livesync_pipelines.engine.rebuild import rebuild
from livesync_pipelines.engine.restoring import restore
from livesync_pipelines.model.errors import NotFound
from livesync_pipelines.model.keeping import Keep
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Notify, NotifyOn
from livesync_pipelines.store import ledger
from livesync_pipelines.store.webhooks import Event, listed, note
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import Clock, House, a_sync, prose

NEVER = Keep(operations=None, ledger=None)


@pytest.fixture
def lived(house: House) -> House:
    """One item that changed each day for 60 days, and one that went on the tenth."""
    house.source.put("gone", prose("gone", sections=1))
    for day in range(60):
        house.source.put("a", prose(f"a {day}", sections=1))
        if day == 10:
            house.source.remove("gone")
        house.run()
        pass_days(house, 1)
    return house


def pass_days(house: House, days: int) -> None:
    clock = house.engine.now
    assert isinstance(clock, Clock)
    clock.now += timedelta(days=days)


def held(house: House) -> dict[str, int]:
    tables = ("operations", "ledger", "contents")
    return {t: len(house.rows(f"select 1 from livesync.{t}")) for t in tables}


def assert_whole(house: House) -> None:
    with house.engine.database.pooled() as connection:
        assert ledger.first_broken(connection, "docs") is None
    assert rebuild(house.engine, "docs", check=True).is_exact


def test_with_the_defaults_nothing_of_two_months_goes(lived: House) -> None:
    assert clean(lived.engine, Keep()) == [Cleaned(sync_id="docs")]


def test_what_is_to_be_kept_for_ever_stays(lived: House) -> None:
    pass_days(lived, 10_000)
    before = held(lived)
    assert clean(lived.engine, NEVER) == [Cleaned(sync_id="docs")]
    assert held(lived) == before


def test_each_kind_goes_by_its_own_age(lived: House) -> None:
    pass_days(lived, 100)
    (done,) = clean(lived.engine, Keep(ledger=None))
    assert (done.operations, done.ledger_entries, done.contents) == (10, 0, 0)
    (done,) = clean(lived.engine, Keep(operations=None, ledger=140))
    assert (done.operations, done.ledger_entries) == (0, 23)
    assert_whole(lived)


def test_the_last_text_of_every_item_stays_however_old(lived: House) -> None:
    pass_days(lived, 10_000)
    (done,) = clean(lived.engine, Keep())
    assert (done.operations, done.ledger_entries, done.busy) == (10, 61, False)
    assert held(lived) == {"operations": 50, "ledger": 63, "contents": 2}
    assert lived.held() == {"a": prose("a 59", sections=1)}
    assert_whole(lived)
    assert clean(lived.engine, Keep()) == [Cleaned(sync_id="docs")]


def test_a_deletion_can_be_undone_for_a_month_however_short_the_ledger_is_kept(
    house: House,
) -> None:
    house.source.put("a", prose("a"))
    house.run()
    house.source.remove("a")
    house.run()
    pass_days(house, 29)
    (done,) = clean(house.engine, Keep(ledger=1))
    assert (done.ledger_entries, done.contents) == (1, 0)
    assert restore(house.engine, "docs", "a").status is Status.SUCCESS
    assert house.held() == {"a": prose("a")}


def test_a_deletion_that_is_too_old_says_since_when_and_which_setting(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    house.source.remove("a")
    house.run()
    pass_days(house, 31)
    (done,) = clean(house.engine, Keep(ledger=1))
    assert (done.ledger_entries, done.contents) == (2, 1)
    with pytest.raises(NotFound, match="removed on 2026-03-01") as refused:
        restore(house.engine, "docs", "a")
    assert "LIVESYNC_KEEP_LEDGER_DAYS" in refused.value.hint
    assert_whole(house)


def test_a_restored_item_is_a_living_one(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    house.source.remove("a")
    house.run()
    restore(house.engine, "docs", "a")
    pass_days(house, 10_000)
    clean(house.engine, Keep())
    assert house.held() == {"a": prose("a")}
    assert_whole(house)


def test_a_dry_run_tells_the_same_and_takes_nothing(lived: House) -> None:
    pass_days(lived, 10_000)
    before = held(lived), lived.entries()
    told = clean(lived.engine, Keep(), dry_run=True)
    assert (held(lived), lived.entries()) == before
    assert clean(lived.engine, Keep()) == told


def test_a_sync_that_runs_is_left_its_ledger_and_says_so(lived: House) -> None:
    pass_days(lived, 10_000)
    cleaned: list[Cleaned] = []
    lived.source.at_page[0] = lambda: cleaned.extend(clean(lived.engine, Keep()))
    lived.source.put("a", prose("a 60"))
    assert lived.run().status is Status.SUCCESS
    assert cleaned == [Cleaned(sync_id="docs", operations=11, events=60, busy=True)]
    assert lived.held() == {"a": prose("a 60")}
    (after,) = clean(lived.engine, Keep())
    assert (after.ledger_entries, after.busy) == (62, False)
    assert_whole(lived)


def test_a_sync_of_which_nothing_is_old_is_not_even_locked(lived: House) -> None:
    cleaned: list[Cleaned] = []
    lived.source.at_page[0] = lambda: cleaned.extend(clean(lived.engine, Keep()))
    lived.run()
    assert cleaned == [Cleaned(sync_id="docs")]


def test_two_cleanings_at_once_cut_everything_once(lived: House) -> None:
    pass_days(lived, 10_000)
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda _: clean(lived.engine, Keep()), range(2)))
    assert sum(done.ledger_entries for (done,) in both) == 61
    assert len(lived.rows("select 1 from livesync.ledger where cut_by is not null")) == 61
    assert_whole(lived)


def test_a_full_resync_that_broke_off_goes_on_after_a_cleaning(house: House) -> None:
    for key in "abcdef":
        house.source.put(key, prose(key))
    house.run()
    house.source.at_page[2] = fails(RuntimeError("dies"))
    with pytest.raises(RuntimeError):
        house.run(full=True)
    clean(house.engine, Keep(ledger=1, operations=1))
    house.source.forget()
    house.run()
    assert house.source.fetched == ["e", "f"]


def test_what_was_told_goes_with_its_time_unless_it_is_still_to_be_delivered(house: House) -> None:
    house.configure(a_sync(notify=Notify((NotifyOn.SUCCESS,), ("mailto:ops@example.com",))))
    for topic in ("one", "two"):
        house.source.put("a", prose(topic, sections=1))
        house.run()
    house.execute(
        "update livesync.deliveries set state = 'delivered'"
        " where seq = (select min(seq) from livesync.outbox)"
    )
    pass_days(house, 100)
    (done,) = clean(house.engine, Keep())
    assert done.events == 1
    assert len(house.rows("select from livesync.outbox")) == 1


def test_an_idle_budget_is_forgotten_and_one_that_a_server_holds_is_not(house: House) -> None:
    house.execute(
        "insert into livesync.budgets (owner, host, per_s, tokens, seen_at, held_until) values"
        " ('idle', '', 1, 1, now() - interval '2 days', null),"
        " ('used', '', 1, 1, now(), null),"
        " ('held', '', 1, 1, now() - interval '2 days', now() + interval '1 day')"
    )
    clean(house.engine, Keep())
    left = house.rows("select owner from livesync.budgets order by 1")
    assert [row["owner"] for row in left] == ["held", "used"]


def test_a_delivery_is_known_again_for_longer_than_anybody_repeats_it(house: House) -> None:
    names = {"old": 40, "repeated": 40, "new": 20}
    with house.engine.database.pooled() as connection:
        now = house.engine.now()
        for name, days in names.items():
            note(connection, [a_delivery(name, now - timedelta(days=days))])
        note(connection, [a_delivery("repeated", now - timedelta(days=1))])
        clean(house.engine, Keep())
        assert {event["delivery_id"] for event in listed(connection)} == {"repeated", "new"}


def a_delivery(name: str, at: datetime) -> Event:
    return Event(connection="fake", delivery_id=name, received_at=at, scheme="standard", digest=b"")
