"""`python -m livesync_pipelines.web.serve`: the HTTP door as a process."""

from __future__ import annotations

import logging
import socket
import sys

import uvicorn

from livesync_pipelines.core.sentences import sentences
from livesync_pipelines.engine.house import open_engine
from livesync_pipelines.model.errors import BadInput, LiveSyncError
from livesync_pipelines.settings import Settings
from livesync_pipelines.web.app import create_app

HOST = "127.0.0.1"
_PATIENCE_S = 5


def serve(settings: Settings) -> None:
    """Serve until a signal comes. Raises what keeps the door from opening."""
    with _bound(settings.port) as door:
        engine = open_engine(settings)
        try:
            config = uvicorn.Config(
                create_app(engine, settings),
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=_PATIENCE_S,
            )
            uvicorn.Server(config).run(sockets=[door])
        finally:
            engine.database.close()


def _bound(port: int) -> socket.socket:
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((HOST, port))
    except OSError as error:
        door.close()
        raise BadInput(
            f"Port {port} cannot be opened: {error.strerror}.",
            hint="Stop the program that holds it, or set LIVESYNC_PORT to a free port.",
            where=f"{HOST}:{port}",
        ) from error
    return door


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        serve(Settings.load())
    except LiveSyncError as error:
        sys.stderr.write(f"{sentences(error.message, error.hint)}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 0  # uvicorn has closed the door in order, and tells how it was asked to
    return 0


if __name__ == "__main__":
    sys.exit(main())
