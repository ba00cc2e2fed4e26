"""Whether the account that files are to be written in the name of may do that."""

from __future__ import annotations

from livesync_pipelines.auth.oauth import may_write
from livesync_pipelines.connectors.base import Accounted
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.options import connection_options
from livesync_pipelines.model.errors import Reauthorise
from livesync_pipelines.model.sync import Connection, Mode, SyncConfig
from livesync_pipelines.store import accounts


def refuse_read_only(engine: Engine, ends: tuple[Connection, Connection], sync: SyncConfig) -> None:
    """Raises `Reauthorise`, which names the scope, where a copy between these (source, target)
    writes in the name of an account that may only read. One that is not connected is none of that.
    """
    end = ends[0] if sync.mode is Mode.PUSH else ends[1]
    kind = engine.file_ends[end.platform]
    options, said = connection_options(kind, end, engine.environ), kind.spec.oauth
    if said is None or not isinstance(options, Accounted):
        return
    with engine.database.pooled() as connection:
        account = accounts.found(connection, options.account)
    if account is None or may_write(said, account.scopes):
        return
    scopes = " or ".join(said.writes)
    raise Reauthorise(
        f"The account '{account.name}' may only read: it lacks the scope {scopes}.",
        hint=f"Connect it again: `livesync connect {end.platform} --account {account.name} "
        "--write`.",
        where=f"account {account.name}",
    )
