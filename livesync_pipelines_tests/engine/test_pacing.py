"""Which budgets hold for a connection, and what a user may say of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.connectors.base import Memory, Options, Remote
from livesync_pipelines.connectors.website import WebsiteConnection
from livesync_pipelines.engine.desired import load
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.options import budgets_of, check_options
from livesync_pipelines.engine.pacing import connected
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.spec import Budget, Lane, Scope
from livesync_pipelines.model.sync import Connection
from livesync_pipelines.net.pace import UNPACED, Pace
from livesync_pipelines.net.world import World
from livesync_pipelines.store.budgets import SharedPacer
from livesync_pipelines_tests.engine.fake_platforms import Nothing, spec
from livesync_pipelines_tests.engine.fake_source import ORDERED, Probed, platform
from livesync_pipelines_tests.engine.house import House, a_sync

SITE = {"start": ["https://example.com/"]}
THREE, HUNDRED = Budget(3, 1.0), Budget(100, 60.0)


class Plain(Options):
    """Nothing to say."""


class Metered(Nothing):
    """A platform that says how often it may be called."""

    spec = replace(spec("metered"), budgets=(THREE, Budget(50, 1.0, Scope.PLATFORM)))
    Connection = Remote
    Selection = Plain


def metered(**options: Any) -> Connection:
    return Connection(name="meter", project_id="demo", platform="metered", options=options)


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({}, (THREE, Budget(50, 1.0, Scope.PLATFORM))),
        ({"budget": {"calls": 1, "per_s": 1}}, (Budget(1, 1.0), Metered.spec.budgets[1])),
        ({"budget": {"calls": 9, "per_s": 1}}, Metered.spec.budgets),
        ({"budget": {"calls": "${N}", "per_s": 60}}, (*Metered.spec.budgets, HUNDRED)),
    ],
)
def test_a_user_may_lower_a_budget_or_set_one_but_raise_none(
    options: dict[str, Any], meant: tuple[Budget, ...]
) -> None:
    assert budgets_of(metered(**options), Metered, {"N": "100"}) == meant


@pytest.mark.parametrize(
    ("budget", "place", "message", "hint"),
    [
        ({"calls": 5}, ("budget", "per_s"), "'per_s' is missing", ""),
        ({"calls": 0, "per_s": 1}, ("budget", "calls"), "greater than", ""),
        ({"calls": 5, "per_s": 0}, ("budget", "per_s"), "greater than", ""),
        ({"calls": 5, "per_s": "a minute"}, ("budget", "per_s"), "number", ""),
        ({"cals": 5, "calls": 5, "per_s": 1}, ("budget", "cals"), "unknown key", "mean calls?"),
        ({"calls": 1, "per_s": 60}, ("budget",), "no sync comes to its end", ""),
        (5, ("budget",), "mapping", ""),
    ],
)
def test_a_budget_that_cannot_be_is_told_what_would_be_right(
    budget: object, place: tuple[str, ...], message: str, hint: str
) -> None:
    (trouble,) = check_options(WebsiteConnection, {**SITE, "budget": budget}, {})
    assert trouble.path == place
    assert message in trouble.message
    assert hint in trouble.hint


def test_a_file_with_a_wrong_budget_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "connections:\n  site:\n    platform: website\n    start: [https://example.com/]\n"
        "    budget: {calls: many, per_s: 1}\n"
    )
    with pytest.raises(BadInput) as refused:
        load([file], REGISTRY, {})
    assert refused.value.where == f"{file}:5: connections.site.budget.calls"


def test_a_platform_that_is_not_called_takes_no_budget() -> None:
    (trouble,) = check_options(REGISTRY["folder"].Connection, {"path": "/", "budget": {}}, {})
    assert "unknown key 'budget'" in trouble.message


@pytest.mark.parametrize("name", ["s3", "website", "rss"])
def test_every_platform_that_is_called_takes_a_budget(name: str) -> None:
    assert issubclass(REGISTRY[name].Connection, Remote)


def test_a_connector_without_budgets_is_not_paced(house: House) -> None:
    source = Connection(name="fake", project_id="demo", platform="fake", options={})
    with connected(house.engine, source, a_sync(), Lane.LIVE) as connector:
        assert connector.limits.pacer is UNPACED


def test_a_connector_with_budgets_is_counted_against_all_of_them(engine: Engine) -> None:
    known = replace(engine, registry={"metered": Metered})
    with connected(known, metered(), a_sync(), Lane.LIVE) as connector:
        assert isinstance(connector.limits.pacer, SharedPacer)
        assert connector.limits.pacer.take("a.example") == 0
        assert connector.limits.pacer.take("b.example") > 0


class Called(Probed):
    """A platform that is called to see whether it has changed."""

    def probe(self, memory: Memory) -> str:
        Pace(World(), pacer=self.limits.pacer).wait("fake.example")
        return super().probe(memory)


def test_a_sweep_counts_its_probes_and_does_not_wait_for_a_budget(probed: House) -> None:
    daily = Budget(100, 86_400.0)
    kind = platform(probed.source, replace(ORDERED, budgets=(daily,)), Called)
    house = House(replace(probed.engine, registry={"fake": kind}), probed.source)
    house.configure(a_sync(schedule="hourly"))
    probes: list[int] = []
    house.source.at_page[-1] = lambda: probes.append(1)
    assert sweep(house.engine) == ["docs"]
    assert house.rows("select taken from livesync.budgets") == [{"taken": 1}]
    house.execute("delete from livesync.queue")
    house.execute("update livesync.syncs set next_due_at = null")
    house.execute("update livesync.budgets set tokens = 0")
    assert sweep(house.engine) == ["docs"], "its run tells how long it has to wait"
    assert house.rows("select taken from livesync.budgets") == [{"taken": 1}]
    assert len(probes) == 1
