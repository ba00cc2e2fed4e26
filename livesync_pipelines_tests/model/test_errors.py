"""What a person reads of an error."""

from __future__ import annotations

import pytest

from livesync_pipelines.model.errors import BadInput, in_a_line


@pytest.mark.parametrize(
    ("message", "hint", "line"),
    [
        ("It is gone.", "Bring it back.", "It is gone. Bring it back."),
        ("GET /x answered 403", "Connect it again.", "GET /x answered 403. Connect it again."),
        ("GET /x answered 403", "", "GET /x answered 403"),
    ],
)
def test_what_and_what_to_do_are_sentences_of_one_line(message: str, hint: str, line: str) -> None:
    assert in_a_line(BadInput(message, hint=hint).as_dict()) == line
