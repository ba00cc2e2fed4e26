"""Messages come with an end and without one."""

from __future__ import annotations

import pytest

from livesync_pipelines.core.sentences import sentences


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("It refuses the login", "Correct `url`."), "It refuses the login. Correct `url`."),
        (("It is not there.", "Was it dropped?"), "It is not there. Was it dropped?"),
        (("It is not there", ""), "It is not there."),
        ((), ""),
    ],
)
def test_each_sentence_has_one_end(parts: tuple[str, ...], said: str) -> None:
    assert sentences(*parts) == said
