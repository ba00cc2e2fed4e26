"""Files of lines, as UTF-8, without a byte-order mark, and with a sign that the end was reached."""

from __future__ import annotations

import codecs
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from livesync_pipelines.formats import charset
from livesync_pipelines.model.errors import BadInput

_PIECE = 1 << 20
_SAMPLE = 65_536


_UNMARKED = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}


def encoding_of(file: IO[bytes], declared: str | None = None) -> tuple[str, int]:
    """How the file is encoded, and how long its byte-order mark is. Nothing is guessed: without a
    mark and a word of its owner, it is UTF-8."""
    file.seek(0)
    name, mark = charset.marked(file.read(_SAMPLE)) or ("utf-8", 0)
    wanted = codecs.lookup(declared).name if declared else None
    if mark and (wanted is None or name.startswith(wanted.removesuffix("-sig"))):
        return name, mark
    return ("utf-8" if wanted is None else _UNMARKED.get(wanted, wanted)), 0


def _decoded(file: IO[bytes], name: str, hint: str) -> Iterator[str]:
    """The rest of the file. Raises `BadInput` at the first bytes that are not in this encoding, or
    where there is a NUL, which no text has."""
    decoder = codecs.getincrementaldecoder(name)()
    line, last = 1, False
    while not last:
        piece = file.read(_PIECE)
        last = not piece
        try:
            text = decoder.decode(piece, last)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].decode(name, "replace").count("\n")
            byte = f"the byte 0x{error.object[error.start]:02x}"
            raise BadInput(f"line {line} is not {name}: it has {byte}", hint=hint) from error
        if "\0" in text:
            line += text.partition("\0")[0].count("\n")
            raise BadInput(f"line {line} is not {name}: it has a NUL", hint=hint)
        line += text.count("\n")
        yield text


@contextmanager
def as_utf8(file: IO[bytes], hint: str, declared: str | None = None) -> Iterator[IO[bytes]]:
    """The file from its first character on; a private copy of it where it is not UTF-8. Raises
    `BadInput`, with this hint, where it is not in the encoding that is declared, or its mark
    tells."""
    name, mark = encoding_of(file, declared)
    file.seek(mark)
    if name == "utf-8":
        for _ in _decoded(file, name, hint):
            pass
        file.seek(mark)
        yield file
        return
    with tempfile.TemporaryFile(prefix="livesync-rows-") as copy:
        for text in _decoded(file, name, hint):
            copy.write(text.encode("utf-8", "replace"))
        copy.seek(0)
        yield copy


def mark_of(file: IO[bytes], length: int) -> bytes:
    file.seek(0)
    return file.read(length)


def utf8_mark(file: IO[bytes]) -> bytes:
    """The byte-order mark, if there is one; the file stands behind it. Raises `BadInput` where the
    file is not UTF-8: it would not be the same file if it were written again."""
    name, mark = encoding_of(file)
    if name != "utf-8":
        raise BadInput(
            f"the file is {name}, and only UTF-8 is written", hint="Save it as UTF-8 once."
        )
    return mark_of(file, mark)


def sealed(file: IO[bytes], seal: bytes) -> io.BufferedReader:
    """The rest of a file with a last line of our own, so that a reader who sees this line come
    out whole knows that nothing before it was left open. Arrow wants to read it in full blocks."""
    return io.BufferedReader(_Sealed(file, seal), _PIECE)


class _Sealed(io.RawIOBase):
    def __init__(self, file: IO[bytes], seal: bytes) -> None:
        self._file = file
        self._left = seal
        self._ended = True

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]  # wider in typeshed
        piece = self._file.read(len(into))
        if piece:
            self._ended = piece.endswith((b"\n", b"\r"))
        elif not self._ended:
            piece, self._ended = b"\n", True
        else:
            piece, self._left = self._left[: len(into)], self._left[len(into) :]
        into[: len(piece)] = piece
        return len(piece)
