"""What Dagster was about when `livesync up` ended goes on with the next one.

The daemon looks at it before the code server has answered for the first time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from livesync_pipelines.model.spec import STAGES

from .test_stopping import Slow, slow
from .test_up import environ, started

__all__ = ["environ", "slow"]

Asked = Callable[..., Any]


@pytest.fixture
def asked(environ: dict[str, str]) -> Asked:
    """Dagster's answer to a query."""
    ui = f"http://127.0.0.1:{environ['LIVESYNC_DAGSTER_PORT']}/graphql"

    def asked(query: str, **variables: object) -> Any:
        answer = httpx.post(ui, json={"query": query, "variables": variables}, timeout=30)
        return answer.raise_for_status().json()["data"]

    return asked


def backfill(asked: Asked, platform: str, sync_id: str) -> str:
    wanted = {
        "assetSelection": [{"path": [platform, stage]} for stage in STAGES],
        "partitionNames": [sync_id],
    }
    made: str = asked(BACKFILL, wanted=wanted)["launchPartitionBackfill"]["backfillId"]
    return made


def ended(asked: Asked, made: str) -> str:
    status, end = "REQUESTED", monotonic() + 180
    while status == "REQUESTED" and monotonic() < end:
        sleep(0.5)
        status = asked(STATUS, of=made)["partitionBackfillOrError"]["status"]
    return status


def test_a_backfill_goes_on_after_a_restart(
    environ: dict[str, str], tmp_path: Path, asked: Asked
) -> None:
    with started(environ, tmp_path):
        made = backfill(asked, "folder", "notes")
    with started(environ, tmp_path):
        assert ended(asked, made) == "COMPLETED_SUCCESS"


def test_so_does_one_whose_run_is_at_work(
    environ: dict[str, str], tmp_path: Path, asked: Asked, slow: Slow
) -> None:
    site = f"{{platform: website, start: ['http://127.0.0.1:{slow.server_address[1]}/']"
    config = (tmp_path / "sync.yaml").read_text()
    config = config.replace("connections: {", f"connections: {{a: {site}, allow_private: true}}, ")
    config = config.replace(
        "syncs: {", "syncs: {a: {connection: a, target: notes, schedule: manual}, "
    )
    (tmp_path / "sync.yaml").write_text(config)
    with started(environ, tmp_path):
        made = backfill(asked, "website", "a")
        assert slow.asked.wait(120)
    slow.over.set()
    with started(environ, tmp_path):
        assert ended(asked, made) == "COMPLETED_SUCCESS"


BACKFILL = """mutation ($wanted: LaunchBackfillParams!) {
    launchPartitionBackfill(backfillParams: $wanted) {
        ... on LaunchBackfillSuccess { backfillId }
        ... on PythonError { message } } }"""
STATUS = """query ($of: String!) {
    partitionBackfillOrError(backfillId: $of) { ... on PartitionBackfill { status } } }"""
