"""Files of lines, as UTF-8, without a byte-order mark, and with a sign that the end was reached."""

from __future__ import annotations

import codecs
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from livesync_pipelines.formats import charset
from livesync_pipelines.model.errors import BadInput

_PIECE = 1 << 20
_SAMPLE = 65_536


def encoding_of(file: IO[bytes]) -> tuple[str, int]:
    """How the file is encoded, and how long its byte-order mark is. Reads all of it."""
    file.seek(0)
    given = charset.marked(file.read(_SAMPLE))
    if given is not None and given[0] != "utf-8":
        return given
    mark = given[1] if given is not None else 0
    return ("utf-8" if _is_utf8(file) else charset.not_utf8(_telling(file))), mark


def _is_utf8(file: IO[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while piece := file.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _telling(file: IO[bytes]) -> bytes:
    """The first lines that are not plain ASCII: those that an encoding can be told from."""
    found, size = [], 0
    file.seek(0)
    while size < _SAMPLE and (line := file.readline(_SAMPLE)):
        if not line.isascii():
            found.append(line)
            size += len(line)
    return b"".join(found)[:_SAMPLE]


@contextmanager
def as_utf8(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file from its first character on; a private copy of it where it is not UTF-8."""
    name, mark = encoding_of(file)
    file.seek(mark)
    if codecs.lookup(name).name == "utf-8":
        yield file
        return
    with tempfile.TemporaryFile(prefix="livesync-rows-") as copy:
        reader = codecs.getreader(name)(file, "replace")
        shutil.copyfileobj(reader, codecs.getwriter("utf-8")(copy), _PIECE)
        copy.seek(0)
        yield copy


def utf8_mark(file: IO[bytes]) -> bytes:
    """The byte-order mark, if there is one; the file stands behind it. Raises `BadInput` where the
    file is not UTF-8: it would not be the same file if it were written again."""
    name, mark = encoding_of(file)
    file.seek(0)
    if name != "utf-8":
        raise BadInput(
            f"the file is {name}, and only UTF-8 is written", hint="Save it as UTF-8 once."
        )
    return file.read(mark)


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
