"""Where a table is, as people write it."""

from __future__ import annotations


def schema_and_table(schema: str | None, table: str) -> tuple[str | None, str]:
    """Of `SCHEMA.TABLE` both; where the schema is said beside it, the dots are the table's."""
    if schema is None and "." in table:
        before, _, after = table.partition(".")
        return (before, after) if before and after else (None, table)
    return schema, table
