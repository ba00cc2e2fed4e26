"""notion-client, pointed at a sandbox, and whether answers fit Notion's own types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from notion_client import Client

from livesync_pipelines.sandbox.notion.door import VERSION
from livesync_pipelines.sandbox.notion.workspace import SECRET

from .served import Sandbox

_DESCRIPTION = Path(__file__).with_name("notion_description.json")


@contextmanager
def notion_of(sandbox: Sandbox, token: str = SECRET) -> Iterator[Any]:
    """The client of a connection; it tries nothing twice."""
    with Client(
        auth=token, base_url=f"{sandbox.address}/notion", notion_version=VERSION, retry=False
    ) as client:
        yield client


@cache
def _schemas() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_DESCRIPTION.read_text())
    return found


def misfits(name: str, value: Any) -> list[str]:
    """Where a value is not what Notion's types say of this name."""
    schema = {"$ref": f"#/components/schemas/{name}", **_schemas()}
    found = Draft202012Validator(schema).iter_errors(value)
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message[:300]}" for one in found]
