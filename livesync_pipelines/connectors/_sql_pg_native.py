"""What is known of one column of a Postgres table: how the catalogue describes it, and how its
values pass the border."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from livesync_pipelines.model.rows import Column

Wire = Callable[[pa.Array], pa.Array | None]
Fault = tuple[str, str]
Faults = tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """One column of a table. In the expressions `{}` stands for the value.

    - `read`: its value as one of our types.
    - `faults`: what makes a value unreadable, as conditions over the native value, with reasons.
    - `staged`: the type in which values wait to be written; `write`: from there into the table.
    - `wire`: values as COPY takes them into the very table; None where they would be stored
      otherwise than they are, or nobody can say so before.
    - `document`: of a column that is JSON to us, its value as jsonb.
    - `ordered`: what sorts as `core.row_keys` does.
    - `matched`: a staged key as the native type, so that an index is used; None where only the
      texts of both can be compared.
    - `widens`: its type can be altered to a wider one of the same kind.
    - `identity`: it is `generated always as identity`.
    """

    column: Column
    read: str = "{}"
    faults: Faults = ()
    staged: str = "text"
    write: str = "{}"
    wire: Wire | None = None
    document: str = "{}"
    ordered: str = "{}"
    matched: str | None = "{}"
    widens: bool = False
    identity: bool = False

    @property
    def name(self) -> str:
        return self.column.name

    def same(self, value: str, staged: str) -> str:
        """A condition: the native value is what the staged one says."""
        if not self.column.json:
            collate = ' collate "C"' if self.column.type == pa.string() else ""
            return f"{self.read.replace('{}', value)}{collate} is not distinct from {staged}"
        return f"{self.document.replace('{}', value)} is not distinct from {staged}::jsonb"

    def identical(self, value: str, staged: str) -> str:
        """A condition: as `same`, and numbers in JSON are spelled alike."""
        if not self.column.json:
            return self.same(value, staged)
        document = self.document.replace("{}", value)
        return f"{document}::text is not distinct from {staged}::jsonb::text"

    def match(self, value: str, staged: str) -> str:
        """A condition: this part of a row's key is the staged one."""
        if self.matched is None:
            return f'{self.read.replace("{}", value)} collate "C" = {staged}'
        return f"{value} = {self.matched.replace('{}', staged)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A column as the catalogue describes it; domains are already followed to their base.

    - `base`: the name of the base type, with its schema unless that is pg_catalog; `mod`: its
      typmod; `kind` and `category`: its typtype and typcategory; `cast`: how to spell it
      without any length: a cast to a type with a length cuts in silence, an assignment refuses;
      `words`: those of an enumeration.
    - `bytewise`: texts are equal in its collation only where they are so byte for byte.
    """

    name: str
    base: str
    mod: int
    kind: str
    category: str
    cast: str
    nullable: bool
    writable: bool
    identity: bool
    bytewise: bool
    domain: bool
    words: tuple[str, ...]

    def column(
        self,
        kind: pa.DataType,
        *,
        bits: int = 64,
        json: bool = False,
        max_chars: int | None = None,
    ) -> Column:
        return Column(
            name=self.name,
            type=kind,
            nullable=self.nullable,
            json=json,
            writable=self.writable,
            bits=bits,
            max_chars=max_chars,
            words=self.words,
            cased=bool(self.words),
        )
