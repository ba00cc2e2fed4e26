"""What the HTTP door takes and gives, for OpenAPI: the documents of the contract with callers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

Moment = Annotated[
    datetime, PlainSerializer(lambda moment: moment.astimezone(UTC).isoformat(), return_type=str)
]


class Document(BaseModel):
    """Fields beyond those named here pass through."""

    model_config = ConfigDict(extra="allow")


class ErrorBody(BaseModel):
    code: str
    message: str
    hint: str
    where: str


class ErrorDocument(BaseModel):
    error: ErrorBody


class ExternalSync(BaseModel):
    enabled: bool
    reason: str | None


class SentAway(BaseModel):
    """Where the owner of an account agrees, and until when."""

    url: str
    expires_at: Moment


class QueueDepth(BaseModel):
    depth: int
    oldest_at: Moment | None


class Stalled(BaseModel):
    """Syncs of a platform that have waited for minutes while none of it began."""

    platform: str
    waiting: int
    since: Moment


class HealthQueue(QueueDepth):
    stalled: list[Stalled]


class Health(BaseModel):
    service: str
    status: str = Field(description="`ok`, or `stalled` where requests wait and nothing begins.")
    database: str
    queue: HealthQueue
    in_flight: int
    external_sync: ExternalSync


class Untold(BaseModel):
    """Of the changes of the sync's connection in the last three days, how many somebody called for,
    how many only polling found, and the share of these (0 to 1)."""

    told: int
    missed: int
    missed_share: float


class UnreadQueue(BaseModel):
    message: str
    hint: str
    since: Moment


class Drift(BaseModel):
    """What random items that were read anew showed, over the last `days`."""

    upper_bound: float | None = Field(
        description="The share of items that is divergent at most; null: none was looked at."
    )
    confidence: float
    days: int
    samples: int
    divergent: int
    lagging: int
    unread: int
    sampled_at: Moment | None


class SyncStatus(Document):
    sync_id: str
    platform: str
    project_id: str
    connection: str
    capsule: str | None
    target: str | None = Field(description="The connection of a sync of rows' far end.")
    target_select: dict[str, Any] | None
    mode: str
    condition: str = Field(
        description="One word: `working`, `queued`, `new`, `ok`, `partial`, `paused`, `cancelled`, "
        "`interrupted`, `failed`, `rate_limited` or `waiting_for_approval`."
    )
    state: str
    state_reason: str | None
    in_flight: bool
    queued_since: Moment | None = Field(
        description="Since when a run is asked for and has not begun; what is to come: from when."
    )
    progress: str | None
    schedule: str
    looked_at: Moment | None
    last_sync: Moment | None
    next_sync: Moment | None
    held_until: Moment | None = Field(description="Its server said wait (429), until then.")
    last_status: str | None
    last_error: dict[str, str] | None
    last_operation_id: str | None
    items: int
    chunks: int
    failed_items: int
    skipped_items: int
    open_conflicts: int
    frozen_rows: int = Field(description="Rows left alone, for their ends kept rewriting them.")
    differing_rows: int = Field(
        description="Rows that both ends show differently, because one normalises."
    )
    bad_cells: int = Field(description="Cells of the source that do not fit, of rows.")
    drift: Drift
    untold: Untold | None
    unread_queue: UnreadQueue | None = Field(
        description="What its platform announces in a queue is not heard of, and why."
    )


class ItemFailure(BaseModel):
    key: str
    code: str
    reason: str
    failed_at: Moment | None = None


class Status(BaseModel):
    external_sync: ExternalSync
    syncs: list[SyncStatus]
    failures: list[ItemFailure] | None = Field(None, description="Only where one sync was named.")


class Stats(BaseModel):
    syncs: dict[str, int] = Field(description="By state.")
    items: int
    chunks: int
    failed_items: int
    queue: QueueDepth
    looks_24h: dict[str, int] = Field(description="Sources asked, and those that had changed.")
    operations_24h: dict[str, int] = Field(description="By status.")


class Operation(Document):
    operation_id: str
    sync_id: str
    run_id: str | None
    trigger: str
    mode: str
    started_at: Moment
    finished_at: Moment | None
    status: str
    counts: dict[str, int]
    stage_s: dict[str, float]
    error: dict[str, str] | None


class Operations(BaseModel):
    operations: list[Operation]


class OperationDetails(Operation):
    failed_items: list[ItemFailure]


class LedgerEntry(Document):
    seq: int
    at: Moment
    item_id: str
    op: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    cause: str
    operation_id: str
    page: int | None
    policy: str
    prev_hash: str
    hash: str


class Ledger(BaseModel):
    entries: list[LedgerEntry]


class DeadLetter(Document):
    sync_id: str
    key: str
    version: str | None
    code: str
    reason: str
    tries: int
    first_failed_at: Moment | None
    failed_at: Moment
    retry_at: Moment | None
    operation_id: str
    kept_bytes: int | None


class DeadLetters(BaseModel):
    dead_letters: list[DeadLetter]


class Capsule(BaseModel):
    name: str
    project_id: str
    language: str
    syncs: int
    documents: int
    chunks: int


class Capsules(BaseModel):
    capsules: list[Capsule]


class Question(BaseModel):
    """What is looked for in a capsule: words, and what hits must have besides."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field("", max_length=1_000, description='As on the web: "a phrase", or, -not.')
    limit: int = Field(10, ge=1, le=100)
    sync: str | None = None
    media_type: str | None = None
    url_prefix: str | None = None
    since: str | None = Field(None, description="2026-11-01, or a span such as 7d.")
    attribute: list[str] = Field([], description="Each as name:value.")


class Hit(Document):
    chunk_id: UUID
    score: float
    text: str
    matched: Literal["all", "any"] = Field(
        description="Whether the passage has all words; `any` only where no passage has all."
    )
    snippet: str = Field(description="Hits stand between ** and **.")
    title: str
    url: str
    heading_path: list[str]
    item_id: str
    sync_id: str
    version: str
    modified_at: Moment | None


class Hits(BaseModel):
    hits: list[Hit]


class Source(Document):
    platform: str
    item_id: str
    version: str
    url: str
    modified_at: Moment | None
    fetched_at: Moment


class Explanation(Document):
    chunk: dict[str, Any] | None = None
    row: dict[str, Any] | None = None
    file: dict[str, Any] | None = None
    source: Source
    trigger: str | None
    operation_id: str | None
    run_id: str | None
    mapping_version: str
    chunker_version: str
    changes: list[LedgerEntry]
