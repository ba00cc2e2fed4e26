"""What a configuration file may say of a capsule and of a sync, checked by pydantic."""

from __future__ import annotations

import re
from enum import StrEnum
from math import inf
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from livesync_pipelines.core import cadence
from livesync_pipelines.engine._map_doors import FieldMapDoor
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import MergePolicy, OnDelete, Policy
from livesync_pipelines.model.sync import (
    Action,
    ActionOn,
    FieldMapping,
    Limits,
    Mode,
    Notify,
    NotifyOn,
    OnDrift,
    Priority,
    RowTarget,
    SyncConfig,
)

SCHEDULE = "every_15_minutes"
"""The schedule of a sync that names none."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

Language = StrEnum(
    "Language",
    "simple arabic armenian basque catalan danish dutch english estonian finnish french german "
    "greek hindi hungarian indonesian irish italian lithuanian nepali norwegian portuguese "
    "romanian russian serbian spanish swedish tamil turkish yiddish none",
)
"""The text search configurations of Postgres 18 (the store asks the server that is there), and
`none` for a capsule that keeps no search index."""

_LIMITS = Limits()
_POLICY = MergePolicy()


class _Door(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CapsuleDoor(_Door):
    language: Language = Language.english


class TargetDoor(_Door):
    """A capsule, or a table of another connection: what is said beside `connection` selects it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    capsule: str | None = None
    connection: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.capsule is None) == (self.connection is None):
            raise ValueError("write target: {capsule: NAME}, or target: {connection: NAME, ...}")
        if self.capsule is not None and self.model_extra:
            raise ValueError(f"a capsule takes no {', '.join(self.model_extra)}")
        return self

    def rows(self) -> RowTarget | None:
        if self.connection is None:
            return None
        return RowTarget(connection=self.connection, select=dict(self.model_extra or {}))


_TIME = re.compile(r"(\d{1,6})\s*(m|h|d)")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}


def _seconds(raw: object) -> object:
    """Of `30m`, `12h`, `3d`, or of a number of seconds."""
    found = _TIME.fullmatch(raw) if isinstance(raw, str) else None
    seconds = int(found[1]) * _SECONDS[found[2]] if found else raw
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < inf:
        return seconds
    said = {
        "said": f"no time to wait for an answer: {raw!r}",
        "hint": "Write a number and m, h or d (minutes, hours, days): 30m, 12h, 3d.",
    }
    raise PydanticCustomError("time", "{said}", said)


class AskDoor(_Door):
    """Who is asked, how long is waited (`30m`, `12h`, `3d`), and who wins then."""

    owner: str | None = None
    within: Annotated[float, BeforeValidator(_seconds)] = _POLICY.answer_within_s
    otherwise: Literal[Policy.SOURCE_WINS, Policy.TARGET_WINS] = Policy.SOURCE_WINS


class PolicyDoor(_Door):
    default: Policy = _POLICY.default
    fields: dict[str, Policy] = {}
    on_delete: OnDelete = _POLICY.on_delete
    ask: AskDoor = Field(default_factory=lambda: AskDoor.model_validate({}))

    def noun(self) -> MergePolicy:
        return MergePolicy(
            default=self.default,
            fields=self.fields,
            on_delete=self.on_delete,
            owner=self.ask.owner,
            answer_within_s=self.ask.within,
            otherwise=self.ask.otherwise,
        )


class LimitsDoor(_Door):
    delete_items: int = Field(_LIMITS.delete_items, ge=0)
    delete_share: float = Field(_LIMITS.delete_share, ge=0, le=1)
    item_bytes: int = Field(_LIMITS.item_bytes, gt=0)


class NotifyDoor(_Door):
    on: list[NotifyOn] = Field(min_length=1)
    to: list[str] = Field(min_length=1)

    def noun(self) -> Notify:
        return Notify(tuple(self.on), tuple(self.to))


class ActionDoor(_Door):
    on: list[ActionOn] = Field(min_length=1)
    fields: list[str] = []
    call: str
    secret: str | None = None

    def noun(self) -> Action:
        return Action(
            on=tuple(self.on), fields=tuple(self.fields), call=self.call, secret=self.secret
        )


class MappingDoor(_Door):
    target: str = Field(alias="to", min_length=1)
    source: str | None = Field(None, alias="from", min_length=1)
    value: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.source is None) == (self.value is None):
            raise ValueError("give either 'from' or 'value', and not both")
        return self


def _target(raw: object) -> object:
    if isinstance(raw, str):
        return {"capsule": raw}
    return raw


def _schedule(raw: object) -> str:
    if not isinstance(raw, str):
        said = {"said": "a schedule is a text", "hint": f"Allowed: {'; '.join(cadence.ALLOWED)}."}
        raise PydanticCustomError("schedule", "{said}", said)
    try:
        found = cadence.parse(raw)
    except BadInput as error:
        said = {"said": error.message, "hint": error.hint}
        raise PydanticCustomError("schedule", "{said}", said) from error
    plain = " ".join(raw.split())
    return plain if isinstance(found, cadence.Cron) else plain.lower()


_DOCUMENTS = TypeAdapter(list[MappingDoor])
_ROWS = TypeAdapter(list[FieldMapDoor])


class SyncDoor(_Door):
    connection: str
    target: Annotated[TargetDoor, BeforeValidator(_target)]
    select: dict[str, Any] = {}
    mode: Mode = Mode.PULL
    schedule: Annotated[str, BeforeValidator(_schedule)] = SCHEDULE
    priority: Priority = Priority.NORMAL
    limits: LimitsDoor = Field(default_factory=lambda: LimitsDoor.model_validate({}))
    mapping: list[MappingDoor] | list[FieldMapDoor] = []
    policy: PolicyDoor = Field(default_factory=lambda: PolicyDoor.model_validate({}))
    drift: OnDrift = OnDrift.PROPAGATE
    notify: NotifyDoor | None = None
    actions: list[ActionDoor] = []

    @field_validator("mapping", mode="plain")
    @classmethod
    def _of_documents_or_rows(
        cls, raw: object, info: ValidationInfo
    ) -> list[MappingDoor] | list[FieldMapDoor]:
        target = info.data.get("target")
        of_rows = target is not None and target.capsule is None
        lines: list[MappingDoor] | list[FieldMapDoor]
        lines = _ROWS.validate_python(raw) if of_rows else _DOCUMENTS.validate_python(raw)
        targets = [line.target for line in lines]
        twice = sorted({target for target in targets if targets.count(target) > 1})
        if twice:
            raise ValueError(f"more than one line writes {', '.join(twice)}")
        return lines

    def config(self, sync_id: str, project_id: str) -> SyncConfig:
        """The noun that this door lets in."""
        return SyncConfig(
            sync_id=sync_id,
            project_id=project_id,
            connection=self.connection,
            capsule=self.target.capsule,
            target=self.target.rows(),
            schedule=self.schedule,
            select=self.select,
            mode=self.mode,
            priority=self.priority,
            limits=Limits(**self.limits.model_dump()),
            mapping=tuple(
                FieldMapping(line.target, source=line.source, value=line.value)
                for line in self.mapping
                if isinstance(line, MappingDoor)
            ),
            fields=tuple(line.noun() for line in self.mapping if isinstance(line, FieldMapDoor)),
            policy=self.policy.noun(),
            drift=self.drift,
            notify=self.notify.noun() if self.notify else Notify(),
            actions=tuple(action.noun() for action in self.actions),
        )
