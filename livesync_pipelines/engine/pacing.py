"""A connector whose calls are counted against its budgets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.options import connector_for
from livesync_pipelines.model.spec import Budget, Lane
from livesync_pipelines.model.sync import Connection, SyncConfig
from livesync_pipelines.net.pace import PATIENCE_S, UNPACED, Pacer
from livesync_pipelines.store.budgets import Account, SharedPacer


@contextmanager
def connected(
    engine: Engine,
    source: Connection,
    sync: SyncConfig,
    lane: Lane,
    *,
    patience_s: float = PATIENCE_S,
) -> Iterator[Connector]:
    """The connector for one run of this sync, closed afterwards with all that it holds.

    Its calls wait in place for `patience_s` at most. Raises BadInput where options no longer hold.
    """
    with ExitStack() as held:

        def pacer(budgets: tuple[Budget, ...]) -> Pacer:
            if not budgets:
                return UNPACED
            account = Account(connection=source.name, platform=source.platform, budgets=budgets)
            shared = SharedPacer(engine.database, account, lane, patience_s=patience_s)
            return held.enter_context(closing(shared))

        made = connector_for(source, sync, engine.registry, engine.environ, pacer_for=pacer)
        yield held.enter_context(closing(made))
