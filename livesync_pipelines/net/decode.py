"""Bytes off the wire, and unpacked, never more of them in memory than the limit and one piece."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from livesync_pipelines.model.errors import Unavailable

from .verdict import BadAnswer, TooLarge

PIECE_BYTES = 64 * 1024
GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def collect(pieces: Iterable[bytes], *, max_bytes: int, where: str) -> bytes:
    """All pieces in one; raises `TooLarge` before more than `max_bytes` are kept."""
    content = bytearray()
    for piece in pieces:
        if len(content) + len(piece) > max_bytes:
            raise TooLarge(f"{where} is longer than {max_bytes} bytes", where=where)
        content += piece
    return bytes(content)


def decoded(pieces: Iterable[bytes], encoding: str, *, where: str) -> Iterator[bytes]:
    """The pieces without their `Content-Encoding`; we ask for gzip and understand no other.

    Raises `BadAnswer` for any other encoding, `Unavailable` for gzip that is cut short or torn.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return iter(pieces)
    if name in ("gzip", "x-gzip"):
        return gunzip(pieces, where=where)
    raise BadAnswer(f"{where} came in an encoding that nobody asked for: {name[:40]}", where=where)


def gunzip(pieces: Iterable[bytes], *, where: str) -> Iterator[bytes]:
    """Unpack gzip (several members too) in pieces of bounded size; nothing at all stays nothing."""
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    begun = False
    for piece in pieces:
        rest = piece
        while rest:
            if unpacker.eof:
                if not rest.startswith(GZIP_MAGIC):
                    return  # padding after the last member, which every reader ignores
                unpacker = zlib.decompressobj(_GZIP_WINDOW)
            begun = True
            yield _unpack(unpacker, rest, where=where)
            rest = unpacker.unconsumed_tail or unpacker.unused_data
    if begun and not unpacker.eof:
        raise Unavailable(f"{where} was cut short: its gzip data has no end", where=where)


def _unpack(unpacker: zlib._Decompress, piece: bytes, *, where: str) -> bytes:
    try:
        return unpacker.decompress(piece, PIECE_BYTES)
    except zlib.error as error:
        raise Unavailable(f"{where} sent torn gzip data", where=where) from error
