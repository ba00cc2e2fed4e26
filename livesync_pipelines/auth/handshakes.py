"""Secrets that a platform makes and sends: kept in a file for its owner, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

from livesync_pipelines.auth import told
from livesync_pipelines.auth.call import Call, Scheme, Told, verify

WORD = "verification_token"
_LONGEST = 500


def secret_sent(scheme: Scheme, call: Call, file: Path) -> Told | None:
    """That the platform has sent its secret, signed with the secret itself, and that it is in the
    file now; None where this is no such call. It proves nothing but that the two belong together:
    whoever takes the secret over compares it with what the platform shows."""
    said = told.parsed(call.body)
    secret = said.get(WORD) if isinstance(said, dict) and set(said) == {WORD} else None
    if not isinstance(secret, str) or not secret.isascii() or len(secret) > _LONGEST:
        return None
    try:
        key = scheme.key(secret)
    except ValueError:
        return None
    found = verify(scheme, call, (key,))
    if found is not None:
        _keep(file, secret)
    return found


def _keep(file: Path, secret: str) -> None:
    """For the eyes of its owner only, from the first byte on."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(f"{secret}\n")
    beside.replace(file)
