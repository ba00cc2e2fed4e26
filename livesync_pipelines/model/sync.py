"""What a user asks for: connections, capsules, syncs. The doors make them from YAML and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .merge import MergePolicy, Policy
from .row_map import FieldMap

OVERRIDES = "auto_override_from_remote"
"""What callers are told where the source's value always stands."""


class Mode(StrEnum):
    PULL = "pull"
    PUSH = "push"
    BIDIRECTIONAL = "bidirectional"


class Priority(StrEnum):
    CRITICAL = "critical"
    NORMAL = "normal"
    LOW = "low"


class SyncState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    REMOVED = "removed"


class Trigger(StrEnum):
    """Why an operation began. `subscribed`: its platform tells of changes from now on, and could
    not of those before."""

    PERSON = "person"
    POLL = "poll"
    WATCH = "watch"
    WEBHOOK = "webhook"
    SUBSCRIBED = "subscribed"
    BACKFILL = "backfill"
    REPLAY = "replay"
    RESTORE = "restore"
    DRIFT = "drift"

    @property
    def asks_the_source(self) -> bool:
        """Whether such an operation looks at the source."""
        return self not in {Trigger.REPLAY, Trigger.RESTORE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """How whoever calls for a connection proves who he is.

    - `scheme`: by its name in `auth.signatures`.
    - `secret`, and `also` while it is being changed: with `${NAME}` unresolved.
    - `topic`: what is subscribed to: of SNS the topic's ARN, of WebSub the feed's address.
    - `url`: where the platform calls, if that is signed too and a proxy changes it on the way.
    """

    scheme: str
    secret: str | None = None
    also: str | None = None
    topic: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One account or place on one platform.

    `options` are the user's own words, with `${NAME}` unresolved: what is stored names a
    secret and never holds one. `webhook`: None where the platform may not call.
    """

    name: str
    project_id: str
    platform: str
    options: Mapping[str, Any]
    webhook: Webhook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """A searchable index. `language` is a Postgres text search configuration."""

    name: str
    project_id: str
    language: str = "english"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a run must stop and ask: more than `delete_items` and more than `delete_share` of
    the items would go. `item_bytes` is the size above which an item is not read."""

    delete_items: int = 20
    delete_share: float = 0.3
    item_bytes: int = 50_000_000


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """One target field: taken from a record's attribute `source`, or the constant `value`."""

    target: str
    source: str | None = None
    value: str | None = None


class OnDrift(StrEnum):
    """What a sync of rows does when its source has other columns than before; a change that breaks
    it (a key gone, a type narrowed) always pauses it.

    - `propagate`: columns that are mapped follow, new ones too where there is no mapping.
    - `ignore`: new columns stay out.
    - `pause`: a person looks first.
    """

    PROPAGATE = "propagate"
    IGNORE = "ignore"
    PAUSE = "pause"


class NotifyOn(StrEnum):
    """What a person may want to be told of a sync."""

    SUCCESS = "success"
    PARTIAL = "partial"
    ERROR = "error"
    CONFLICT = "conflict"
    APPROVAL = "waiting_for_approval"


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told of what. `to` holds `mailto:` and `http(s):` addresses in the user's own
    words, with `${NAME}` unresolved."""

    on: tuple[NotifyOn, ...] = ()
    to: tuple[str, ...] = ()


class ActionOn(StrEnum):
    """A change that an action can be called for; a renamed item counts as updated."""

    ADDED = "added"
    UPDATED = "updated"
    REMOVED = "removed"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A webhook that is called for changes once they are committed: those of the kinds `on`, and
    where `fields` are named, of these fields. `call` is an http(s) address and `secret` signs what
    is sent (LIVESYNC_WEBHOOK_SECRET where it is None), both with `${NAME}` unresolved."""

    on: tuple[ActionOn, ...]
    fields: tuple[str, ...] = ()
    call: str
    secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTarget:
    """A table of another connection, or its files: the far end of a sync of rows, or of a copy.
    `select` says which."""

    connection: str
    select: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncConfig:
    """One sync: a selection of a connection, kept in step with a capsule, or its rows with those
    of another table, or its files copied.

    `sync_id` is the name under `syncs:` and the Dagster partition key, one in the whole
    installation. `schedule` is as the user wrote it; `core.cadence` reads it. Either `capsule` or
    `target` is set; `mapping` is of documents, `fields`, `policy` and `drift` of rows. `copies`:
    `target` stands for files, which are copied as they are.
    """

    sync_id: str
    project_id: str
    connection: str
    schedule: str
    capsule: str | None = None
    target: RowTarget | None = None
    select: Mapping[str, Any] = field(default_factory=dict)
    mode: Mode = Mode.PULL
    priority: Priority = Priority.NORMAL
    limits: Limits = field(default_factory=Limits)
    mapping: tuple[FieldMapping, ...] = ()
    fields: tuple[FieldMap, ...] = ()
    policy: MergePolicy = field(default_factory=MergePolicy)
    drift: OnDrift = OnDrift.PROPAGATE
    notify: Notify = field(default_factory=Notify)
    actions: tuple[Action, ...] = ()
    copies: bool = False

    @property
    def conflict_resolution(self) -> str:
        """How two edits of the same are settled, in the words of the contract with callers."""
        if self.mode is Mode.PUSH and not self.copies:
            return str(Policy.TARGET_WINS)
        always = self.mode is Mode.PULL and not self.copies
        if always or self.policy.default is Policy.SOURCE_WINS:
            return OVERRIDES
        return str(self.policy.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """Everything that one or more configuration files ask for."""

    connections: tuple[Connection, ...] = ()
    capsules: tuple[Capsule, ...] = ()
    syncs: tuple[SyncConfig, ...] = ()
