"""What Dagster was about when `livesync up` ended goes on with the next one."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx

from livesync_pipelines.model.spec import STAGES

from .test_up import environ, started

__all__ = ["environ"]


def test_a_backfill_goes_on_after_a_restart(environ: dict[str, str], tmp_path: Path) -> None:
    """The daemon looks at it before the code server has answered for the first time."""
    ui = f"http://127.0.0.1:{environ['LIVESYNC_DAGSTER_PORT']}/graphql"

    def asked(query: str, **variables: object) -> Any:
        answer = httpx.post(ui, json={"query": query, "variables": variables}, timeout=30)
        return answer.raise_for_status().json()["data"]

    with started(environ, tmp_path):
        wanted = {
            "assetSelection": [{"path": ["folder", stage]} for stage in STAGES],
            "partitionNames": ["notes"],
        }
        made = asked(BACKFILL, wanted=wanted)["launchPartitionBackfill"]["backfillId"]
    with started(environ, tmp_path):
        status, end = "REQUESTED", monotonic() + 120
        while status == "REQUESTED" and monotonic() < end:
            sleep(0.5)
            status = asked(STATUS, of=made)["partitionBackfillOrError"]["status"]
    assert status == "COMPLETED_SUCCESS"


BACKFILL = """mutation ($wanted: LaunchBackfillParams!) {
    launchPartitionBackfill(backfillParams: $wanted) {
        ... on LaunchBackfillSuccess { backfillId }
        ... on PythonError { message } } }"""
STATUS = """query ($of: String!) {
    partitionBackfillOrError(backfillId: $of) { ... on PartitionBackfill { status } } }"""
