"""One run of rows in a process of its own, which kills itself where it is told to.

Its one argument is a JSON object: `url`, `environ`, and the `step` and `when` at which it dies.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from livesync_pipelines.connectors.sql_table import SqlTable
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store.database import Database
from livesync_pipelines_tests.engine.two_ends import SYNC
from livesync_pipelines_tests.proof.rows_points import ROW_STEPS

WRITE = "an end is written"


def main() -> None:
    order = json.loads(sys.argv[1])
    home: Any = SqlTable
    name = "write"
    if order["step"] != WRITE:
        module, name = ROW_STEPS[order["step"]]
        home = importlib.import_module(module)
    setattr(home, name, _deadly(getattr(home, name), order["when"]))
    database = Database(order["url"])
    engine = Engine(database=database, environ=order["environ"])
    run_sync(engine, SYNC, trigger=Trigger.PERSON)
    database.close()


def _deadly(real: Callable[..., Any], when: str) -> Callable[..., Any]:
    def deadly(*args: Any, **named: Any) -> Any:
        if when == "after":
            real(*args, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return deadly


if __name__ == "__main__":
    main()
