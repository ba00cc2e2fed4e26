"""One extractor for all tests of a process: its children are started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from livesync_pipelines.formats.extract import Extractor
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Extracted

Read = Callable[..., Extracted]
Fail = Callable[..., ItemFailure]


def body(content: bytes | str, name: str, media_type: str | None = None, url: str = "") -> Body:
    data = content.encode() if isinstance(content, str) else content
    return Body(key=name, version="1", content=data, name=name, url=url, media_type=media_type)


@pytest.fixture(scope="session")
def extractor() -> Iterator[Extractor]:
    with Extractor(workers=1) as shared:
        yield shared


@pytest.fixture
def read(extractor: Extractor) -> Read:
    """What a file says; the test fails when it cannot be read."""

    def read_one(
        content: bytes | str, name: str, media_type: str | None = None, url: str = ""
    ) -> Extracted:
        ((_, outcome),) = extractor.extract([body(content, name, media_type, url)])
        assert isinstance(outcome, Extracted), outcome
        return outcome

    return read_one


@pytest.fixture
def fail(extractor: Extractor) -> Fail:
    """Why a file cannot be read; the test fails when it can."""

    def fail_one(content: bytes | str, name: str, media_type: str | None = None) -> ItemFailure:
        ((_, outcome),) = extractor.extract([body(content, name, media_type)])
        assert isinstance(outcome, ItemFailure), outcome
        return outcome

    return fail_one
