from __future__ import annotations

from collections.abc import Iterator

import pytest

from .served import Sandbox, a_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with a_sandbox() as served:
        yield served
