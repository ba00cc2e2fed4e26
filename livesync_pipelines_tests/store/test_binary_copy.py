"""Tables that go into Postgres by COPY in its binary form come back as they were."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from livesync_pipelines.store import binary_copy
from livesync_pipelines.store.database import Connection

_SCHEMA = pa.schema([("a", pa.string()), ("b", pa.binary(2)), ("c", pa.int16()), ("d", pa.int64())])
_TEXTS = some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_ROWS = some.lists(
    some.tuples(
        some.none() | _TEXTS,
        some.none() | some.binary(min_size=2, max_size=2),
        some.none() | some.integers(-(2**15), 2**15 - 1),
        some.none() | some.integers(-(2**63), 2**63 - 1),
    ),
    max_size=20,
)


@given(rows=_ROWS, skipped=some.integers(0, 3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_in_a_table_is_stored(
    connection: Connection, rows: list[tuple[object, ...]], skipped: int
) -> None:
    columns = zip(*rows, strict=True) if rows else [()] * 4
    table = pa.table(
        [pa.array(list(values), f.type) for values, f in zip(columns, _SCHEMA, strict=True)],
        schema=_SCHEMA,
    ).slice(skipped)
    with connection.transaction(force_rollback=True):
        connection.execute("create temp table t (d bigint, c smallint, b bytea, a text)")
        binary_copy.put(connection, "t", table)
        stored = connection.execute("select a, b, c, d from t").fetchall()
    assert stored == rows[skipped:]
