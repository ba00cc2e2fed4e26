"""Many feeds, all due, none of them changed: what a sweep over them costs.

A server in another process answers 304 to who knows the feed already. All connections name the same
address; one sync has run, and what its run has left behind is given to all of them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from time import perf_counter

from benchmarks import content
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.store import catalog, embedded
from livesync_pipelines.store.database import Database

FEED = (
    b'<rss version="2.0"><channel><title>News</title><item><guid>1</guid><title>One</title>'
    b"<description>words</description></item></channel></rss>"
)
PROJECT = "benchmark"
_TAG = '"1"'


def main(count: int, rounds: int) -> int:
    """Prints the figures; 1 where a sync was queued though nothing had changed."""
    place = content.a_place(None)
    database = Database(embedded.start(place / "home"))
    database.migrate()
    engine = Engine(database=database)
    with _server() as port:
        content.say(f"{count:,} feeds are configured")
        _configure(engine, count, port)
        seconds, queued, peaks = [], 0, []
        for number in range(rounds):
            _all_due(engine)
            begun = perf_counter()
            queued += len(sweep(engine))
            seconds.append(perf_counter() - begun)
            _assert_all_were_asked(engine, count)
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            content.say(f"round {number + 1}: {seconds[-1]:.1f} s")
    database.close()
    print(_report(count, seconds, queued, peaks))
    return 1 if queued else 0


def _configure(engine: Engine, count: int, port: int) -> None:
    names = [f"feed-{number:05d}" for number in range(count)]
    wanted = Desired(
        connections=tuple(
            Connection(
                name=name,
                project_id=PROJECT,
                platform="rss",
                options={"url": f"http://127.0.0.1:{port}/feed", "allow_private": True},
            )
            for name in names
        ),
        capsules=(Capsule(name="news", project_id=PROJECT),),
        syncs=tuple(
            SyncConfig(
                sync_id=name,
                project_id=PROJECT,
                connection=name,
                capsule="news",
                schedule="every_15_minutes",
            )
            for name in names
        ),
    )
    with engine.database.connect() as connection:
        catalog.apply(connection, wanted)
    _ran_once(engine, names[0])


def _ran_once(engine: Engine, first: str) -> None:
    """One sync is run and asked, and the others are brought to where it is then."""
    run_sync(engine, first, trigger=Trigger.POLL)
    with engine.database.connect() as connection:
        connection.execute(
            "update livesync.syncs set state = 'paused' where sync_id <> %s", (first,)
        )
        _all_due(engine)
        sweep(engine)
        connection.execute(
            "update livesync.syncs s set state = 'active', note = f.note, mark = f.mark,"
            " chunker_version = f.chunker_version, mapping_version = f.mapping_version"
            " from livesync.syncs f where f.sync_id = %s",
            (first,),
        )
        connection.execute("delete from livesync.queue")


def _all_due(engine: Engine) -> None:
    with engine.database.connect() as connection:
        connection.execute("update livesync.syncs set next_due_at = null")


def _assert_all_were_asked(engine: Engine, count: int) -> None:
    with engine.database.connect() as connection:
        asked = connection.execute(
            "select count(*) from livesync.syncs where looked_at > now() - interval '10 minutes'"
            " and mark is not null and next_due_at is not null"
        ).fetchone()
    assert asked == (count,), asked


def _report(count: int, seconds: list[float], queued: int, peaks: list[float]) -> str:
    middle = median(seconds)
    return "\n".join(
        [
            f"## {count:,} feeds, all due, nothing changed",
            "",
            f"- a sweep: {middle:.1f} s (least {min(seconds):.1f}),"
            f" {1000 * middle / count:.1f} ms a feed",
            f"- runs that were asked for: {queued}",
            f"- peak after each round: {', '.join(f'{peak:,.0f}' for peak in peaks)} MB",
            f"- load: {os.getloadavg()[0]:.1f}",
        ]
    )


@contextmanager
def _server() -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class _Feed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        known = self.headers.get("if-none-match") == _TAG
        body = b"" if known else FEED
        self.send_response(304 if known else 200)
        self.send_header("etag", _TAG)
        self.send_header("content-type", "application/rss+xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _serve() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Feed)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve()
