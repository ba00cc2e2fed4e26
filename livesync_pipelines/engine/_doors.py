"""What a configuration file may say of a capsule and of a sync, checked by pydantic."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from livesync_pipelines.core import cadence
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import (
    FieldMapping,
    Limits,
    Mode,
    Notify,
    NotifyOn,
    Priority,
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


class _Door(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CapsuleDoor(_Door):
    language: Language = Language.english


class TargetDoor(_Door):
    capsule: str


class LimitsDoor(_Door):
    delete_items: int = Field(_LIMITS.delete_items, ge=0)
    delete_share: float = Field(_LIMITS.delete_share, ge=0, le=1)
    item_bytes: int = Field(_LIMITS.item_bytes, gt=0)


class NotifyDoor(_Door):
    on: list[NotifyOn] = Field(min_length=1)
    to: list[str] = Field(min_length=1)

    def noun(self) -> Notify:
        return Notify(tuple(self.on), tuple(self.to))


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
    if isinstance(raw, Mapping) and ("connection" in raw or "table" in raw):
        raise ValueError("only a capsule can be a target so far: write target: {capsule: NAME}")
    return raw


def _schedule(text: str) -> str:
    try:
        cadence.parse(text)
    except BadInput as error:
        said = {"said": error.message, "hint": error.hint}
        raise PydanticCustomError("schedule", "{said}", said) from error
    return text


class SyncDoor(_Door):
    connection: str
    target: Annotated[TargetDoor, BeforeValidator(_target)]
    select: dict[str, Any] = {}
    mode: Mode = Mode.PULL
    schedule: Annotated[str, AfterValidator(_schedule)] = SCHEDULE
    priority: Priority = Priority.NORMAL
    limits: LimitsDoor = Field(default_factory=lambda: LimitsDoor.model_validate({}))
    mapping: list[MappingDoor] = []
    notify: NotifyDoor | None = None

    @field_validator("mapping")
    @classmethod
    def _each_field_once(cls, mapping: list[MappingDoor]) -> list[MappingDoor]:
        targets = [line.target for line in mapping]
        twice = sorted({target for target in targets if targets.count(target) > 1})
        if twice:
            raise ValueError(f"more than one line writes {', '.join(twice)}")
        return mapping

    def config(self, sync_id: str, project_id: str) -> SyncConfig:
        """The noun that this door lets in."""
        return SyncConfig(
            sync_id=sync_id,
            project_id=project_id,
            connection=self.connection,
            capsule=self.target.capsule,
            schedule=self.schedule,
            select=self.select,
            mode=self.mode,
            priority=self.priority,
            limits=Limits(**self.limits.model_dump()),
            mapping=tuple(
                FieldMapping(line.target, source=line.source, value=line.value)
                for line in self.mapping
            ),
            notify=self.notify.noun() if self.notify else Notify(),
        )
