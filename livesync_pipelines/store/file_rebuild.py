"""The state of copied files, from the ledger alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livesync_pipelines.core.copying import Agreed
from livesync_pipelines.model.operation import Op
from livesync_pipelines.store import copied_files, tenure
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.ledger import COMPACTED
from livesync_pipelines.store.operations import Operation

_LAST = f"""
select distinct on (item_id) item_id, op, after from livesync.ledger
where sync_id = %s and op not in ('{COMPACTED}', '{Op.CONFLICT}')
order by item_id, seq desc
"""


def rebuild(
    connection: Connection, operation: Operation
) -> tuple[int, list[str], list[str], list[str]]:
    """Put the state of every file right that is another than its last ledger entry says. Returns
    how many agree, which differ, which are there without an entry, and of which the entry does not
    say any more what was agreed (these stay as they are)."""
    sync_id = operation.sync.sync_id
    with connection.transaction():
        tenure.fence(connection, operation)
        held = copied_files.known(connection, sync_id)
        told, lost = dict[str, Agreed | None](), list[str]()
        for name, op, after in connection.execute(_LAST.encode(), (sync_id,)):
            if after is None and op != Op.REMOVED:
                lost.append(name)
            else:
                told[name] = _agreed(after or {})
        unlogged = [n for n in held if n not in lost and told.get(n) is None]
        differing = [n for n, state in told.items() if state is not None and state != held.get(n)]
        put = {**dict.fromkeys(unlogged), **{name: told[name] for name in differing}}
        copied_files.put(connection, sync_id, put)
    living = [state for state in told.values() if state is not None]
    return len(living) - len(differing), differing, unlogged, lost


def _agreed(after: Mapping[str, Any]) -> Agreed | None:
    source, target = after.get("source_version"), after.get("target_version")
    if source is None and target is None:
        return None
    return Agreed(source, target, after.get("apart", False))
