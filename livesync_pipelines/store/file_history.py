"""What became of single files of a copy, out of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livesync_pipelines.model.conflict import RESTORE
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import Op
from livesync_pipelines.store import conflicts, ledger
from livesync_pipelines.store.database import Connection, rows

KEPT = "kept"
"""Where a version came from that was brought back out of what a copy had overwritten."""

_FOUND = """
select s.sync_id, l.item_id, s.connection as source, s.target,
       s.config ->> 'mode' as mode,
       a.platform as source_platform, b.platform as target_platform,
       f.source_version, f.target_version, f.apart, f.name is not null as is_there
from livesync.syncs s
join livesync.connections a on a.name = s.connection
join livesync.connections b on b.name = s.target
join lateral (select item_id from livesync.ledger l where l.sync_id = s.sync_id
    and ((s.sync_id = %(sync_id)s and l.item_id = %(rest)s) or l.item_id = %(name)s)
    limit 1) l on true
left join livesync.copied_files f on f.sync_id = s.sync_id and f.name = l.item_id
where (s.config ->> 'copies')::boolean and (s.sync_id = %(sync_id)s or not exists (
    select from livesync.shadow d where d.item_id = %(name)s or d.key = %(name)s))
order by s.sync_id = %(sync_id)s desc, s.sync_id limit 1
"""


def explained(connection: Connection, name: str, *, limit: int) -> dict[str, Any] | None:
    """Which versions of a file both ends of a copy have, where they came from and by which run, and
    its conflicts; None where no copy knows it. Of one that is gone, what is left in the ledger.

    `name` is `SYNC:PATH`, or the path alone where no document is called so.
    """
    sync_id, _, rest = name.partition(":")
    found = rows(connection, _FOUND, {"sync_id": sync_id, "rest": rest, "name": name})
    if not found:
        return None
    held = found[0]
    sync_id, path = held["sync_id"], held["item_id"]
    entries = ledger.entries(connection, sync_id, item_id=path, limit=limit)
    changes = [_told(held, entry) for entry in entries]
    last = next((each for each in changes if each["op"] != Op.CONFLICT), changes[0])
    source = {"platform": held["source_platform"], "item_id": path, "key": path, "url": ""}
    return {
        "file": {
            "sync_id": sync_id,
            "item_id": path,
            "state": _state(held),
            "source": {"connection": held["source"], "version": held["source_version"]},
            "target": {"connection": held["target"], "version": held["target_version"]},
            "came_from": last["came_from"],
        },
        "title": f"file {path} of {sync_id}",
        "capsule": None,
        "source": {
            **source,
            "version": held["source_version"] or "",
            "modified_at": None,
            "fetched_at": last["at"],
            "size": None,
        },
        "trigger": last["cause"],
        "operation_id": last["operation_id"],
        "run_id": last["run_id"],
        "mapping_version": "",
        "chunker_version": "",
        "conflicts": conflicts.of_key(connection, sync_id, path, limit=limit),
        "changes": changes,
    }


def _state(held: Mapping[str, Any]) -> str:
    if not held["is_there"]:
        return "gone"
    return "apart" if held["apart"] else "agreed"


def _told(held: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with the connection that its file was copied from (or `KEPT`); None where nothing
    was copied, for both ends were found so, or the file went."""
    after, origin = entry["after"] or {}, None
    if after.get("written") and entry["op"] != Op.REMOVED:
        end = Side.TARGET if held["mode"] == "push" else Side.SOURCE
        origin = KEPT if entry["policy"] == RESTORE else held[end]
    return {**entry, "came_from": origin}
