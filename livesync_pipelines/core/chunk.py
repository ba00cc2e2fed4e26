"""Cuts a record's text into chunks that stay what they are while the text around them changes.

1. Headings cut first (`chunk_outline`): a chunk spans one only to take in a tiny section.
2. A stretch that is still too long is cut between blocks, and only where blocks are too long
   between lines, sentences, words (`chunk_cuts`), at places chosen by the words around them.
   A code fence is left whole unless it alone is too long.
3. A pipe table that is too long is cut between rows, by the rows' keys, and every chunk of it
   repeats the header (`chunk_tables`).

Lengths are in characters. Words decide where a cut is made, never positions; only a text that
repeats itself, or has no place to cut, is cut by counting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from ..model.records import Chunk
from .chunk_cuts import Sizes
from .chunk_outline import Heading, outline, stretches
from .chunk_stretch import stretch_pieces
from .chunk_tables import Piece

CHUNKER_VERSION = "1"
"""Changes whenever the same text and limits would be cut differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLimits:
    """No chunk is longer than `max_chars` characters, a repeated table header included.
    `min_chars`: sections below it are glued to a neighbour, and no text is cut closer to an end,
    unless a fence, a table or the end of a parent section leaves no other way."""

    max_chars: int = 2000
    min_chars: int = 500

    def __post_init__(self) -> None:
        if not 1 <= self.min_chars <= self.max_chars // 2:
            raise ValueError("min_chars must be at least 1 and at most half of max_chars")


DEFAULT_LIMITS = ChunkLimits()


def chunk(text: str, limits: ChunkLimits = DEFAULT_LIMITS) -> list[Chunk]:
    """The chunks of a normalised Markdown text (line feeds, NFC), in order.

    Spans ascend, do not overlap and hold every character that is not blank. `chunk.text` is
    `text[start:end]`, in the second and later chunks of a cut table with the header in front.
    """
    lines = outline(text)
    sizes = Sizes(limits.max_chars, limits.min_chars)
    pieces: list[Piece] = []
    for low, high in pairwise(stretches(len(text), lines.headings, limits.min_chars)):
        if high - low <= limits.max_chars:
            pieces.append(Piece(low, high))
        else:
            pieces.extend(stretch_pieces(text, low, high, lines, sizes))
    return list(_chunks(text, pieces, lines.headings))


def chunk_ids(scope: bytes | str, chunks: Iterable[Chunk]) -> list[str]:
    """An id for each chunk, spelled as a UUID: of the record (`scope`) and of the chunk's words,
    nothing else.

    The same words twice in one record have the same id twice. A caller that stores by id keeps
    the first and leaves out the later ones: a search would find the same words at both. A chunk
    is then gone when its id is no longer in this list, however often it was there before.
    """
    name = scope.encode("utf-8", "surrogatepass") if isinstance(scope, str) else scope
    of_record = blake2b(len(name).to_bytes(8, "big") + name, digest_size=16)
    ids = []
    for each in chunks:
        digest = of_record.copy()
        digest.update(each.text.encode("utf-8", "surrogatepass"))
        d = digest.hexdigest()
        ids.append(f"{d[:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:]}")
    return ids


def estimate_tokens(text: str) -> int:
    """A quarter of the UTF-8 bytes, rounded up. An estimate: about right for English, high for
    most other scripts, never far too low."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-size // 4)


def _chunks(text: str, pieces: Iterable[Piece], headings: list[Heading]) -> Iterator[Chunk]:
    """Pieces without their blank ends; none for a blank one."""
    path: list[Heading] = []
    titles: tuple[str, ...] = ()
    at, count = 0, len(headings)
    for low, high, header in pieces:
        start, words = low, text[low:high].rstrip()
        if not words:
            continue
        if words[0].isspace():
            blank = words.rfind("\n", 0, len(words) - len(words.lstrip())) + 1
            start, words = low + blank, words[blank:]
        known = at
        while at < count and headings[at].start <= start:
            while path and path[-1].level >= headings[at].level:
                path.pop()
            path.append(headings[at])
            at += 1
        if at != known:
            titles = tuple([heading.title for heading in path])
        yield Chunk(header + words, start, start + len(words), titles)
