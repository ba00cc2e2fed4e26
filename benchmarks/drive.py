"""A first sync of many documents of the pretend Drive, and one after a few changes, through HTTP.

The sandbox is a process of its own. Once both keep to the rate that Google declares, and once
neither does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from benchmarks import content
from benchmarks.tables import table
from livesync_pipelines.auth.vault import Vault
from livesync_pipelines.cli.children import LOOPBACK, free_port
from livesync_pipelines.connectors.google_drive import GoogleDrive
from livesync_pipelines.engine import signing_in
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.sandbox.google.door import DRIVE
from livesync_pipelines.sandbox.workspace import variables
from livesync_pipelines.store import catalog, embedded
from livesync_pipelines.store.database import Database, rows

WANTED_PER_S, CHANGES = 200, 10
BESIDES = 2
"""Documents that the account sees and that are none of those that were asked for."""

ADA = "ada@example.com"
_FILES = "/google/drive/v3/files"
_CONTENTS, _FEED = f"GET {_FILES}/*", "GET /google/drive/v3/changes"
_SYNC = "everything"
_READY_TRIES = 300


class Unlimited(GoogleDrive):
    """Google Drive, as fast as it goes."""

    spec = replace(GoogleDrive.spec, budgets=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`budget_s`: the least time in which the calls of the first sync may be made; 0 for any.
    `contents` and `pages`: the calls of the second sync for contents, and for pages of feeds."""

    limited: bool
    documents: int
    first_s: float
    calls: int
    budget_s: float
    second_s: float
    contents: int
    pages: int
    is_right: bool

    @property
    def per_s(self) -> float:
        return self.documents / self.first_s


def main(documents: int) -> int:
    """Prints the table; 1 where not everything was brought in."""
    found = measure(documents)
    print(_report(found))
    return 0 if all(figures.is_right for figures in found) else 1


def measure(documents: int, *, server_url: str | None = None) -> list[Figures]:
    url = server_url or embedded.start(content.a_place(None) / "home")
    database = Database(url)
    database.migrate()
    try:
        return [_round(database, documents, limited=limited) for limited in (True, False)]
    finally:
        database.close()


def _round(database: Database, documents: int, *, limited: bool) -> Figures:
    content.say(f"{documents:,} documents, {'within the declared rate' if limited else 'at once'}")
    with _sandbox(documents, limited=limited) as address, httpx.Client(base_url=address) as client:
        engine = _engine(database, address, limited=limited)
        _configure(engine, client)
        first, first_s = _timed(engine)
        calls = _count(client, "GET /google/drive/*")
        _change(client)
        client.delete("/sandbox/calls").raise_for_status()
        second, second_s = _timed(engine)
        done = (first.counts.added, second.counts.updated, second.counts.removed)
        figures = Figures(
            limited=limited,
            documents=documents + BESIDES,
            first_s=first_s,
            calls=calls,
            budget_s=_budget_s(calls) if limited else 0.0,
            second_s=second_s,
            contents=_count(client, _CONTENTS),
            pages=_count(client, _FEED),
            is_right=done == (documents + BESIDES, CHANGES, 0)
            and _held(engine) == documents + BESIDES,
        )
        with database.connect() as connection:
            catalog.remove_sync(connection, _SYNC)
    return figures


@contextmanager
def _sandbox(documents: int, *, limited: bool) -> Iterator[str]:
    port = free_port()
    words = ["sandbox", "--port", f"{port}", "--documents", f"{documents}"]
    command = [sys.executable, "-m", "livesync_pipelines.cli", *words]
    command += [] if limited else ["--no-limits"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            address = f"http://{LOOPBACK}:{port}"
            _until_it_answers(address)
            yield address
        finally:
            process.kill()


def _until_it_answers(address: str) -> None:
    for _ in range(_READY_TRIES):
        try:
            httpx.get(f"{address}/sandbox/clock").raise_for_status()
        except httpx.TransportError:
            sleep(0.1)
        else:
            return
    raise TimeoutError("the sandbox does not answer")


def _engine(database: Database, address: str, *, limited: bool) -> Engine:
    key = os.urandom(32)
    return Engine(
        database=database,
        registry={"google_drive": GoogleDrive if limited else Unlimited},
        row_ends={},
        environ=variables(address)["GOOGLE"],
        vault=lambda: Vault([key]),
    )


def _configure(engine: Engine, client: httpx.Client) -> None:
    """An account, signed in as a person would, and a sync of all that it sees."""
    begun = signing_in.begin(engine, "google_drive", "ada", "demo", door="http://localhost:8600")
    scopes = parse_qs(urlsplit(begun.url).query)["scope"][0].split()
    agreed = client.post(
        begun.url, data={"person": ADA, "scope": scopes, "decision": "allow"}
    ).headers["location"]
    brought = {name: value for name, (value,) in parse_qs(urlsplit(agreed).query).items()}
    signing_in.complete(engine, "google_drive", brought)
    drive = Connection(
        name="drive", project_id="demo", platform="google_drive", options={"account": "ada"}
    )
    sync = SyncConfig(
        sync_id=_SYNC, project_id="demo", connection="drive", capsule="all", schedule="manual"
    )
    capsule = Capsule(name="all", project_id="demo")
    with engine.database.connect() as connection:
        catalog.apply(connection, Desired(connections=(drive,), capsules=(capsule,), syncs=(sync,)))


def _timed(engine: Engine) -> tuple[SyncResult, float]:
    began = perf_counter()
    result = run_sync(engine, _SYNC, trigger=Trigger.PERSON)
    seconds = perf_counter() - began
    if result.status is not Status.SUCCESS:
        raise RuntimeError(f"the sync ended as {result.status}: {result.error}")
    return result, seconds


def _change(client: httpx.Client) -> None:
    """Edit some of the Markdown files."""
    asked = {"person": ADA, "scopes": [DRIVE]}
    token = client.post("/sandbox/oauth/google/token", json=asked).json()["access_token"]
    held = {"authorization": f"Bearer {token}"}
    mine = f"mimeType = 'text/markdown' and trashed = false and '{ADA}' in owners"
    question = {"q": mine, "pageSize": f"{CHANGES}"}
    found = client.get(_FILES, params=question, headers=held).json()["files"]
    for number, file in enumerate(found):
        client.patch(
            f"/google/upload/drive/v3/files/{file['id']}",
            params={"uploadType": "media"},
            content=f"# Edited\n\nThese are the words of edit {number}.\n",
            headers={**held, "content-type": "text/markdown"},
        ).raise_for_status()


def _count(client: httpx.Client, match: str) -> int:
    told: dict[str, Any] = client.get("/sandbox/calls", params={"match": match}).json()
    return int(told["count"])


def _held(engine: Engine) -> int:
    with engine.database.pooled() as connection:
        return int(rows(connection, "select count(*) as n from livesync.documents")[0]["n"])


def _budget_s(calls: int) -> float:
    """The least time in which so many calls keep to what Google declares."""
    (budget,) = GoogleDrive.spec.budgets
    return max(0.0, (calls - budget.burst) * budget.spacing_s)


def _report(found: Sequence[Figures]) -> str:
    head = ("rate", "documents", "first, s", "documents/s", "calls", "the rate allows, s", "ratio")
    second = (f"{CHANGES} changes, s", "contents asked for", "pages of feeds", "right?")
    paced, free = found
    ratio = paced.first_s / paced.budget_s if paced.budget_s else float("inf")
    reached = free.per_s >= WANTED_PER_S and max(paced.contents, free.contents) <= CHANGES
    return "\n".join(
        [
            *table((*head, *second), map(_row, found)),
            "",
            f"Wanted: {WANTED_PER_S} documents/s without a limit, and {CHANGES} contents asked for"
            f" at most: {'reached' if reached else 'not reached'}. Within the limit a first sync"
            f" takes {ratio:.2f} times as long as the rate makes it.",
        ]
    )


def _row(figures: Figures) -> list[str]:
    limited = figures.limited and figures.budget_s
    return [
        "declared" if figures.limited else "any",
        f"{figures.documents:,}",
        f"{figures.first_s:.1f}",
        f"{figures.per_s:,.0f}",
        f"{figures.calls:,}",
        f"{figures.budget_s:.1f}" if limited else "-",
        f"{figures.first_s / figures.budget_s:.2f}" if limited else "-",
        f"{figures.second_s:.2f}",
        f"{figures.contents}",
        f"{figures.pages}",
        "yes" if figures.is_right else "no",
    ]
