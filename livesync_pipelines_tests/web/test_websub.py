"""Feeds whose hub is asked to tell of changes: a real hub, the real gate, the real store."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from threading import Barrier, Event, Thread
from typing import Any, NoReturn

import httpx
import pytest

from livesync_pipelines.auth.websub import secret_of
from livesync_pipelines.connectors._websub import WebSub
from livesync_pipelines.engine import pacing
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.subscribing import asked_for, keep_up
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import (
    Capsule,
    Connection,
    Desired,
    SyncConfig,
    SyncState,
    Trigger,
    Webhook,
)
from livesync_pipelines.store import catalog, operations, queue, subscriptions, webhooks
from livesync_pipelines.store.database import Database, rows
from livesync_pipelines.web.app import create_app
from livesync_pipelines_tests.engine.house import Clock
from livesync_pipelines_tests.net.site import Site

from .conftest import SETTINGS
from .hub import Hub
from .served import serving

FEED = (
    '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>News</title>'
    "{links}<item><guid>a</guid><title>A</title></item></channel></rss>"
)
SECRET = "a long random text"


class World:
    """The feed `news` with its hub, the connection and the sync that read it, and our door."""

    def __init__(self, engine: Engine, site: Site, hub: Hub) -> None:
        self.clock = Clock()
        self.environ = {"HOOK": SECRET}
        self.engine = replace(engine, environ=self.environ, now=self.clock)
        self.app = create_app(self.engine, SETTINGS)
        self.site, self.hub = site, hub
        self.topic = site.url("/feed")
        self.show(hub=hub.url(), own=self.topic)
        self.configure()

    def show(self, **links: str) -> None:
        """What the feed names: its hub, and its own address."""
        rels = {"hub": "hub", "own": "self"}
        told = "".join(f'<atom:link rel="{rels[n]}" href="{url}"/>' for n, url in links.items())
        self.content = FEED.format(links=told).encode()
        self.site.put("/feed", self.content, headers={"content-type": "application/rss+xml"})

    def configure(self, webhook: Webhook | None = None, **options: Any) -> None:
        source = Connection(
            name="news",
            project_id="demo",
            platform="rss",
            options={"url": self.topic, "allow_private": True, **options},
            webhook=webhook or Webhook(scheme="websub", secret="${HOOK}"),
        )
        sync = SyncConfig(
            sync_id="docs",
            project_id="demo",
            connection="news",
            capsule="handbook",
            schedule="daily",
        )
        capsule = Capsule(name="handbook", project_id="demo")
        self.apply(Desired(connections=(source,), capsules=(capsule,), syncs=(sync,)))

    def apply(self, wanted: Desired) -> None:
        with self.engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def tick(self, after: timedelta = timedelta()) -> int:
        self.clock.now += after
        return keep_up(self.engine)

    def rows(self) -> list[dict[str, Any]]:
        """All subscriptions, the newest last."""
        with self.engine.database.pooled() as connection:
            return rows(connection, "select * from livesync.subscriptions order by made_at, id")

    def dump(self, table: str) -> list[dict[str, Any]]:
        with self.engine.database.pooled() as connection:
            return rows(connection, f"select * from livesync.{table} order by 1")

    def learn(self) -> None:
        """As after a second: the gate sees what is configured now."""
        self.app.state.gate.learn().result()

    def row(self) -> dict[str, Any]:
        (found,) = self.rows()
        return found

    def queued(self) -> list[str]:
        with self.engine.database.pooled() as connection:
            return [r.sync_id for r in queue.take(connection, now=self.engine.now())]

    def look(self) -> str | None:
        """Carry out what is queued; returns why it was."""
        with self.engine.database.pooled() as connection:
            found = queue.take(connection, now=self.engine.now())
        for request in found:
            run_sync(self.engine, request.sync_id, trigger=request.trigger)
        return found[0].trigger if found else None

    def subscribed(self) -> dict[str, Any]:
        """Asked for and confirmed."""
        self.tick()
        assert self.hub.verify() == [200]
        return self.row()


@pytest.fixture
def world(engine: Engine) -> Iterator[World]:
    with Site() as site, Hub() as hub:
        world = World(engine, site, hub)
        with serving(world.app) as address:
            world.engine = replace(world.engine, public_url=address)
            yield world


def test_a_hub_that_was_asked_tells_of_a_change_and_the_sync_is_queued(world: World) -> None:
    assert world.tick() == 1
    (asked,) = world.hub.requests
    assert (asked["hub.mode"], asked["hub.topic"]) == ("subscribe", world.topic)
    assert world.row()["state"] == "pending"
    assert world.hub.verify() == [200]
    assert world.row()["state"] == "active"
    world.look()
    assert world.hub.distribute(world.content) == [200]
    assert world.queued() == ["docs"]
    with world.engine.database.pooled() as connection:
        (event,) = webhooks.listed(connection)
    assert (event["connection"], event["scheme"]) == ("news", "websub")


def test_the_hub_is_told_an_address_and_a_secret_that_are_of_this_subscription_alone(
    world: World,
) -> None:
    row = world.subscribed()
    (asked,) = world.hub.requests
    path = f"/sync/webhook/rss/news?subscription={row['id']}"
    assert asked["hub.callback"] == f"{world.engine.public_url}{path}"
    assert asked["hub.secret"] == secret_of(SECRET.encode(), str(row["id"]))
    assert asked["hub.lease_seconds"] == "864000"
    stored = str(world.rows()) + str(world.dump("webhook_events"))
    assert SECRET not in stored
    assert asked["hub.secret"] not in stored


def test_a_hub_may_ask_back_before_it_answers(world: World) -> None:
    world.hub.at_once = True
    world.tick()
    assert world.row()["state"] == "active"
    assert world.tick(timedelta(hours=1)) == 0


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_hub_may_sign_by_any_of_the_methods(world: World, method: str) -> None:
    world.subscribed()
    assert world.hub.distribute(b"", method=method) == [200]


def test_links_in_the_answer_count_before_those_in_the_feed(world: World) -> None:
    world.show(hub="http://127.0.0.1:1/", own="http://127.0.0.1:1/other")
    link = f'<{world.hub.url()}>; rel="hub", </feed>; rel="self"'
    world.site.put("/feed", world.content, headers={"link": link})
    assert world.subscribed()["topic"] == world.topic


def test_a_hub_that_sends_us_on_is_followed(world: World) -> None:
    with Hub() as other:
        world.hub.status, world.hub.location = 307, other.url("/hub")
        world.tick()
        assert [asked["hub.mode"] for asked in other.requests] == ["subscribe"]
        assert other.verify() == [200]


def test_it_is_renewed_before_it_ends_without_a_gap(world: World) -> None:
    world.hub.lease_s = 3_000
    first = world.subscribed()
    assert first["expires_at"] - first["confirmed_at"] == timedelta(seconds=3_000)
    assert world.tick(timedelta(seconds=1_900)) == 0
    assert world.tick(timedelta(seconds=120)) == 1
    assert world.hub.distribute(world.content) == [200]
    assert world.hub.verify() == [200]
    again = world.row()
    assert (again["id"], again["state"]) == (first["id"], "active")
    assert again["expires_at"] > first["expires_at"]
    assert len({asked["hub.callback"] for asked in world.hub.requests}) == 1


def test_one_that_ended_while_we_were_away_is_made_anew(world: World) -> None:
    world.subscribed()
    world.look()
    world.hub.forget()
    world.tick(timedelta(days=30))
    assert world.hub.verify() == [200]
    assert world.row()["state"] == "active"
    assert world.look() == Trigger.SUBSCRIBED


def test_what_changed_before_the_hub_was_asked_is_looked_for_once_it_tells(world: World) -> None:
    world.tick()
    assert run_sync(world.engine, "docs", trigger=Trigger.POLL).counts.added == 1
    change(world, 1)
    assert world.look() is None
    assert world.hub.verify() == [200]
    assert world.look() == Trigger.SUBSCRIBED
    with world.engine.database.pooled() as connection:
        (newest, _) = operations.history(connection, "docs")
    assert (newest["trigger"], newest["counts"]["added"]) == ("subscribed", 1)


def test_a_subscription_that_goes_on_is_no_reason_to_look(world: World) -> None:
    world.subscribed()
    world.look()
    for _ in range(3):
        assert world.tick(timedelta(days=8)) == 1
        assert world.hub.verify() == [200]
    assert world.look() is None


def change(world: World, number: int) -> None:
    """The feed has changed, of which nobody tells."""
    words = f"<title>News {number}</title><item><guid>{number}</guid><title>x</title></item>"
    content = world.content.replace(b"<title>News</title>", words.encode())
    world.site.put("/feed", content, headers={"content-type": "application/rss+xml"})


def poll(world: World, number: int) -> None:
    """Polling finds that the feed has changed."""
    change(world, number)
    assert run_sync(world.engine, "docs", trigger=Trigger.POLL).counts.added


def test_a_hub_that_forgot_us_is_noticed_by_what_polling_finds_and_asked_again(
    world: World,
) -> None:
    world.subscribed()
    world.hub.forget()
    for number in range(3):
        poll(world, number)
    assert world.tick(timedelta(minutes=6)) == 0, "the first may be older than the hub's yes"
    poll(world, 3)
    assert world.tick(timedelta(minutes=6)) == 1
    assert "nobody had called" in world.row()["error"]["message"]
    assert world.look() is None
    assert world.hub.verify() == [200]
    assert world.look() == Trigger.SUBSCRIBED
    assert world.hub.distribute(world.content) == [200]
    assert world.row()["error"] is None


def test_a_hub_that_calls_is_not_doubted(world: World) -> None:
    world.subscribed()
    for number in range(6):
        assert world.hub.distribute(b"") == [200]
        poll(world, number)
    assert world.tick(timedelta(minutes=6)) == 0


def remove(world: World) -> None:
    with world.engine.database.pooled() as connection:
        catalog.remove_sync(connection, "docs")


def pause(world: World) -> None:
    with world.engine.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.PAUSED, "away")


def take_connection_away(world: World) -> None:
    remove(world)
    with world.engine.database.pooled() as connection:
        connection.execute("delete from livesync.connections")


def switch_off(world: World) -> None:
    with world.engine.database.pooled() as connection:
        source = catalog.connection_of(connection, "news")
        catalog.apply(connection, Desired(connections=(replace(source, webhook=None),)))


def leave_the_internet(world: World) -> None:
    world.engine = replace(world.engine, public_url=None)


ENDS = [remove, pause, take_connection_away, switch_off, leave_the_internet]


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_with_what_it_was_for(world: World, end: Callable[[World], None]) -> None:
    row = world.subscribed()
    end(world)
    assert world.tick() == 1
    assert world.hub.requests[-1]["hub.mode"] == "unsubscribe"
    assert "hub.secret" not in world.hub.requests[-1]
    assert world.hub.verify() == [200]
    assert world.hub.secrets == {}
    assert world.row()["state"] == "gone"
    assert world.tick(timedelta(days=20)) == 0
    callback, secret = (world.hub.requests[0][f"hub.{name}"] for name in ("callback", "secret"))
    assert str(row["id"]) in callback
    world.learn()
    assert world.hub.send(callback, world.content, secret) == 401


def test_what_never_was_asked_for_need_not_be_taken_back(world: World) -> None:
    with world.engine.database.connect() as connection:
        asked = list(asked_for(world.engine))
        base, now = world.engine.public_url or "", world.clock()
        subscriptions.reconcile(connection, asked, base=base, now=now)
        assert world.row()["state"] == "pending"
    remove(world)
    assert world.tick() == 0
    assert (world.row()["state"], world.hub.requests) == ("gone", [])


def test_an_end_that_was_begun_by_who_died_is_brought_to_its_end(world: World) -> None:
    world.subscribed()
    remove(world)
    world.hub.status = 500
    assert world.tick() == 1
    assert world.row()["state"] == "active"
    world.hub.status = 202
    assert world.tick(timedelta(minutes=2)) == 1
    assert world.hub.verify() == [200]
    assert world.row()["state"] == "gone"


def test_an_end_that_the_hub_never_confirms_is_let_go(world: World) -> None:
    world.subscribed()
    remove(world)
    for _ in range(10):
        world.tick(timedelta(hours=23))
    assert world.row()["state"] == "gone"
    assert [asked["hub.mode"] for asked in world.hub.requests[1:]].count("unsubscribe") <= 6


def test_another_feed_is_another_subscription_and_the_first_one_ends(world: World) -> None:
    world.subscribed()
    world.site.put("/other", world.content, headers={"content-type": "application/rss+xml"})
    world.configure(url=world.site.url("/other"))
    assert world.tick() == 2
    modes = [asked["hub.mode"] for asked in world.hub.requests[1:]]
    assert modes == ["unsubscribe", "subscribe"]
    assert world.hub.verify() == [200, 200]
    assert [row["state"] for row in world.rows()] == ["gone", "active"]


def test_where_nothing_is_synced_or_nobody_reaches_us_no_hub_is_asked(world: World) -> None:
    assert keep_up(replace(world.engine, enabled=False)) == 0
    assert keep_up(replace(world.engine, public_url=None)) == 0
    assert world.rows() == []


TROUBLES: dict[str, tuple[dict[str, Any], str]] = {
    "no hub": ({"own": "http://127.0.0.1/feed"}, "names no hub"),
    "not itself": ({"hub": "https://127.0.0.1:1/"}, "not itself"),
    "a hub at a private address": (
        {"hub": "https://localhost:1/", "own": "http://x/feed"},
        "not an address on the public internet",
    ),
    "a hub without TLS": ({"hub": "http://localhost:1/", "own": "http://x/feed"}, "without TLS"),
}


@pytest.mark.parametrize("why", TROUBLES)
def test_what_cannot_be_subscribed_to_says_why_and_is_polled(world: World, why: str) -> None:
    links, said = TROUBLES[why]
    world.configure(allow_private=["127.0.0.1"])
    world.show(**links)
    world.tick()
    row = world.row()
    assert row["state"] == "failing"
    assert said in row["error"]["message"]
    assert world.hub.requests == []


def test_a_secret_that_stands_in_the_feeds_address_is_neither_stored_nor_told(
    world: World,
) -> None:
    world.environ["TOKEN"] = "t0ps3cret!"
    world.show(hub=world.hub.url(), own=f"{world.topic}?token=t0ps3cret%21")
    world.site.put("/feed?token=t0ps3cret!", world.content, headers={"content-type": "text/xml"})
    world.configure(url=f"{world.topic}?token=${{TOKEN}}")
    world.tick()
    assert "${TOKEN}" in world.row()["error"]["message"]
    assert "t0ps3cret" not in str(world.rows())
    assert world.hub.requests == []


def told(world: World) -> list[tuple[str, str]]:
    return [(row["kind"], row["document"]["message"]) for row in world.dump("outbox")]


def test_a_hub_that_fails_is_asked_less_and_less_often_and_a_person_is_told(world: World) -> None:
    world.hub.status = 500
    asked = list[int]()
    for minutes in range(40):
        world.tick(timedelta(minutes=1))
        if len(world.hub.requests) > len(asked):
            asked.append(minutes)
        if len(asked) < 3:
            assert told(world) == []
    assert len(asked) == 4
    pauses = [after - before for before, after in pairwise(asked)]
    assert pauses == sorted(pauses)
    ((kind, message),) = told(world)
    assert kind == "unsubscribed"
    assert "answered 500" in message
    world.hub.status = 202
    world.tick(timedelta(days=1))
    assert world.hub.verify() == [200]
    world.tick()
    assert [kind for kind, _ in told(world)] == ["unsubscribed", "recovered"]


def test_a_hub_that_never_asks_back_is_a_failure_that_says_where_to_look(world: World) -> None:
    world.tick()
    assert world.tick(timedelta(minutes=6)) == 1
    row = world.row()
    assert (row["state"], row["failures"]) == ("failing", 1)
    assert "LIVESYNC_PUBLIC_URL" in row["error"]["hint"]


def test_a_hub_may_deny_at_any_time_and_is_asked_again_later(world: World) -> None:
    world.tick()
    assert world.hub.deny("not\nfor you") == [200]
    row = world.row()
    assert (row["state"], row["error"]["code"]) == ("failing", "denied")
    assert "notfor you" in row["error"]["message"]
    world.tick(timedelta(minutes=2))
    assert world.hub.verify() == [200]
    assert world.hub.deny("") == [200]
    assert world.row()["state"] == "failing"


def test_a_hub_that_hangs_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "IN_PASSING", replace(pacing.IN_PASSING, timeout_s=0.3))
    with Hub(hangs=Event()) as stuck:
        world.show(hub=stuck.url(), own=world.topic)
        other = world.content.replace(stuck.url().encode(), world.hub.url().encode())
        world.site.put("/other", other, headers={"content-type": "application/rss+xml"})
        with world.engine.database.pooled() as connection:
            source = catalog.connection_of(connection, "news")
            sync = catalog.sync(connection, "docs")
        options = {**source.options, "url": world.site.url("/other")}
        source = replace(source, name="other", options=options)
        sync = replace(sync, sync_id="others", connection="other")
        world.apply(Desired(connections=(source,), syncs=(sync,)))
        assert world.tick() == 2
        assert world.hub.verify() == [200]
        states = {row["connection"]: row["state"] for row in world.rows()}
        assert states == {"news": "failing", "other": "active"}


class Died(BaseException):
    """The process is no more."""


def dies(*_: Any, **__: Any) -> NoReturn:
    raise Died


def test_who_dies_between_the_hubs_answer_and_our_commit_has_subscribed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(subscriptions, "asked", dies)
        with pytest.raises(Died):
            world.tick()
    assert world.hub.verify() == [200]
    assert world.row()["state"] == "active"
    assert world.tick(timedelta(minutes=3)) == 0
    assert len(world.hub.requests) == 1


def test_who_dies_before_the_hub_was_asked_is_followed_by_one_who_asks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(WebSub, "subscribe", dies)
        with pytest.raises(Died):
            world.tick()
    assert world.tick() == 0
    assert world.tick(timedelta(minutes=3)) == 1
    assert world.hub.verify() == [200]


def test_of_two_processes_one_asks(world: World) -> None:
    start, done = Barrier(2), list[int]()

    def tick() -> None:
        with closing(Database(world.engine.database.url)) as database:
            engine = replace(world.engine, database=database)
            start.wait()
            done.append(keep_up(engine))

    threads = [Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 1]
    assert len(world.hub.requests) == 1
    assert len(world.rows()) == 1


def test_who_comes_back_too_late_changes_nothing(world: World) -> None:
    world.subscribed()
    world.clock.now += timedelta(days=8)
    with world.engine.database.connect() as connection:
        (one,) = subscriptions.due(connection, now=world.clock())
        late = subscriptions.take(connection, one, now=world.clock())
        assert late is not None
        assert subscriptions.take(connection, one, now=world.clock()) is None
        world.tick(timedelta(minutes=3))
        assert world.hub.verify() == [200]
        before = world.row()
        subscriptions.failed(connection, late, {"message": "late"}, now=world.clock())
        subscriptions.asked(connection, late, mark=b"xx", now=world.clock())
        subscriptions.ended(connection, late, now=world.clock())
    assert world.row() == before


def test_while_a_secret_is_changed_both_hold_and_the_hub_is_told_the_new_one(
    world: World,
) -> None:
    world.subscribed()
    world.environ["NEW"] = "another random text"
    world.configure(Webhook(scheme="websub", secret="${NEW}", also="${HOOK}"))
    world.learn()
    assert world.tick() == 0, "it is the same subscription"
    assert world.hub.distribute(b"1") == [200]
    assert world.tick(timedelta(minutes=6)) == 1
    assert world.hub.distribute(b"2") == [200]
    old, new = world.hub.requests
    assert world.hub.verify() == [200]
    assert new["hub.secret"] != old["hub.secret"]
    assert world.hub.distribute(b"3") == [200]
    assert world.hub.send(old["hub.callback"], b"4", old["hub.secret"]) == 200
    world.configure(Webhook(scheme="websub", secret="${NEW}"))
    world.learn()
    assert world.hub.distribute(b"5") == [200]
    assert world.hub.send(old["hub.callback"], b"6", old["hub.secret"]) == 401
    assert world.tick(timedelta(minutes=6)) == 0


def test_without_a_secret_no_hub_is_asked(world: World) -> None:
    world.environ.clear()
    world.tick()
    assert "no secret" in world.row()["error"]["message"]
    assert world.hub.requests == []


Asking = Callable[[World, httpx.URL], httpx.Response]


def with_topic(world: World, url: httpx.URL) -> httpx.Response:
    return httpx.get(url.copy_set_param("hub.topic", f"{world.topic}x"))


def of_nobody(world: World, url: httpx.URL) -> httpx.Response:
    return httpx.get(url.copy_set_param("subscription", "0" * 8 + "-0000-4000-8000-" + "0" * 12))


def of_another_connection(world: World, url: httpx.URL) -> httpx.Response:
    return httpx.get(str(url).replace("/rss/news?", "/rss/other?"))


def of_another_platform(world: World, url: httpx.URL) -> httpx.Response:
    return httpx.get(str(url).replace("/rss/news?", "/folder/news?"))


def of_no_name(world: World, url: httpx.URL) -> httpx.Response:
    return httpx.get(str(url).replace("/rss/news?", "/rss/%00news?"))


def with_nul(world: World, url: httpx.URL) -> httpx.Response:
    return httpx.get(url.copy_set_param("hub.topic", "x\0"))


def for_an_end(world: World, url: httpx.URL) -> httpx.Response:
    return httpx.get(url.copy_set_param("hub.mode", "unsubscribe"))


def without_challenge(world: World, url: httpx.URL) -> httpx.Response:
    return httpx.get(url.copy_remove_param("hub.challenge"))


def replayed(world: World, url: httpx.URL) -> httpx.Response:
    assert httpx.get(url).status_code == 200
    return httpx.get(url)


def forged(world: World, url: httpx.URL) -> httpx.Response:
    place = str(url).partition("&")[0]
    return httpx.post(place, content=b"x", headers={"x-hub-signature": f"sha256={'0' * 64}"})


def signed_with_the_connections_secret(world: World, url: httpx.URL) -> httpx.Response:
    place, body = str(url).partition("&")[0], b"x"
    signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    return httpx.post(place, content=body, headers={"x-hub-signature": f"sha256={signature}"})


def signed_for_another(world: World, url: httpx.URL) -> httpx.Response:
    """As who knows the secret of one subscription could sign for another one's name."""
    name, body = "0" * 8 + "-0000-4000-8000-" + "0" * 12, b"x"
    signature = hmac.new(secret_of(SECRET.encode(), name).encode(), body, "sha256").hexdigest()
    place = str(url.copy_set_param("subscription", name))
    return httpx.post(place, content=body, headers={"x-hub-signature": f"sha256={signature}"})


REFUSED: list[Asking] = [
    with_topic,
    of_nobody,
    of_another_connection,
    of_another_platform,
    of_no_name,
    with_nul,
    for_an_end,
    without_challenge,
    replayed,
    forged,
    signed_with_the_connections_secret,
    signed_for_another,
]


@pytest.mark.parametrize("asking", REFUSED)
def test_what_was_not_asked_for_is_refused_in_the_words_of_every_refusal(
    world: World, asking: Asking
) -> None:
    world.tick()
    (request,) = world.hub.requests
    said = {"hub.mode": "subscribe", "hub.topic": world.topic, "hub.challenge": "xyz"}
    url = httpx.URL(request["hub.callback"]).copy_merge_params(said)
    answer = asking(world, url)
    expected = httpx.post(f"{world.engine.public_url}/sync/webhook/folder/nobody")
    assert answer.status_code == expected.status_code == 401
    assert answer.content == expected.content
    assert {*answer.headers} == {*expected.headers}
    assert world.look() in {None, Trigger.SUBSCRIBED}


def test_a_wrong_question_leaves_the_subscription_to_be_confirmed(world: World) -> None:
    world.tick()
    waiting = list(world.hub.waiting)
    assert world.hub.verify(topic=f"{world.topic}x") == [401]
    world.hub.waiting = waiting
    assert world.hub.verify() == [200]
