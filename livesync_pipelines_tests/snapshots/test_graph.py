"""The graph as Dagster shows it, held against a file that a person can read in a review.

After an intended change: `python -m livesync_pipelines_tests.snapshots.test_graph`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from livesync_pipelines.definitions import defs

SNAPSHOT = Path(__file__).with_name("graph.json")


def graph() -> dict[str, Any]:
    repository = defs.get_repository_def()
    assets = {}
    for key in sorted(repository.asset_graph.get_all_asset_keys()):
        node = repository.asset_graph.get(key)
        assets[key.to_user_string()] = {
            "after": sorted(parent.to_user_string() for parent in node.parent_keys),
            "group": node.group_name,
            "kinds": sorted(node.kinds),
            "owners": list(node.owners),
            "description": node.description,
            "partitions": getattr(node.partitions_def, "name", None),
            "pools": sorted(node.pools or ()),
            "freshness": node.freshness_policy is not None,
            "checks": sorted(check.name for check in node.check_keys),
        }
    return {
        "assets": assets,
        "jobs": sorted(job.name for job in repository.get_all_jobs() if job.name[0] != "_"),
        "schedules": {s.name: s.cron_schedule for s in repository.schedule_defs},
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
    }


def test_the_graph_is_the_one_that_was_agreed() -> None:
    assert graph() == json.loads(SNAPSHOT.read_text())


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(graph(), indent=1, ensure_ascii=False) + "\n")
