"""Which scopes a person is asked for, and what was granted is enough for."""

from __future__ import annotations

import pytest

from livesync_pipelines.auth.oauth import may_write, missing, scopes_for
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.spec import OAuth

BASE = OAuth(client="X", authorize="https://x/a", token="https://x/t", scopes=("x/read", "email"))
STANDS_FOR = OAuth(
    client="X",
    authorize="https://x/a",
    token="https://x/t",
    scopes=("x/read", "email"),
    writes=("x/all", "x/own"),
    reads=("x/read",),
)
BESIDE = OAuth(
    client="X",
    authorize="https://x/a",
    token="https://x/t",
    scopes=("x.read", "email"),
    writes=("x.write",),
)


@pytest.mark.parametrize(
    ("oauth", "write", "asked"),
    [
        (BASE, None, ("x/read", "email")),
        (STANDS_FOR, None, ("x/read", "email")),
        (STANDS_FOR, "", ("x/all", "email")),
        (STANDS_FOR, "own", ("x/own", "email")),
        (BESIDE, "", ("x.write", "x.read", "email")),
        (BESIDE, "x.write", ("x.write", "x.read", "email")),
    ],
)
def test_to_write_one_scope_more_is_asked_for_or_one_that_stands_for_reading_too(
    oauth: OAuth, write: str | None, asked: tuple[str, ...]
) -> None:
    assert scopes_for(oauth, write) == asked
    assert missing(oauth, asked) == ()
    assert may_write(oauth, asked) == (write is not None or not oauth.writes)


def test_what_cannot_be_asked_for_is_said_with_what_can() -> None:
    with pytest.raises(BadInput, match="no scope 'some'") as told:
        scopes_for(STANDS_FOR, "some")
    assert told.value.hint == "There are: all, own."
    with pytest.raises(BadInput, match="Nothing is written"):
        scopes_for(BASE, "")


def test_what_was_not_granted_is_missing() -> None:
    assert missing(STANDS_FOR, ("email",)) == ("x/read",)
    assert missing(STANDS_FOR, ("x/own",)) == ("email",)
    assert missing(BESIDE, ("x.write", "email")) == ("x.read",)
