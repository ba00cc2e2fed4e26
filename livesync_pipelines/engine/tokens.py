"""Who may come in at the HTTP door: bearer tokens, each for one project and one role.

The file holds a line for each token, `SHA256 PROJECT ROLE [USER]`; the project `*` stands for all.
It holds no token, and a line that is taken out shuts its token out from the next request on, and
out of its open sockets within a heartbeat.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from secrets import token_urlsafe

from livesync_pipelines.engine._doors import NAME
from livesync_pipelines.model.errors import BadInput, Broken

ALL = "*"
_TOKEN_BYTES = 32
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HOW = "A line is: SHA256 PROJECT ROLE [USER]. `livesync token PROJECT ROLE` writes one."
_USER = re.compile(r"\S{1,100}")


class Role(StrEnum):
    """A viewer reads, an editor also asks for runs and settles conflicts."""

    VIEWER = "viewer"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a token: of which project (`*`: of all), in which role, and by what name (as the
    `owner` of a sync's questions is spelled)."""

    project: str
    role: Role
    user: str | None = None

    @property
    def sees_all(self) -> bool:
        return self.project == ALL

    def sees(self, project: str) -> bool:
        return self.sees_all or self.project == project


ANYBODY = Holder(ALL, Role.EDITOR)
"""Whoever calls where no tokens are asked for: programs on this machine."""


def holder_of(file: Path, digest: str) -> Holder | None:
    """Whose token has this digest; None where it is nobody's. Raises `Broken` for a file that
    cannot be read or understood: then nobody comes in."""
    found = None
    for known, holder in _lines(file):
        if compare_digest(known, digest):  # all lines are compared, whichever it is
            found = holder
    return found


def make(file: Path, project: str, role: str, user: str | None = None) -> str:
    """A new token, which is stored nowhere; its line is added to the file. Raises `BadInput`."""
    if project != ALL and not NAME.fullmatch(project):
        raise BadInput(f"{project!r} is no name of a project", hint="Or write * for all of them.")
    if role not in list(Role):
        raise BadInput(f"There is no role {role!r}.", hint=f"Allowed: {', '.join(Role)}.")
    if user is not None and not _USER.fullmatch(user):
        raise BadInput(f"{user!r} is no name of a user", hint="Write it without spaces.")
    token = f"lst_{token_urlsafe(_TOKEN_BYTES)}"
    line = " ".join([digest_of(token), project, role, *([user] if user else [])]) + "\n"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as out:
            out.write(line)
    except OSError as error:
        raise BadInput(
            f"The token cannot be kept: {error.strerror}.",
            hint="LIVESYNC_API_TOKENS must name a file that you may write to.",
            where=str(file),
        ) from error
    return token


def digest_of(token: str) -> str:
    """What the file holds of a token."""
    return sha256(token.encode()).hexdigest()


def _lines(file: Path) -> Iterator[tuple[str, Holder]]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Broken(
            f"The file of tokens cannot be read: {type(error).__name__}.",
            hint="LIVESYNC_API_TOKENS names it; `livesync token PROJECT ROLE` makes it.",
        ) from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if (
            len(words) not in {3, 4}
            or not _DIGEST.fullmatch(words[0])
            or words[2] not in list(Role)
        ):
            raise Broken(f"Line {number} of the file of tokens is not understood.", hint=_HOW)
        yield words[0], Holder(words[1], Role(words[2]), words[3] if len(words) == 4 else None)
