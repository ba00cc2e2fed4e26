"""A process that calls as often as it may: `python -m ...taker URL LANE CALLS CALLS_OF PER_S`.

Prints a line before it begins and one at its end: `done`, or after how long it may come back.
"""

from __future__ import annotations

import sys

from livesync_pipelines.model.errors import OverBudget
from livesync_pipelines.model.spec import Budget, Lane
from livesync_pipelines.net.pace import Pace
from livesync_pipelines.net.world import World
from livesync_pipelines.store.budgets import Account, SharedPacer
from livesync_pipelines.store.database import Database


def main(url: str, lane: str, times: str, calls: str, per_s: str) -> None:
    account = Account(
        connection="docs", platform="website", budgets=(Budget(int(calls), float(per_s)),)
    )
    pacer = SharedPacer(Database(url), account, Lane(lane))
    pace = Pace(World(), pacer=pacer)
    _say("ready")
    try:
        for _ in range(int(times)):
            pace.wait("a.example")
    except OverBudget as error:
        _say(f"{error.after_s:.0f}")
    else:
        _say("done")
    finally:
        pacer.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
