"""Secrets that a platform makes and sends: kept in a file for its owner, and nowhere else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from livesync_pipelines.auth import told
from livesync_pipelines.auth.call import Call, Scheme, Told, verify

WORD = "verification_token"
_LONGEST = 500


def secret_sent(scheme: Scheme, call: Call, file: Path) -> Told | None:
    """That the platform has sent its secret, signed with the secret itself, and that it is in the
    file now; None where this is no such call, or another secret lies there. It proves nothing but
    that the two belong together: whoever takes the secret over compares it with what the platform
    shows."""
    said = told.parsed(call.body)
    secret = said.get(WORD) if isinstance(said, dict) and set(said) == {WORD} else None
    if not isinstance(secret, str) or not secret.isascii() or len(secret) > _LONGEST:
        return None
    try:
        key = scheme.key(secret)
    except ValueError:
        return None
    found = verify(scheme, call, (key,))
    return found if found is not None and _kept(file, secret) else None


def _kept(file: Path, secret: str) -> bool:
    """For the eyes of its owner only, from the first byte on. The first secret stays until its
    owner deletes the file: any stranger can sign one of his own, and could put it there between the
    owner's looking at the file and his taking it over."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w") as opened:
            opened.write(f"{secret}\n")
        os.link(beside, file)
    except FileExistsError:
        return file.read_text() == f"{secret}\n"
    finally:
        os.unlink(beside)
    return True
