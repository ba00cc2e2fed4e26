"""Folders and buckets with tables in them, written and read by pandas alone."""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from livesync_pipelines.connectors._file_rows import RowsSelection
from livesync_pipelines.connectors._file_rows_write import WritableFileRows
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.folder import FolderConnection
from livesync_pipelines.connectors.folder_rows import FolderRows
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.connectors.s3 import S3Connection
from livesync_pipelines.connectors.s3_rows import S3Rows
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.rows import Column, RowPage, RowWrites, Shape

from .s3_world import ACCESS_KEY, SECRET_KEY, client, endpoint, new_bucket

LIMITS = FetchLimits(max_bytes=20_000_000, timeout_s=10.0)
FORMATS = ("csv", "jsonl", "parquet", "xlsx")
WRITABLE = ("csv", "jsonl", "parquet")


class Place(ABC):
    """Where a test keeps its files."""

    @abstractmethod
    def put(self, name: str, content: bytes) -> None: ...

    @abstractmethod
    def get(self, name: str) -> bytes: ...

    @abstractmethod
    def remove(self, name: str) -> None: ...

    @abstractmethod
    def names(self) -> list[str]: ...

    def key(self, name: str) -> str:
        """Under which a connector lists a file."""
        return name

    def close(self) -> None:
        """Give back what it holds."""


class RowPlace(Place):
    """Whose files may be tables."""

    @abstractmethod
    def end(self, rows: str, key: Sequence[str] = ("id",), **said: Any) -> WritableFileRows: ...


class FolderPlace(RowPlace):
    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, content: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(content)

    def get(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def remove(self, name: str) -> None:
        (self.root / name).unlink()

    def names(self) -> list[str]:
        found = (p for p in self.root.rglob("*") if p.is_file())
        return sorted(p.relative_to(self.root).as_posix() for p in found)

    def end(self, rows: str, key: Sequence[str] = ("id",), **said: Any) -> WritableFileRows:
        selection = RowsSelection.model_validate({"rows": rows, "key": list(key), **said})
        return FolderRows(FolderConnection(path=str(self.root)), selection, LIMITS)


class BucketPlace(RowPlace):
    def __init__(self) -> None:
        self.bucket = new_bucket()

    def put(self, name: str, content: bytes) -> None:
        client().put_object(Bucket=self.bucket, Key=f"p/{name}", Body=content)

    def get(self, name: str) -> bytes:
        return client().get_object(Bucket=self.bucket, Key=f"p/{name}")["Body"].read()

    def remove(self, name: str) -> None:
        client().delete_object(Bucket=self.bucket, Key=f"p/{name}")

    def names(self) -> list[str]:
        found = client().list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return sorted(item["Key"].removeprefix("p/") for item in found)

    def key(self, name: str) -> str:
        return f"p/{name}"

    def end(self, rows: str, key: Sequence[str] = ("id",), **said: Any) -> WritableFileRows:
        connection = S3Connection.model_validate(
            {
                "bucket": self.bucket,
                "prefix": "p/",
                "endpoint_url": endpoint(),
                "region": "us-east-1",
                "access_key_id": ACCESS_KEY,
                "secret_access_key": SECRET_KEY,
            }
        )
        selection = RowsSelection.model_validate({"rows": rows, "key": list(key), **said})
        return S3Rows(connection, selection, LIMITS)


def encoded(frame: pd.DataFrame, form: str) -> bytes:
    into = io.BytesIO()
    match form:
        case "csv":
            frame.to_csv(into, index=False)
        case "jsonl":
            frame.to_json(into, orient="records", lines=True, date_format="iso")
        case "parquet":
            frame.to_parquet(into, index=False)
        case "xlsx":
            frame.to_excel(into, index=False)
    return into.getvalue()


def decoded(content: bytes, form: str) -> pd.DataFrame:
    source = io.BytesIO(content)
    match form:
        case "csv":
            return pd.read_csv(source)
        case "jsonl":
            return pd.DataFrame([json.loads(line) for line in content.splitlines()])
        case _:
            return pd.read_parquet(source)


def pages(
    end: RowEnd, columns: Sequence[str], after: Sequence[object] | None = None
) -> list[RowPage]:
    return list(end.scan(columns, after))


def rows(end: RowEnd, *columns: str) -> list[dict[str, Any]]:
    """What the end shows now: all columns, if none are named."""
    shape = end.shape()
    assert shape is not None
    names = columns or [column.name for column in shape.columns]
    return [row for page in pages(end, names) for row in page.rows.to_pylist()]


def failures(end: RowEnd) -> list[ItemFailure]:
    shape = end.shape()
    assert shape is not None
    return [failure for page in pages(end, list(shape.key)) for failure in page.failures]


def shape(key: Sequence[str] = ("id",), **types: pa.DataType) -> Shape:
    return Shape(columns=tuple(Column(name=n, type=t) for n, t in types.items()), key=tuple(key))


def writes(
    wanted: Shape,
    upserts: Sequence[tuple[dict[str, Any], dict[str, Any] | None]] = (),
    deletes: Sequence[dict[str, Any]] = (),
    columns: Sequence[str] = (),
) -> RowWrites:
    """`upserts`: each new row, and the row that is expected there (None: none)."""
    names = columns or [column.name for column in wanted.columns]
    schema = pa.schema([pa.field(n, wanted.schema.field(n).type) for n in names])
    expected = pa.Table.from_pylist([old or {} for _, old in upserts], schema=schema)
    there = pa.array([old is not None for _, old in upserts], pa.bool_())
    return RowWrites(
        upserts=pa.Table.from_pylist([new for new, _ in upserts], schema=schema),
        expected=expected,
        there=there,
        deletes=pa.Table.from_pylist(list(deletes), schema=schema),
    )
