"""One spelling for what is compared: content hashes, fingerprints, the ledger's chain.

All are blake2b, 16 bytes, over an encoding of our own, so they hold across versions of every
library and across machines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from hashlib import blake2b
from typing import Any

import orjson

_DOUBTFUL_NUMBER = re.compile(rb"[0-9][0-9.]{15,}|[0-9][eE][+-]?[0-9]{3,}")
_DIGITS = Context(prec=1_100, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
"""Enough for every digit of any double."""
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")

EMPTY_CHAIN = bytes(16)
"""What stands before the first entry of a ledger."""


def storable(text: str) -> str:
    """The text with U+FFFD for what Postgres and UTF-8 cannot hold: NUL, lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text)


def content_hash(text: str) -> bytes:
    """Of a record's text alone: equal exactly when the texts are."""
    return blake2b(text.encode(), digest_size=16).digest()


def fingerprint(
    content: bytes, title: str, url: str, media_type: str, attributes: Mapping[str, str]
) -> bytes:
    """Of everything in a record that a reader can see; times and versions stay out."""
    digest = blake2b(content, digest_size=16)
    for part in (title, url, media_type):
        digest.update(part.encode())
        digest.update(b"\0")
    for name in sorted(attributes):
        digest.update(f"{name}\0{attributes[name]}\0".encode())
    return digest.digest()


def listing_mark(key: str, version: str) -> int:
    """One item's part in the digest of a listing: parts are joined by exclusive or, so that
    order does not matter and a change of any item shows."""
    return int.from_bytes(blake2b(f"{key}\0{version}".encode(), digest_size=8).digest())


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: the same bytes for the same value."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def keeps_numbers(raw: bytes, *, any_spelling: bool = False) -> bool:
    """Whether every number of a JSON text is the same after it was read as we read numbers: as a
    whole number of 64 bits, or as a double. `any_spelling`: a double may be spelled with more
    digits than tell it from others, and be rounded at the last (0.10000000000000001)."""
    if not _DOUBTFUL_NUMBER.search(raw):
        return True
    kept = True

    def look(spelled: str) -> float:
        nonlocal kept
        said, read = _DIGITS.create_decimal(spelled), orjson.loads(spelled)
        same = said == Decimal(repr(read))
        kept = kept and (same or (any_spelling and said == _DIGITS.quantize(Decimal(read), said)))
        return 0.0

    json.loads(raw, parse_int=look, parse_float=look)
    return kept


def chain(previous: bytes, entry: Mapping[str, Any]) -> bytes:
    """The hash of a ledger entry that follows the entry with hash `previous`."""
    return blake2b(previous + canonical(entry), digest_size=16).digest()
