"""Secrets at rest: sealed with AES-256-GCM, each bound to the place where it lies.

A sealed secret is `version (1 byte) || key id (8) || nonce (12) || ciphertext and tag`. The key id
is part of what is authenticated, and so is the place (`account:drive`, say): what is copied to
another place does not open there. NIST SP 800-38D for the mode; random nonces are good for 2**32
seals with one key. `cryptography`'s AESGCM, its documentation read 2026-11-22.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from livesync_pipelines.core.spellings import VAULT_KEY_BYTES, vault_keys
from livesync_pipelines.model.errors import BadInput, Broken

KEY_FILE = "vault.key"
"""In the home, made where no key is given."""

_VERSION = b"\x01"
_ID_BYTES, _NONCE_BYTES = 8, 12
_HEAD_BYTES = len(_VERSION) + _ID_BYTES


class Sealed(Broken):
    """What is sealed cannot be opened with the keys that are there."""

    code = "sealed"


class Vault:
    """Seals with the first of its keys, opens with any."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {_id(key): AESGCM(key) for key in keys}
        self._first = _id(keys[0])

    def __repr__(self) -> str:
        return f"Vault(first key {self._first.hex()}, {len(self._ciphers)} in all)"

    def seal(self, secret: bytes, place: str) -> bytes:
        head, nonce = _VERSION + self._first, os.urandom(_NONCE_BYTES)
        return head + nonce + self._ciphers[self._first].encrypt(nonce, secret, _bound(head, place))

    def open(self, sealed: bytes, place: str) -> bytes:
        """Raises `Sealed` where the key is not here, the bytes are not as they were sealed, or lay
        elsewhere then."""
        head, rest = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
        cipher = self._ciphers.get(head[len(_VERSION) :]) if head.startswith(_VERSION) else None
        if cipher is None:
            raise Sealed(
                f"The secret of {place} is sealed with a key that is not here.",
                hint="Give that key again, behind the new one, in LIVESYNC_VAULT_KEY or the file "
                "that LIVESYNC_VAULT_KEY_FILE names; or connect the account again.",
                where=place,
            )
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound(head, place))
        except (InvalidTag, ValueError):
            raise Sealed(
                f"The secret of {place} is not as it was sealed.",
                hint="Connect the account again.",
                where=place,
            ) from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether this was sealed with the key that seals now."""
        return sealed.startswith(_VERSION + self._first)


def keys_of_file(path: Path) -> list[bytes]:
    """Raises `BadInput` for a file that cannot be read, or holds anything but keys."""
    try:
        return vault_keys(path.read_text("ascii"))
    except OSError as error:
        said = f"cannot be read: {error.strerror}"
    except ValueError:
        said = "holds something other than keys: 32 bytes in base64 each"
    raise BadInput(
        f"The vault's key file {path} {said}.",
        hint="`openssl rand -base64 32` makes a key; LIVESYNC_VAULT_KEY_FILE names the file.",
        where="environment: LIVESYNC_VAULT_KEY_FILE",
    )


def key_file_in(home: Path) -> Path:
    """The home's own key file, for its owner's eyes only; made where there is none. Of processes
    that make it together all use the one that was there first."""
    path = home / KEY_FILE
    if path.exists():
        return path
    home.mkdir(parents=True, exist_ok=True)
    handle, new = mkstemp(dir=home, prefix=f".{KEY_FILE}.")  # its mode is 0600
    try:
        _write(handle, [os.urandom(VAULT_KEY_BYTES)])
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        os.unlink(new)
    return path


def add_key(path: Path) -> None:
    """A new key before the first of this file; of the old ones only that one stays, for what is
    still to be sealed anew. Raises as `keys_of_file`."""
    before = keys_of_file(path)[0]
    handle, new = mkstemp(dir=path.parent, prefix=f".{KEY_FILE}.")
    _write(handle, [os.urandom(VAULT_KEY_BYTES), before])
    os.replace(new, path)


def _write(handle: int, keys: Sequence[bytes]) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(b64encode(key) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())


def _id(key: bytes) -> bytes:
    return sha256(b"livesync vault key " + key).digest()[:_ID_BYTES]


def _bound(head: bytes, place: str) -> bytes:
    return head + place.encode()
