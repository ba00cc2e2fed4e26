"""Rows after a change of their mapping: each is to be met once more, however it was agreed."""

from __future__ import annotations

from livesync_pipelines.store import tenure
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation

DOUBTED = bytes(16)
"""The fingerprint of a row that an end is not known to show."""

_DOUBT = """
update livesync.row_base set
    source_mark = case when source_mark is null then null else %(mark)s::bytea end,
    target_mark = case when target_mark is null then null else %(mark)s::bytea end
where sync_id = %(sync_id)s
"""


def prepare(connection: Connection, operation: Operation) -> None:
    """Where any row was met under another mapping, or may have been, forget of all rows what their
    ends showed: whichever end is looked at, every row of it then counts as changed. What was agreed
    upon stays, and so does which end has the row. A row that is not met in this run, because it
    fails or the run dies, is so in a later one."""
    sync_id = operation.sync.sync_id
    with connection.transaction():
        tenure.fence(connection, operation)
        made = connection.execute(
            "select mapping_version from livesync.syncs where sync_id = %s", (sync_id,)
        ).fetchone()
        if made != (operation.mapping_version,):
            connection.execute(_DOUBT, {"sync_id": sync_id, "mark": DOUBTED})
            tenure.note_makers(connection, operation)
