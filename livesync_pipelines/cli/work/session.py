"""Opening the house for one command, and closing it behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from livesync_pipelines.cli.output import note
from livesync_pipelines.engine.house import Engine, open_engine
from livesync_pipelines.settings import Settings
from livesync_pipelines.store.database import Connection, answering


@dataclass(frozen=True, slots=True)
class House:
    settings: Settings
    engine: Engine
    connection: Connection

    def remark(self) -> None:
        """Tell a person when nothing will run here."""
        if not self.engine.enabled:
            note(
                "Note: EXTERNAL_SYNC_ENABLED is not true in this shell, so no sync can be started "
                "from here. A `livesync up` that runs elsewhere goes on."
            )


@contextmanager
def open_house() -> Iterator[House]:
    """Settings, engine and a connection of one's own. Raises what is wrong with any of them."""
    settings = Settings.load()
    engine = open_engine(settings)
    try:
        with answering(engine.database), engine.database.connect() as connection:
            yield House(settings, engine, connection)
    finally:
        engine.database.close()
