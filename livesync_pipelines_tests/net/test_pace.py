"""Every attempt is counted; a short wait is slept through, a long one is the engine's to plan."""

from __future__ import annotations

import pytest

from livesync_pipelines.model.errors import OverBudget, RateLimited, Unavailable
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.pace import LONGEST_QUEUE_S, PATIENCE_S

from .site import Reply, Site, Watch
from .ticker import Ticker


@pytest.fixture
def good(site: Site) -> Site:
    site.put("/a", "good")
    return site


def paced(watch: Watch, pacer: Ticker, per_host_s: float = 0.0) -> Client:
    return Client(allow_private=True, world=watch.world(), pacer=pacer, per_host_s=per_host_s)


def test_a_call_that_must_wait_sleeps_and_asks_again(good: Site, watch: Watch) -> None:
    pacer = Ticker(3.0, 0.5, 0.0)
    with paced(watch, pacer) as client:
        assert client.get(good.url("/a")).content == b"good"
    assert watch.slept_s == [3.0, 0.5]
    assert pacer.asked == ["127.0.0.1"] * 3


def test_every_attempt_and_every_redirect_is_counted(site: Site, watch: Watch) -> None:
    site.redirect("/old", "/a")
    site.queue("/a", [Reply(status=500), Reply(status=502), Reply(body=b"good")])
    pacer = Ticker()
    with paced(watch, pacer) as client:
        client.get(site.url("/old"))
    assert len(pacer.asked) == len(site.calls) == 4


def test_a_wait_beyond_patience_is_for_the_engine_to_plan_and_no_call_is_made(
    good: Site, watch: Watch
) -> None:
    with (
        paced(watch, Ticker(PATIENCE_S + 1)) as client,
        pytest.raises(OverBudget) as told,
    ):
        client.get(good.url("/a"))
    assert told.value.after_s == PATIENCE_S + 1
    assert (good.calls, watch.slept_s) == ([], [])


def test_who_has_no_patience_does_not_wait_at_all(good: Site, watch: Watch) -> None:
    with paced(watch, Ticker(0.1, patience_s=0)) as client, pytest.raises(OverBudget):
        client.get(good.url("/a"))
    assert watch.slept_s == []


def test_who_is_passed_over_again_and_again_gives_up_in_the_end(good: Site, watch: Watch) -> None:
    with paced(watch, Ticker(PATIENCE_S)) as client, pytest.raises(OverBudget):
        client.get(good.url("/a"))
    assert sum(watch.slept_s) <= LONGEST_QUEUE_S


def test_after_a_refusal_the_budget_is_not_asked_again_before_its_time(
    good: Site, watch: Watch
) -> None:
    pacer = Ticker(100.0, 0.0)
    with paced(watch, pacer) as client:
        for _ in range(3):
            with pytest.raises(OverBudget):
                client.get(good.url("/a"))
        assert len(pacer.asked) == 1
        watch.slept_s.append(60.0)
        with pytest.raises(OverBudget) as told:
            client.get(good.url("/a"))
        assert told.value.after_s == 40
        watch.slept_s.append(40.0)
        assert client.get(good.url("/a")).status == 200


@pytest.mark.parametrize("wait", ["7", "120"])
def test_a_server_that_says_wait_holds_the_budget_for_all(
    wait: str, site: Site, watch: Watch
) -> None:
    site.queue("/a", [Reply(status=429, headers={"retry-after": wait}), Reply(body=b"good")])
    pacer = Ticker()
    with paced(watch, pacer) as client:
        if wait == "7":
            client.get(site.url("/a"))
        else:
            with pytest.raises(RateLimited):
                client.get(site.url("/a"))
    assert pacer.held == [("127.0.0.1", float(wait))]


def test_a_failing_server_holds_nothing(site: Site, watch: Watch) -> None:
    site.put("/a", status=500)
    pacer = Ticker()
    with paced(watch, pacer) as client, pytest.raises(Unavailable):
        client.get(site.url("/a"))
    assert pacer.held == []


def test_the_pause_between_two_calls_counts_from_when_the_budget_let_the_first_out(
    good: Site, watch: Watch
) -> None:
    with paced(watch, Ticker(3.0, 0.0), per_host_s=2) as client:
        client.get(good.url("/a"))
        client.get(good.url("/a"))
    assert watch.slept_s == [3.0, 2.0]
