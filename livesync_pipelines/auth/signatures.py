"""Every scheme by name, and the keys of those who may call."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_bytes

from livesync_pipelines.auth import digests, sns, tokens, websub
from livesync_pipelines.auth.call import Scheme
from livesync_pipelines.auth.certificates import Certificates

STANDARD = "standard"
HANDSHAKE = "verification_token"


def schemes(certificates: Certificates) -> Mapping[str, Scheme]:
    """All of them; proofs of SNS need certificates."""
    found = (*digests.SCHEMES, *tokens.SCHEMES, websub.SCHEME, sns.scheme(certificates))
    return {scheme.name: scheme for scheme in found}


def strangers_key() -> bytes:
    """A key that nobody has, for the work that is done on a call of somebody unknown."""
    return token_bytes(32).hex().encode()
