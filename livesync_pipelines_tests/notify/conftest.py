from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.model.sync import Notify, NotifyOn
from livesync_pipelines.notify.relay import Relayed, relay
from livesync_pipelines.settings import Settings
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import Clock, House, a_house, a_sync, prose
from livesync_pipelines_tests.notify.receivers import SECRET, Post, Receiver, a_post, a_receiver

MAIL = "mailto:ops@example.com"


@dataclass(slots=True)
class Desk:
    """A house, and how it is set up to tell people."""

    house: House
    environ: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def tell(self, *to: str, on: tuple[NotifyOn, ...] = tuple(NotifyOn)) -> None:
        """These addresses are told of everything."""
        self.house.configure(a_sync(notify=Notify(on, to)))

    def change(self, key: str = "a") -> None:
        """A run that changes something."""
        self.house.source.put(key, prose(f"{key}{len(self.house.source.history)}", sections=1))
        self.house.run()

    def fail(self) -> None:
        """A run that fails."""
        self.house.source.at_page[0] = fails(Unavailable("away"))
        self.house.run()
        self.house.source.forget()

    def settings(self) -> Settings:
        return Settings.load(self.variables)

    def relay(self) -> Relayed:
        return relay(replace(self.house.engine, environ=self.environ), self.settings())

    def later(self, **by: float) -> None:
        clock = self.house.engine.now
        assert isinstance(clock, Clock)
        clock.now += timedelta(**by)

    def deliveries(self, columns: str = "state, tries") -> list[tuple[Any, ...]]:
        query = f"select {columns} from livesync.deliveries order by seq, address"
        return [tuple(row.values()) for row in self.house.rows(query)]

    def everything(self) -> str:
        """Every word that the database holds of notifications."""
        return str(
            [
                self.house.rows(f"select t::text from livesync.{table} t")
                for table in ("outbox", "deliveries", "silenced", "syncs", "operations")
            ]
        )


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    with a_house(engine) as house:
        yield Desk(house)


@pytest.fixture
def receiver(desk: Desk) -> Iterator[Receiver]:
    """A webhook receiver that the desk may call."""
    with a_receiver() as running:
        desk.variables |= {
            "LIVESYNC_WEBHOOK_SECRET": SECRET,
            "LIVESYNC_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1",
        }
        yield running


@pytest.fixture
def post(desk: Desk) -> Iterator[Post]:
    """A mail server that the desk uses."""
    with a_post() as running:
        desk.variables |= {
            "LIVESYNC_SMTP_URL": running.url(),
            "LIVESYNC_MAIL_FROM": "livesync@example.com",
        }
        yield running
