"""What a configuration file may say of one field of a mapping between rows."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from livesync_pipelines.core import row_map_expression
from livesync_pipelines.core.row_map_types import column_of, zone_of
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.row_map import FieldMap, OnError, Scalar, Unit

_WAYS = ("source", "value", "template", "expression")
_OF_ONE = ("split", "join", "lookup", "unit")


def _null(raw: object) -> object:
    """`on_error: null` is read as nothing, and means the word."""
    return OnError.NULL if raw is None else raw


Name = Annotated[str, Field(min_length=1)]


class UnitDoor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Name = Field(alias="from")
    target: Name = Field(alias="to")


class FieldMapDoor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Name = Field(alias="to")
    source: Name | list[Name] | None = Field(None, alias="from")
    value: Scalar = None
    template: Name | None = None
    expression: Name | None = None
    path: Name | None = None
    split: Name | None = None
    join: str | None = None
    lookup: dict[str, Scalar] = {}
    otherwise: Scalar = Field(None, alias="else")
    unit: UnitDoor | None = None
    cast: str | None = None
    zone: str | None = None
    default: Scalar = None
    on_error: Annotated[OnError, BeforeValidator(_null)] = OnError.NULL
    lossy: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(getattr(self, name) is not None for name in _WAYS) != 1:
            raise ValueError("give one of 'from', 'value', 'template' and 'expression'")
        said = [name for name in _OF_ONE if getattr(self, name) not in (None, {})]
        if len(said) > 1:
            raise ValueError(f"give one of {', '.join(said)}, and not more")
        if self.source is None and (said or self.path):
            raise ValueError(f"{said[0] if said else 'path'} needs a column: say 'from'")
        if "otherwise" in self.model_fields_set and not self.lookup:
            raise ValueError("else is for a lookup, and there is none")
        return self._several()

    def _several(self) -> Self:
        many = isinstance(self.source, list) and len(self.source) != 1
        if many and (self.join is None or self.path is not None or not self.source):
            raise ValueError("what comes from more than one column says by what to 'join' them")
        return self

    @model_validator(mode="after")
    def _readable(self) -> Self:
        """What can be told without knowing the tables."""
        try:
            if self.cast is not None:
                column_of(self.cast)
            if self.zone is not None:
                zone_of(self.zone)
            if self.expression is not None:
                row_map_expression.read(self.expression)
        except BadInput as error:
            said = {"said": error.message, "hint": error.hint}
            raise PydanticCustomError("mapping", "{said}", said) from error
        return self

    def noun(self) -> FieldMap:
        """The noun that this door lets in."""
        plain: dict[str, Any] = self.model_dump(
            exclude={"source", "lookup", "otherwise", "unit"}, by_alias=False
        )
        return FieldMap(
            **plain,
            sources=_names(self.source),
            lookup=tuple(self.lookup.items()),
            otherwise=(self.otherwise,) if "otherwise" in self.model_fields_set else (),
            unit=Unit(self.unit.source, self.unit.target) if self.unit else None,
        )


def _names(source: str | list[str] | None) -> tuple[str, ...]:
    if source is None:
        return ()
    return (source,) if isinstance(source, str) else tuple(source)
