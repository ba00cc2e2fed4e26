"""How fast Dagster's UI and our own doors answer: what a browser asks for each page.

The queries have the fields that Dagster's UI asks for when it shows the asset catalogue, the list
of runs, the sensors and one asset's partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import httpx

from benchmarks.running import House
from benchmarks.tables import middle_and_p95, table
from livesync_pipelines.model.spec import STAGES

_CATALOGUE = """
query AssetCatalog {
  assetsOrError(limit: 1000) {
    __typename
    ... on AssetConnection { cursor nodes { id key { path } definition {
      id groupName opNames isMaterializable isObservable isExecutable isPartitioned kinds
      description jobNames hasMaterializePermission
      partitionDefinition { description } automationCondition { expandedLabel }
      owners { ... on TeamAssetOwner { team } ... on UserAssetOwner { email } }
      tags { key value } repository { id name location { id name } } } } }
  }
}"""
_LIVE = """
query AssetsLive($keys: [AssetKeyInput!]!) {
  assetNodes(assetKeys: $keys, loadMaterializations: true) {
    id opNames repository { id } assetKey { path }
    assetMaterializations(limit: 1) { timestamp runId stepKey }
    assetChecksOrError { ... on AssetChecks { checks {
      name executionForLatestMaterialization { id runId status timestamp }
      partitionDefinition { name description }
      partitionStatuses { ... on AssetCheckDefaultPartitionStatuses {
        succeededPartitions failedPartitions inProgressPartitions skippedPartitions
        executionFailedPartitions } } } } }
    partitionStats { numMaterialized numMaterializing numPartitions numFailed }
  }
  assetsLatestInfo(assetKeys: $keys) {
    id unstartedRunIds inProgressRunIds latestRun { id status endTime } }
}"""
_RUNS = """
query RunsFeed {
  runsFeedOrError(limit: 30, view: ROOTS) {
    __typename
    ... on RunsFeedConnection { cursor hasMore results {
      __typename id runStatus creationTime startTime endTime jobName tags { key value }
      ... on Run { id hasReExecutePermission repositoryOrigin { id repositoryName } } } }
  }
  runsFeedCountOrError(view: ROOTS) { ... on RunsFeedCount { count } }
}"""
_SENSORS = """
query Sensors {
  sensorsOrError(repositorySelector: {
      repositoryName: "__repository__", repositoryLocationName: "livesync"}) {
    __typename
    ... on Sensors { results { id name sensorType minIntervalSeconds description
      targets { pipelineName } nextTick { timestamp }
      sensorState { id status runs(limit: 1) { id status }
        ticks(limit: 5) { id status timestamp endTimestamp skipReason runIds } } } }
  }
}"""
_PARTITIONS = """
query PartitionHealth($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    __typename
    ... on AssetNode { id partitionKeysByDimension { name partitionKeys }
      assetPartitionStatuses { ... on DefaultPartitionStatuses {
        materializedPartitions failedPartitions unmaterializedPartitions
        materializingPartitions } } }
  }
}"""


@dataclass(slots=True)
class Page:
    """`took_ms`: of each ask, by what went on meanwhile."""

    name: str
    ask: Callable[[httpx.Client], httpx.Response]
    kb: float = 0.0
    took_ms: dict[str, list[float]] = field(default_factory=dict)


def of(house: House, *, platform: str, sync_id: str, capsule: str) -> list[Page]:
    """Of both servers."""
    dagster, ours = (f"http://127.0.0.1:{port}" for port in (house.dagster_port, house.port))
    keys = [{"path": [platform, stage]} for stage in STAGES]
    return [
        _page("Dagster: the page itself", f"{dagster}/assets"),
        _query("Dagster: asset catalogue", dagster, _CATALOGUE),
        _query("Dagster: state of a platform's assets", dagster, _LIVE, {"keys": keys}),
        _query("Dagster: runs", dagster, _RUNS),
        _query("Dagster: sensors", dagster, _SENSORS),
        _query("Dagster: one asset's partitions", dagster, _PARTITIONS, {"key": keys[0]}),
        _page("status page `/`", f"{ours}/"),
        _page("`/operations`", f"{ours}/operations"),
        _page("`/sync/status`", f"{ours}/sync/status"),
        _page("`/sync/status` of one sync", f"{ours}/sync/status?sync_id={sync_id}"),
        _page("`/sync/stats`", f"{ours}/sync/stats"),
        _page("`/sync/health`", f"{ours}/sync/health"),
        _page("`/capsules`", f"{ours}/capsules"),
        _page("search", f"{ours}/capsules/{capsule}/search?q=words"),
    ]


def _page(name: str, url: str) -> Page:
    return Page(name, lambda client: client.get(url))


def _query(name: str, dagster: str, query: str, values: dict[str, object] | None = None) -> Page:
    asked = {"query": query, "variables": values or {}}
    return Page(name, lambda client: client.post(f"{dagster}/graphql", json=asked))


def ask(pages: Sequence[Page], *, times: int, meanwhile: str) -> None:
    """Each so often, in turns, after once that does not count. Raises `SystemExit` where an answer
    is none."""
    with httpx.Client(timeout=120.0) as client:
        for number in range(times + 1):
            for page in pages:
                begun = perf_counter()
                answer = page.ask(client)
                took_ms = 1_000 * (perf_counter() - begun)
                _refuse_wrong(page, answer)
                if number:
                    page.kb = len(answer.content) / 1_000
                    page.took_ms.setdefault(meanwhile, []).append(took_ms)


def _refuse_wrong(page: Page, answer: httpx.Response) -> None:
    told = answer.json() if "/graphql" in str(answer.url) else {}
    wrong = answer.status_code != 200 or told.get("errors") or "Error" in _kinds(told)
    if wrong:
        raise SystemExit(f"{page.name}: {answer.status_code} {answer.text[:2_000]}")


def _kinds(told: dict[str, dict[str, dict[str, str]]]) -> str:
    data = (told.get("data") or {}).values()
    return " ".join(one.get("__typename", "") for one in data if isinstance(one, dict))


def report(pages: Sequence[Page]) -> str:
    """Markdown: median and p95 of each page, a column for each thing that went on meanwhile."""
    meanwhile = list(pages[0].took_ms)
    return "\n".join([*table(("ms (median / p95)", *meanwhile, "kB"), _rows(pages, meanwhile)), ""])


def _rows(pages: Sequence[Page], meanwhile: Sequence[str]) -> Iterator[list[str]]:
    for page in pages:
        cells = [middle_and_p95(page.took_ms[title], digits=0) for title in meanwhile]
        yield [page.name, *cells, f"{page.kb:,.1f}"]
