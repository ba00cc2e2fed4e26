"""A connector whose calls are counted against its budgets, and made in its account's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial

from livesync_pipelines.connectors.base import Connector, FetchLimits, Options
from livesync_pipelines.connectors.files import WritesFiles
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.connectors.subscribing import Subscriber, Subscribes
from livesync_pipelines.engine.accounts import caller_for
from livesync_pipelines.engine.file_end import FileEnd
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.options import (
    Means,
    connection_options,
    connector_for,
    limits_of,
    row_end_for,
)
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.spec import Budget, Lane
from livesync_pipelines.model.sync import Connection, SyncConfig
from livesync_pipelines.net.pace import PATIENCE_S, UNPACED, Pacer
from livesync_pipelines.store.budgets import Account, SharedPacer

IN_PASSING = FetchLimits(timeout_s=5.0, tries=1)
"""For calls of which there are others to make: whoever hangs is asked again later, or by a run."""

_MAX_BYTES = 10_000_000
"""Of an answer to a call beside all syncs."""


@contextmanager
def connected(
    engine: Engine,
    source: Connection,
    sync: SyncConfig,
    lane: Lane,
    *,
    in_passing: bool = False,
) -> Iterator[Connector]:
    """The connector for one run of this sync, closed afterwards with all that it holds.

    Calls wait in place for a while; those `in_passing` do not, neither for a budget nor for who
    hangs. Raises BadInput where options no longer hold.
    """
    with ExitStack() as held:
        means = _means(engine, source, lane, held, in_passing=in_passing)
        made = connector_for(source, sync, engine.registry, engine.environ, means=means)
        yield held.enter_context(closing(made))


@contextmanager
def called_for(
    engine: Engine, source: Connection, kind: type[Connector], *, in_passing: bool
) -> Iterator[tuple[Options, FetchLimits]]:
    """What a user says of a connection, and how its platform is called for it beside all syncs.
    Raises BadInput where options no longer hold."""
    options = connection_options(kind, source, engine.environ)
    with ExitStack() as held:
        means = _means(engine, source, Lane.LIVE, held, in_passing=in_passing)
        limits = limits_of(kind.spec, source, options, engine.environ, means)
        yield options, replace(limits, max_bytes=_MAX_BYTES, timeout_s=IN_PASSING.timeout_s)


@contextmanager
def subscriber_of(engine: Engine, source: Connection) -> Iterator[Subscriber]:
    """Whoever asks the platform of this connection to tell us of changes, closed afterwards.

    Raises BadInput where options no longer hold, `OverBudget` rather than wait.
    """
    kind = engine.registry.get(source.platform)
    if kind is None or not issubclass(kind, Subscribes):
        raise BadInput(f"{source.platform} cannot be subscribed to.")
    with (
        called_for(engine, source, kind, in_passing=True) as (options, limits),
        closing(kind.subscriber(options, limits)) as found,
    ):
        yield found


@contextmanager
def ends_connected(
    engine: Engine,
    ends: tuple[Connection, Connection],
    sync: SyncConfig,
    lane: Lane,
    *,
    in_passing: bool = False,
) -> Iterator[tuple[RowEnd, RowEnd]]:
    """Both ends of a sync of rows (source, target) for one run, as `connected`."""
    with ExitStack() as held:
        made = []
        for side, end in zip((Side.SOURCE, Side.TARGET), ends, strict=True):
            means = _means(engine, end, lane, held, in_passing=in_passing)
            one = row_end_for(end, sync, side, engine.row_ends, engine.environ, means=means)
            made.append(held.enter_context(closing(one)))
        yield made[0], made[1]


@contextmanager
def file_ends_connected(
    engine: Engine,
    ends: tuple[Connection, Connection],
    sync: SyncConfig,
    lane: Lane,
    *,
    in_passing: bool = False,
) -> Iterator[tuple[FileEnd, FileEnd]]:
    """Both ends of a copy (source, target) for one run, as `connected`."""
    with ExitStack() as held:
        made: list[FileEnd] = []
        for side, end in zip((Side.SOURCE, Side.TARGET), ends, strict=True):
            means = _means(engine, end, lane, held, in_passing=in_passing)
            one = connector_for(end, sync, engine.file_ends, engine.environ, side=side, means=means)
            held.enter_context(closing(one))
            if not isinstance(one, WritesFiles):
                raise BadInput(f"{one.spec.title} has no files that can be copied.")
            made.append(one)
        yield made[0], made[1]


def beside(engine: Engine) -> Means:
    """For whoever waits beside a source: in its account's name, and not counted, for it calls
    seldom."""
    return Means(pacer_for=lambda _: UNPACED, account_for=partial(caller_for, engine))


def _means(
    engine: Engine, source: Connection, lane: Lane, held: ExitStack, *, in_passing: bool
) -> Means:
    def pacer(budgets: tuple[Budget, ...]) -> Pacer:
        if not budgets:
            return UNPACED
        account = Account(connection=source.name, platform=source.platform, budgets=budgets)
        patience_s = 0.0 if in_passing else PATIENCE_S
        shared = SharedPacer(engine.database, account, lane, patience_s=patience_s)
        return held.enter_context(closing(shared))

    limits = IN_PASSING if in_passing else FetchLimits()
    return Means(pacer_for=pacer, account_for=partial(caller_for, engine), limits=limits)
