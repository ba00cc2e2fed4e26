"""What a row says is the same after it was kept as JSON, to the byte of its spelling."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from livesync_pipelines.core.canon import canonical
from livesync_pipelines.core.row_values import plain, typed
from livesync_pipelines.store.database import Database

FLOATS = st.floats() | st.integers(-(2**70), 2**70).map(float)


@pytest.fixture(scope="module")
def database(_workers_database_url: str) -> Database:
    return Database(_workers_database_url)


@given(st.lists(FLOATS, min_size=1, max_size=50))
@settings(deadline=None)
def test_floats_of_every_size_come_back(database: Database, floats: list[float]) -> None:
    for column in (pa.array(floats), pa.array([floats])):
        told = plain(column)
        with database.pooled() as connection:
            found = connection.execute("select %s::jsonb", (Jsonb(told),)).fetchone()
        assert found is not None
        assert canonical(found[0]) == canonical(told)
        back = typed(found[0], column.type).to_pylist()
        assert repr(back).replace("-0.0", "0.0") == repr(column.to_pylist()).replace("-0.0", "0.0")
