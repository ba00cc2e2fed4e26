"""RSS feeds in a folder, and a server for them in a process of its own.

It answers 304 to who has a feed as it is.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from livesync_pipelines.model.sync import Connection, Webhook


def write(folder: Path, name: str, entries: Mapping[int, str]) -> None:
    """Let this feed have these entries: text by number. Whoever reads meanwhile gets the one or
    the other."""
    items = "".join(
        f"<item><guid>{number}</guid><title>Entry {number}</title>"
        f"<description>{text}</description></item>"
        for number, text in entries.items()
    )
    new = folder / f"{name}.new"
    new.write_text(f'<rss version="2.0"><channel><title>{name}</title>{items}</channel></rss>')
    new.rename(folder / name)


def connection(
    name: str, port: int, *, project: str, path: str, webhook: Webhook | None = None
) -> Connection:
    options = {"url": f"http://127.0.0.1:{port}/{path}", "allow_private": True}
    return Connection(
        name=name, project_id=project, platform="rss", options=options, webhook=webhook
    )


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """The port on which the files of this folder are served."""
    command = [sys.executable, "-m", "benchmarks.feeds", f"{folder}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class _Feed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        body = (self.folder / Path(self.path).name).read_bytes()
        tag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
        known = self.headers.get("if-none-match") == tag
        body = b"" if known else body
        self.send_response(304 if known else 200)
        self.send_header("etag", tag)
        self.send_header("content-type", "application/rss+xml")
        self.send_header("content-length", f"{len(body)}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # more than ever ask at once, so that nobody's connection is dropped


def _serve(folder: Path) -> None:
    _Feed.folder = folder
    server = _Server(("127.0.0.1", 0), _Feed)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
