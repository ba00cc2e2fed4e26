"""token: who may come in at the HTTP door."""

from __future__ import annotations

from livesync_pipelines.cli.output import emit, note, say
from livesync_pipelines.engine import tokens
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.settings import Settings


def make_token(project: str, role: str, user: str | None, *, as_json: bool) -> None:
    """Make one and print it; what is kept is its hash."""
    file = Settings.load().api_tokens
    if file is None:
        raise BadInput(
            "LIVESYNC_API_TOKENS is not set, so the HTTP door asks for no token.",
            hint="Set it to a file, here and where the door is opened.",
        )
    made = tokens.make(file, project, role, user)
    if as_json:
        emit({"token": made, "project": project, "role": role, "user": user, "file": str(file)})
        return
    say(made)
    note(f"It is shown this once; {file} holds its hash. Take the line out to shut it out.")
