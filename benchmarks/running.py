"""A real `livesync up` in a home of its own: embedded Postgres, HTTP door, Dagster, workers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import dagster as dg
import psycopg
import yaml

from livesync_pipelines.cli.children import free_port
from livesync_pipelines.cli.runs import opened
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import embedded

_LOOK_S = 0.1
_END = 20
_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class House:
    """`url`: of the database. The ports listen on loopback."""

    url: str
    port: int
    dagster_port: int


@contextmanager
def up(
    place: Path,
    configuration: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
) -> Iterator[House]:
    """Entered once every sync that was configured has had its first run. `configuration`: what a
    file would say; None: what the home has already. The home is `place`'s, and its database goes
    on running."""
    house = House(embedded.start(place / "home"), free_port(), free_port())
    command = [sys.executable, "-m", "livesync_pipelines.cli", "up"]
    if configuration is not None:
        file = place / "livesync.yaml"
        file.write_text(yaml.safe_dump(dict(configuration)))
        command.append(f"{file}")
    said = place / "up.log"
    with said.open("w") as out:
        process = subprocess.Popen(
            command, env=_environ(place, house, environ or {}), stderr=out, stdout=out
        )
    with process:
        try:
            _wait_until_up(process, said)
            if configuration is not None:
                _wait_until_run(house.url, list(configuration["syncs"]))
            yield house
        finally:
            process.terminate()
            process.wait()


def _environ(place: Path, house: House, more: Mapping[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        "EXTERNAL_SYNC_ENABLED": "true",
        "LIVESYNC_HOME": f"{place / 'home'}",
        "LIVESYNC_PORT": f"{house.port}",
        "LIVESYNC_DAGSTER_PORT": f"{house.dagster_port}",
        **more,
    }


def _wait_until_up(process: subprocess.Popen[bytes], said: Path) -> None:
    while "LiveSync is up" not in said.read_text():
        if process.poll() is not None:
            lines = said.read_text().splitlines()[-_END:]
            raise SystemExit("livesync up has ended:\n" + "\n".join(lines))
        sleep(_LOOK_S)


def _wait_until_run(url: str, names: list[str]) -> None:
    until = monotonic() + _PATIENCE_S
    with psycopg.connect(url, autocommit=True) as connection:
        while monotonic() < until:
            (missing,) = connection.execute(
                "select count(*) from unnest(%s::text[]) as wanted (name) where not exists (select"
                " from livesync.operations o where o.sync_id = name and o.status = 'success')",
                (names,),
            ).fetchone() or (0,)
            if not missing:
                return
            sleep(_LOOK_S)
    raise SystemExit(f"{missing} of {len(names)} syncs have had no first run that went well.")


@contextmanager
def dagster_of(place: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's own API over the home of this place."""
    before = dict(os.environ)
    os.environ["LIVESYNC_HOME"] = f"{place / 'home'}"
    try:
        with opened(Settings.load()), dg.DagsterInstance.get() as instance:
            yield instance
    finally:
        os.environ.clear()
        os.environ.update(before)
